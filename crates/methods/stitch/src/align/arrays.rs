//! Two tiles that lie in memory, without a layout.

use hooke_core::Axis;
use ndarray::{Array3, ArrayView3};

use super::error::AlignError;
use super::geometry::PairGeometry;
use super::measure::Stop;
use super::pair::{PairOutcome, align_pair};
use super::params::AlignParams;
use super::prepare::prepare;
use super::projection::project_pair;
use super::source::{Correction, TileVoxels, Voxels};
use super::statistics::{NullDistribution, SharedStatistics};
use crate::layout::{Layout, PairStatus, Tile};
use crate::pairs::PairTask;
use crate::tile_pixels::TilesInMemory;

/// Two tiles with their nominal positions.
#[derive(Debug, Clone, Copy)]
pub struct TwoTiles<'a> {
    /// The tiles over `(z, y, x)`; `z` = 1 for images.
    pub tiles: [ArrayView3<'a, f32>; 2],
    /// Positions of their first voxels.
    pub positions: [[f64; 3]; 2],
    /// The axis along which they are neighbours; `None` = that of the smallest overlap.
    pub axis: Option<Axis>,
}

impl TwoTiles<'_> {
    fn layout(&self) -> Layout {
        let tile = |i: usize| {
            let shape = self.tiles[i].dim();
            let shape = [shape.0, shape.1, shape.2].map(|n| n as u64);
            Tile::new(i, format!("tile_{i}"), shape, self.positions[i])
        };
        Layout::new(vec![tile(0), tile(1)])
    }

    fn task(&self) -> PairTask {
        let shapes = self.tiles.map(|t| <[usize; 3]>::from(t.dim()));
        let [p, q] = self.positions;
        let overlap = |d: usize| {
            (p[d] + shapes[0][d] as f64).min(q[d] + shapes[1][d] as f64) - p[d].max(q[d])
        };
        let smallest = (0..3)
            .filter(|d| shapes[0][*d] > 1 || shapes[1][*d] > 1)
            .min_by(|d, e| overlap(*d).total_cmp(&overlap(*e)));
        PairTask { pre: 0, post: 1, axis: self.axis.or(smallest.map(|d| Axis::SPACE[d])) }
    }
}

/// Measures the displacement of two tiles in memory; as [`align_pair`], with statistics of these
/// two tiles alone.
///
/// # Errors
/// [`AlignError::NeverOverlap`] when no shift of the window makes them meet, and as [`prepare`].
pub fn align_two(tiles: &TwoTiles<'_>, params: &AlignParams) -> Result<PairOutcome, AlignError> {
    let (layout, task) = (tiles.layout(), tiles.task());
    let pixels = TilesInMemory { tiles: tiles.tiles.to_vec() };
    let correction = Correction::default();
    let statistics = prepare(&layout, &pixels, params, &correction, &())?;
    let outcome = align_pair(&layout, &task, &pixels, params, &correction, &statistics)?;
    if outcome.pair.status == PairStatus::NoOverlap {
        return Err(AlignError::NeverOverlap { pre: 0, post: 1 });
    }
    Ok(outcome)
}

/// The maximum projections along `axis` that [`super::ProjectionMode::Pair`] compares: the last
/// planes of the first tile, the first planes of the second. Their length along `axis` is 1.
///
/// # Errors
/// As [`align_two`].
pub fn pair_projections(
    tiles: &TwoTiles<'_>,
    axis: Axis,
    params: &AlignParams,
) -> Result<[Array3<f32>; 2], AlignError> {
    params.validate()?;
    let never = AlignError::NeverOverlap { pre: 0, post: 1 };
    let (layout, task) = (tiles.layout(), PairTask { axis: Some(axis), ..tiles.task() });
    let pixels = TilesInMemory { tiles: tiles.tiles.to_vec() };
    let correction = Correction::default();
    let null = NullDistribution::of_noise(1.0);
    let statistics = SharedStatistics { levels: Vec::new(), pattern: None, null };
    let both = [&layout.tiles[0], &layout.tiles[1]];
    let (Some(axis), Some(geometry)) =
        (axis.space_index(), PairGeometry::new(both[0], both[1], &task, params, [1.0; 3]))
    else {
        return Err(never);
    };
    let voxels = both.map(|t| TileVoxels::new(t, &pixels, params.clip, &correction, &statistics));
    let sides: [&dyn Voxels; 2] = [&voxels[0], &voxels[1]];
    let flat = match project_pair(sides, &geometry, axis, true, params) {
        Ok(flat) => flat,
        Err(Stop::Unread(error)) => return Err(error.into()),
        Err(_) => return Err(never),
    };
    Ok(flat.volumes.map(|v| {
        Array3::from_shape_vec(v.shape, v.values).expect("a projection has its shape's voxels")
    }))
}
