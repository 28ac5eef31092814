//! Labels that are unique over all tiles, with objects in overlaps counted once.
//!
//! Two labels are one object when they cover the same voxels of the box that their tiles share:
//! both tiles saw the same specimen there, so intersection over union is fair to objects cut by a
//! tile's border. Pairs are taken best first and joined by union-find, so that an object through
//! three tiles gets one id; a pair that would put two labels of one tile into one set is refused.
//!
//! A workflow runs the steps on their own: [`shared_boxes`], [`joint_histogram`] per box,
//! [`label_counts`] per tile, [`resolve`], then [`LabelMap`](crate::relabel::LabelMap) per block.
//! [`dedup`] is all but the last in one call.
//!
//! # Reference
//! Linking tiles of labels by IoU: Stringer et al. (2021), Cellpose, `stitch_threshold`,
//! doi:10.1038/s41592-020-01018-x. Union-find best first with exclusivity is Kruskal's order (1956).

mod count;
mod link;
mod params;
mod runs;
mod shared;

use hooke_core::{Sample, TilePixels};
use rayon::prelude::*;

pub use count::{JointHistogram, LabelCounts, LabelPair};
pub(crate) use count::{check_label_type, to_label};
pub use link::{OverlapRow, Reason};
pub use params::{DedupParams, id_dtype};
pub(crate) use runs::runs;
pub use shared::{SharedBox, joint_histogram, label_counts, shared_boxes};

use crate::error::TilesetError;
use crate::placement::Placement;

/// A row of the table of ids: what a label of a tile is called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRow {
    /// The tile.
    pub tile: usize,
    /// Its label in that tile, not 0.
    pub old_id: u64,
    /// Its id in all tiles.
    pub new_id: u64,
    /// Voxels of the label in that tile.
    pub n_voxels: u64,
    /// Tiles that hold the new id.
    pub n_tiles: u32,
}

/// New ids for the labels of all tiles.
#[derive(Debug, Clone, PartialEq)]
pub struct Dedup {
    /// Every label that is not background, ordered by tile and old id.
    pub ids: Vec<IdRow>,
    /// Every pair of labels that share a voxel, ordered by tile a, label a, tile b, label b.
    pub overlaps: Vec<OverlapRow>,
}

impl Dedup {
    /// The rows of one tile.
    pub fn of_tile(&self, tile: usize) -> &[IdRow] {
        let first = self.ids.partition_point(|r| r.tile < tile);
        let end = self.ids.partition_point(|r| r.tile <= tile);
        &self.ids[first..end]
    }

    /// The largest new id; 0 when there is no label.
    pub fn largest_id(&self) -> u64 {
        self.ids.iter().map(|r| r.new_id).max().unwrap_or(0)
    }

