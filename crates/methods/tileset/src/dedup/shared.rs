//! Where two tiles are compared: the box they share, or the planes that face each other.

use hooke_core::{LayoutRegion, Sample, TilePixels};
use rayon::prelude::*;

use super::count::{JointHistogram, LabelCounts};
use crate::error::TilesetError;
use crate::overlap::{facing, pairs};
use crate::placement::Placement;
use crate::read::{blocks, read_box};

/// Boxes of two tiles, of one shape, whose voxels are compared one to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedBox {
    /// The tile of the smaller index.
    pub tile_a: usize,
    /// The tile of the larger index.
    pub tile_b: usize,
    /// First voxel of the box, local to `tile_a`.
    pub start_a: [i64; 3],
    /// First voxel of the box, local to `tile_b`.
    pub start_b: [i64; 3],
    /// Lengths of the box.
    pub shape: [i64; 3],
}

/// Lists the boxes to compare, ordered by `tile_a`, `tile_b`.
///
/// One box per pair of tiles that share a voxel; with `touching` also the facing planes of tiles
/// that abut or miss each other by one voxel.
pub fn shared_boxes(placement: &Placement, touching: bool) -> Vec<SharedBox> {
    let local = |tile: usize, region: &LayoutRegion| region.to_local(placement.tile(tile).start);
    let shared = |a: (usize, &LayoutRegion), b: (usize, &LayoutRegion)| SharedBox {
        tile_a: a.0,
        tile_b: b.0,
        start_a: local(a.0, a.1).start,
        start_b: local(b.0, b.1).start,
        shape: a.1.shape,
    };
    let overlaps = pairs(placement).into_iter();
    let mut boxes: Vec<SharedBox> =
        overlaps.map(|p| shared((p.tile_a, &p.region), (p.tile_b, &p.region))).collect();
    if touching {
        let faces = facing(placement).into_iter();
        boxes.extend(faces.map(|f| shared((f.tile_a, &f.face_a), (f.tile_b, &f.face_b))));
    }
    boxes.sort_by_key(|b| (b.tile_a, b.tile_b));
    boxes
}

/// Counts the pairs of labels in one box, block by block.
///
/// Parallel over blocks; memory is two blocks per thread and the pairs. The result does not
/// depend on the blocks.
///
/// # Errors
/// [`TilesetError::Tile`] and [`TilesetError::ShortRead`] from reading, and labels that are none.
pub fn joint_histogram<T: Sample>(
    shared: &SharedBox,
    pixels: &dyn TilePixels<T>,
) -> Result<JointHistogram, TilesetError> {
    let empty = || (JointHistogram::default(), Vec::new(), Vec::new());
    blocks(&LayoutRegion::new([0; 3], shared.shape))
        .into_par_iter()
        .try_fold(empty, |(mut joint, mut a, mut b), block| {
            read_box(pixels, shared.tile_a, &block.to_layout(shared.start_a), &mut a)?;
            read_box(pixels, shared.tile_b, &block.to_layout(shared.start_b), &mut b)?;
            joint.add([shared.tile_a, shared.tile_b], &a, &b)?;
            Ok((joint, a, b))
        })
        .map(|part| part.map(|(joint, _, _)| joint))
        .try_reduce(JointHistogram::default, |mut a, b| {
            a.merge(b);
            Ok(a)
        })
}

/// Counts the labels of one tile of the given shape, block by block. Parallel over blocks.
///
/// # Errors
/// As [`joint_histogram`].
pub fn label_counts<T: Sample>(
    tile: usize,
    shape: [i64; 3],
    pixels: &dyn TilePixels<T>,
) -> Result<LabelCounts, TilesetError> {
    blocks(&LayoutRegion::new([0; 3], shape))
        .into_par_iter()
        .try_fold(
            || (LabelCounts::default(), Vec::new()),
            |(mut counts, mut buffer), block| {
                read_box(pixels, tile, &block, &mut buffer)?;
                counts.add(tile, &buffer)?;
                Ok((counts, buffer))
            },
        )
        .map(|part| part.map(|(counts, _)| counts))
        .try_reduce(LabelCounts::default, |mut a, b| {
            a.merge(b);
            Ok(a)
        })
}
