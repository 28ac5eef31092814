//! Two tiles in magenta and green.

use super::colors::palette;
use super::compose::{ColoredPlane, full_scale};
use super::project::{TilePart, project_part};
use super::{OverlayError, check, compose, kept_axes};
use crate::fuse::FuseTile;
use crate::region::LayoutRegion;
use crate::tile_pixels::TilePixels;

use ndarray::{Array2, Array3};

/// How a pair is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairView {
    /// The box shown, in the voxels of `pre`; one voxel along `axis` is a plane, more are projected.
    pub window: LayoutRegion,
    /// The axis looked along: 0 (z), 1 (y) or 2 (x).
    pub axis: usize,
    /// Voxels per pixel and side, at least 1.
    pub reduce: usize,
    /// Percentile of each tile's part that is drawn at full scale, 0 to 100.
    pub percentile: f64,
}

/// Draws `pre` in magenta and `post`, at `pre` + `displacement`, in green; what agrees is grey.
///
/// The displacement is rounded half to even. What a tile does not cover is black. Show the same
/// window with two displacements to see a seam before and after.
///
/// # Returns
/// `(height, width, 3)`, the window reduced.
///
/// # Errors
/// [`OverlayError`] for a view that cannot be, or a tile that cannot be read.
pub fn overlay_pair(
    pre: &FuseTile,
    post: &FuseTile,
    displacement: [f64; 3],
    pixels: &dyn TilePixels<f32>,
    view: &PairView,
) -> Result<Array3<u8>, OverlayError> {
    let PairView { window, axis, reduce, percentile } = *view;
    check(axis, reduce, percentile)?;
    let kept = kept_axes(axis);
    let size = kept.map(|d| window.shape[d].max(0) as usize);
    // An empty plane of the window's size makes the picture exactly that large.
    let frame = ColoredPlane {
        origin: [0, 0],
        values: Array2::from_elem(size.map(|n| n.div_ceil(reduce)), f32::NAN),
        color: [0.0; 3],
        full_scale: 1.0,
    };
    let mut planes = vec![frame];
    for (tile, at, color) in [(pre, [0.0; 3], palette(2)[0]), (post, displacement, palette(2)[1])] {
        let cover = placed(tile, at);
        let Some(seen) = cover.intersect(&window) else { continue };
        let local = seen.to_local(cover.start);
        let part = TilePart {
            tile: tile.id,
            start: local.start.map(|v| v as usize),
            shape: local.shape.map(|v| v as usize),
        };
        let inset = kept.map(|d| (seen.start[d] - window.start[d]) as usize);
        let values = project_part(pixels, &part, axis, reduce, inset.map(|i| i % reduce))?;
        planes.push(ColoredPlane {
            origin: inset.map(|i| (i / reduce) as i64),
            full_scale: full_scale(&values, percentile).max(0.0),
            values,
            color,
        });
    }
    Ok(compose(&planes)?.rgb)
}

/// The box of `pre` and `post` together, in the voxels of `pre`.
pub fn union_window(pre: &FuseTile, post: &FuseTile, displacement: [f64; 3]) -> LayoutRegion {
    let (a, b) = (placed(pre, [0.0; 3]), placed(post, displacement));
    let lower = std::array::from_fn(|d| a.start[d].min(b.start[d]));
    let upper: [i64; 3] = std::array::from_fn(|d| a.end()[d].max(b.end()[d]));
    LayoutRegion::new(lower, std::array::from_fn(|d| upper[d] - lower[d]))
}

/// The overlap of `pre` and `post`, in the voxels of `pre`; `None` when there is none.
pub fn overlap_window(
    pre: &FuseTile,
    post: &FuseTile,
    displacement: [f64; 3],
) -> Option<LayoutRegion> {
    placed(pre, [0.0; 3]).intersect(&placed(post, displacement))
}

/// A plane of at most `size` voxels in the middle of the overlap, across `axis`, for a close look at
/// the seam; `None` when there is no overlap.
pub fn seam_window(
    pre: &FuseTile,
    post: &FuseTile,
    displacement: [f64; 3],
    axis: usize,
    size: i64,
) -> Option<LayoutRegion> {
    let overlap = overlap_window(pre, post, displacement)?;
    let both = union_window(pre, post, displacement);
    let mut window = both;
    for d in 0..3 {
        let middle = overlap.start[d] + overlap.shape[d] / 2;
        let length = if d == axis { 1 } else { size.clamp(1, both.shape[d]) };
        // Centred on the overlap, but inside what there is to see.
        let last = both.end()[d] - length;
        window.start[d] = (middle - length / 2).clamp(both.start[d], last);
        window.shape[d] = length;
    }
    Some(window)
}

fn placed(tile: &FuseTile, at: [f64; 3]) -> LayoutRegion {
    let start = at.map(|p| p.round_ties_even() as i64);
    LayoutRegion::new(start, tile.shape.map(|s| s as i64))
}