    /// Number of different new ids: objects in the whole sample.
    pub fn n_objects(&self) -> u64 {
        let mut ids: Vec<u64> = self.ids.iter().map(|r| r.new_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len() as u64
    }
}

/// Finds the new ids of the labels of all tiles.
///
/// Reads the shared boxes twice or more, and every tile once more to count. Parallel; memory is
/// `O(labels + pairs)` and two blocks per thread. The result does not depend on threads or blocks;
/// permuting the tiles permutes the sets, as long as no two pairs tie in both IoU and voxels.
///
/// # Errors
/// [`TilesetError::Parameter`]; [`TilesetError::Tile`] and [`TilesetError::ShortRead`] from
/// reading; [`TilesetError::LabelType`] and [`TilesetError::NegativeLabel`].
///
/// # Examples
/// ```
/// use hooke_tileset::dedup::{dedup, DedupParams};
/// use hooke_tileset::placement::Placement;
/// use hooke_core::TilesInMemory;
/// use ndarray::array;
///
/// // One row of six voxels, cut in two tiles that share the middle two; one object crosses.
/// let (left, right) = (array![[[5u16, 0, 9, 9]]], array![[[3u16, 3, 0, 4]]]);
/// let placement = Placement::from_starts(&[[0, 0, 0], [0, 0, 2]], &[[1, 1, 4], [1, 1, 4]])?;
/// let tiles = TilesInMemory { tiles: vec![left.view(), right.view()] };
/// let found = dedup(&placement, &tiles, &DedupParams::default())?;
/// let ids: Vec<_> = found.ids.iter().map(|r| (r.tile, r.old_id, r.new_id)).collect();
/// assert_eq!(ids, [(0, 5, 1), (0, 9, 2), (1, 3, 2), (1, 4, 3)]);
/// # Ok::<(), hooke_tileset::TilesetError>(())
/// ```
pub fn dedup<T: Sample>(
    placement: &Placement,
    pixels: &dyn TilePixels<T>,
    params: &DedupParams,
) -> Result<Dedup, TilesetError> {
    params.validate()?;
    let labels = placement
        .tiles()
        .par_iter()
        .enumerate()
        .map(|(tile, region)| Ok(label_counts(tile, region.shape, pixels)?.sorted()))
        .collect::<Result<Vec<_>, TilesetError>>()?;
    let overlaps = overlapping_labels(placement, pixels, params.touching)?;
    resolve(&labels, overlaps, params)
}

/// Lists every pair of labels of two tiles that share a voxel, ordered by tile a, tile b and labels.
///
/// # Errors
/// As [`joint_histogram`].
pub fn overlapping_labels<T: Sample>(
    placement: &Placement,
    pixels: &dyn TilePixels<T>,
    touching: bool,
) -> Result<Vec<(SharedBox, Vec<LabelPair>)>, TilesetError> {
    shared_boxes(placement, touching)
        .into_par_iter()
        .map(|shared| Ok((shared, joint_histogram(&shared, pixels)?.pairs())))
        .collect()
}

/// Decides which labels are one and gives out new ids.
///
/// # Arguments
/// * `labels` — per tile its labels, ascending, with their voxels: [`LabelCounts::sorted`].
/// * `overlaps` — per shared box its pairs: [`overlapping_labels`].
///
/// 1. Candidates share at least `min_voxels` and reach `min_iou`.
/// 2. They are taken by IoU descending, compared exactly; then by shared voxels; then by tile and
///    label.
/// 3. A candidate is accepted unless it would put two labels of one tile into one set.
/// 4. New ids count from `first_id` in the order of each set's smallest tile and label.
///
/// # Errors
/// [`TilesetError::Parameter`] for bad settings or when the ids run out;
/// [`TilesetError::UnknownLabel`] when a pair names a label its tile was not counted to have.
pub fn resolve(
    labels: &[Vec<(u64, u64)>],
    overlaps: Vec<(SharedBox, Vec<LabelPair>)>,
    params: &DedupParams,
) -> Result<Dedup, TilesetError> {
    params.validate()?;
    let row = |shared: &SharedBox, pair: LabelPair| OverlapRow {
        tile_a: shared.tile_a,
        tile_b: shared.tile_b,
        pair,
        reason: Reason::BelowIou,
    };
    let mut overlaps: Vec<OverlapRow> = overlaps
        .into_iter()
        .flat_map(|(shared, pairs)| pairs.into_iter().map(move |pair| row(&shared, pair)))
        .collect();
    let mut sets = link::Sets::new(labels);
    sets.link(&mut overlaps, params)?;
    let numbers = sets.numbered();
    if params.first_id.checked_add(numbers.len() as u64).is_none() {
        let found = params.first_id.to_string();
        let wanted = "room for an id per label below 2^64";
        return Err(TilesetError::Parameter { name: "first-id", found, wanted });
    }
    let of_tile = |(tile, labels): (usize, &'_ Vec<(u64, u64)>)| {
        labels.iter().map(move |(old_id, n)| (tile, *old_id, *n)).collect::<Vec<_>>()
    };
    let ids = labels
        .iter()
        .enumerate()
        .flat_map(of_tile)
        .zip(numbers)
        .map(|((tile, old_id, n_voxels), (number, n_tiles))| IdRow {
            tile,
            old_id,
            new_id: params.first_id + number,
            n_voxels,
            n_tiles,
        })
        .collect();
    Ok(Dedup { ids, overlaps })
}
