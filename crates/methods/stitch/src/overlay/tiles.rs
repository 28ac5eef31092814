//! All tiles of a layout in one picture.

use rayon::prelude::*;

use super::colors::{color_tiles, palette};
use super::compose::{ColoredPlane, Overlay, compose, full_scale};
use super::project::{TilePart, project_part};
use super::{OverlayError, check, kept_axes};
use crate::fuse::FuseTile;
use crate::region::LayoutRegion;
use crate::tile_pixels::TilePixels;

/// How tiles are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct TilesView {
    /// The axis looked along: 0 (z), 1 (y) or 2 (x).
    pub axis: usize,
    /// Layout coordinate of the one plane to show; `None`: the maximum along the axis.
    pub coordinate: Option<i64>,
    /// Layout voxels per pixel and side, at least 1.
    pub reduce: usize,
    /// Percentile of a tile that is drawn at full scale, 0 to 100.
    pub percentile: f64,
    /// Whether each tile has its own full scale; else all share the largest.
    pub normalize: bool,
    /// Red, green, blue from 0 to 1, used in turn; `None`: [`palette`].
    pub colors: Option<Vec<[f32; 3]>>,
}

impl Default for TilesView {
    /// The maximum along z at full resolution, each tile's 98th percentile at full scale.
    fn default() -> TilesView {
        TilesView {
            axis: 0,
            coordinate: None,
            reduce: 1,
            percentile: 98.0,
            normalize: true,
            colors: None,
        }
    }
}

/// Draws tiles over one another, each in the colour of [`color_tiles`], in the order given.
///
/// Positions are rounded half to even. The picture's rows and columns are the two axes that remain,
/// in their order; pixel `k` holds the layout voxels from `reduce * k`. Parallel over tiles; the
/// result does not depend on the number of threads.
///
/// # Returns
/// The picture; its `origin` is in pixels, that is layout coordinates divided by `reduce`.
///
/// # Errors
/// [`OverlayError`] for a view that cannot be, too large a picture, or a tile that cannot be read.
pub fn overlay_tiles(
    tiles: &[FuseTile],
    pixels: &dyn TilePixels<f32>,
    view: &TilesView,
) -> Result<Overlay, OverlayError> {
    let TilesView { axis, reduce, percentile, .. } = *view;
    check(axis, reduce, percentile)?;
    if view.colors.as_ref().is_some_and(Vec::is_empty) {
        return Err(OverlayError::NoColor);
    }
    let parts: Vec<(LayoutRegion, TilePart)> =
        tiles.iter().filter_map(|tile| visible(tile, view)).collect();
    let flat: Vec<LayoutRegion> = parts.iter().map(|(cover, _)| flattened(cover, axis)).collect();
    let numbers = color_tiles(&flat);
    let needed = numbers.iter().max().map_or(0, |n| n + 1);
    let colors = view.colors.as_deref().unwrap_or_else(|| palette(needed));
    let mut planes: Vec<ColoredPlane> = parts
        .par_iter()
        .zip(&numbers)
        .map(|((cover, part), number)| {
            let kept = kept_axes(axis).map(|d| cover.start[d]);
            let step = reduce as i64;
            let phase = kept.map(|p| p.rem_euclid(step) as usize);
            let values = project_part(pixels, part, axis, reduce, phase)?;
            Ok(ColoredPlane {
                origin: kept.map(|p| p.div_euclid(step)),
                full_scale: full_scale(&values, percentile).max(0.0),
                values,
                color: colors[number % colors.len()],
            })
        })
        .collect::<Result<_, OverlayError>>()?;
    if !view.normalize {
        let shared = planes.iter().map(|p| p.full_scale).fold(0.0, f32::max);
        planes.iter_mut().for_each(|p| p.full_scale = shared);
    }
    compose(&planes)
}

/// Where a tile lies and what of it is shown; `None` when the plane misses it.
fn visible(tile: &FuseTile, view: &TilesView) -> Option<(LayoutRegion, TilePart)> {
    let start = tile.position.map(|p| p.round_ties_even() as i64);
    let cover = LayoutRegion::new(start, tile.shape.map(|s| s as i64));
    let mut part = TilePart { tile: tile.id, start: [0; 3], shape: tile.shape };
    if let Some(at) = view.coordinate {
        let local = usize::try_from(at - start[view.axis]).ok()?;
        if local >= tile.shape[view.axis] {
            return None;
        }
        part.start[view.axis] = local;
        part.shape[view.axis] = 1;
    }
    Some((cover, part))
}

/// The box without its extent along `axis`, so that boxes overlap when their pictures do.
fn flattened(cover: &LayoutRegion, axis: usize) -> LayoutRegion {
    let mut flat = *cover;
    (flat.start[axis], flat.shape[axis]) = (0, 1);
    flat
}
