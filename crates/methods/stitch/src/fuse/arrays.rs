//! Fusing arrays that lie in memory.

use hooke_core::Sample;
use ndarray::{Array3, ArrayView3};
use rayon::prelude::*;

use super::adjust_max::AdjustMax;
use super::block::fuse_block;
use super::params::{Blend, FuseError, FuseParams};
use super::plan::{FusePlan, FuseTile};
use super::scratch::FuseScratch;
use crate::region::LayoutRegion;
use crate::regions::partition;
use crate::tile_pixels::TilesInMemory;

/// Output voxels of one task.
const TASK_VOXELS: i64 = 1 << 22;

/// Fuses tiles in memory to one array.
///
/// Tile `i` is `arrays[i]` over `(z, y, x)` with its first voxel at layout coordinate
/// `positions[i]`. Parallel; the result does not depend on the number of threads. NaN, rounding
/// and border as in [`fuse_block`].
///
/// # Returns
/// The fused array and the layout coordinate of its first voxel.
///
/// # Errors
/// [`FuseError`] when there are no tiles, the numbers differ, or a parameter is impossible.
pub fn fuse_arrays<T: Sample>(
    arrays: &[ArrayView3<'_, T>],
    positions: &[[f64; 3]],
    params: FuseParams,
) -> Result<(Array3<T>, [i64; 3]), FuseError> {
    if arrays.len() != positions.len() {
        return Err(FuseError::Count { arrays: arrays.len(), positions: positions.len() });
    }
    let tiles: Vec<FuseTile> = arrays
        .iter()
        .zip(positions)
        .enumerate()
        .map(|(id, (array, position))| FuseTile {
            id,
            position: *position,
            shape: array.dim().into(),
        })
        .collect();
    let pixels = TilesInMemory { tiles: arrays.to_vec() };
    let mut plan = FusePlan::new(&tiles, params)?;
    let output = plan.output();
    if plan.params().blend == Blend::LinearAdjustMax {
        plan = measure(plan, &pixels)?;
    }
    let shape = output.shape.map(|n| n as usize);
    let mut fused = Array3::from_elem(shape, T::default());
    let rows = (TASK_VOXELS / output.shape[2].max(1)).max(1);
    let slabs = output.slabs(rows);
    let mut rest = fused.as_slice_mut().expect("a new array is contiguous");
    let mut tasks = Vec::new();
    for slab in slabs {
        let (out, after) = rest.split_at_mut(slab.voxels() as usize);
        rest = after;
        tasks.push((slab, out));
    }
    tasks.into_par_iter().try_for_each_init(FuseScratch::default, |scratch, (slab, out)| {
        fuse_block(&plan, &slab, &pixels, scratch, out)
    })?;
    Ok((fused, output.start))
}

/// The first pass of `linear-adjust-max`, with the regions of the covered boxes.
fn measure<T: Sample>(
    plan: FusePlan,
    pixels: &TilesInMemory<'_, T>,
) -> Result<FusePlan, FuseError> {
    let covers: Vec<LayoutRegion> = plan.covers().map(|(_, cover)| cover).collect();
    let mut maxima = AdjustMax::new(partition(&covers).into_iter().map(|r| r.region).collect());
    let output = plan.output();
    let rows = (TASK_VOXELS / output.shape[2].max(1)).max(1);
    let found: Vec<_> = output
        .slabs(rows)
        .into_par_iter()
        .map_init(FuseScratch::default, |scratch, slab| {
            maxima.measure_block(&plan, &slab, pixels, scratch)
        })
        .collect::<Result<_, _>>()?;
    found.iter().for_each(|f| maxima.merge(f));
    Ok(plan.with_maxima(maxima))
}
