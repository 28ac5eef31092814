//! One block of the output.

use hooke_core::Sample;

use super::params::{Blend, FuseError};
use super::part::{Part, Stretch};
use super::plan::FusePlan;
use super::rows::{self, CHUNK, RowBuffers};
use super::runs::{Run, visit_runs};
use super::scratch::FuseScratch;
use crate::region::LayoutRegion;
use crate::tile_pixels::TilePixels;

/// Fuses the voxels of `region` (layout coordinates) into `out`, in C order.
///
/// Where one raw tile (integer position, no gain, no shading) lies its samples are copied; else
/// values are f64, rounded half to even and clamped. `max`, `min`, `first`, `last` and `closest` of
/// raw tiles are exact for 64-bit integers; other results of theirs are rounded beyond 2^53. NaN
/// and infinite samples count as not covered; voxels without a sample, also outside the output
/// box, are `fill`. Tiles are summed in the order of their ids and weights depend on the voxel's
/// coordinates only, so the same bits come out of any partition into blocks.
///
/// # Errors
/// [`FuseError::OutputLength`], [`FuseError::Tile`] and [`FuseError::ShortRead`] from reading,
/// [`FuseError::MaximaMissing`] for `linear-adjust-max` without its first pass.
///
/// # Cost
/// Serial. Memory: [`FusePlan::scratch_bytes`], kept in `scratch`.
pub fn fuse_block<T: Sample>(
    plan: &FusePlan,
    region: &LayoutRegion,
    pixels: &dyn TilePixels<T>,
    scratch: &mut FuseScratch<T>,
    out: &mut [T],
) -> Result<(), FuseError> {
    if out.len() as u64 != region.voxels() {
        return Err(FuseError::OutputLength { expected: region.voxels(), found: out.len() });
    }
    if plan.params.blend == Blend::LinearAdjustMax && plan.adjust.is_none() {
        return Err(FuseError::MaximaMissing);
    }
    let FuseScratch { boxes, rows, .. } = scratch.read(plan, region, pixels)?;
    let block = Block::new(plan, region, boxes);
    let cuts = plan.adjust.as_ref().map(|a| a.cuts(region)).unwrap_or_default();
    let boxes: Vec<LayoutRegion> = cuts.iter().map(|c| c.0).collect();
    let mut rest = out;
    visit_runs(region, &block.covers, &boxes, |run| {
        let (out, after) = std::mem::take(&mut rest).split_at_mut((run.end - run.start) as usize);
        rest = after;
        let scale = run.cut.map_or(1.0, |c| cuts[c].1);
        for (at, out) in stretches(&run).zip(out.chunks_mut(CHUNK)) {
            block.fuse(&run, at, scale, rows, out);
        }
    });
    Ok(())
}

/// The pieces of at most [`CHUNK`] voxels of a run.
pub(crate) fn stretches(run: &Run<'_>) -> impl Iterator<Item = Stretch> + use<> {
    let (z, y, end) = (run.z, run.y, run.end);
    (run.start..end).step_by(CHUNK).map(move |x| Stretch {
        z,
        y,
        x,
        len: CHUNK.min((end - x) as usize),
    })
}

impl<T: Sample> FuseScratch<T> {
    /// Reads what `region` needs of every tile.
    pub(crate) fn read(
        &mut self,
        plan: &FusePlan,
        region: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
    ) -> Result<&mut FuseScratch<T>, FuseError> {
        let numbers = plan.placed_in(region);
        let reads: Vec<_> = numbers
            .iter()
            .filter_map(|i| plan.read_box(*i, region).map(|(start, shape)| (*i, start, shape)))
            .collect();
        let needs: Vec<usize> = reads.iter().map(|(_, _, shape)| shape.iter().product()).collect();
        self.prepare(&needs);
        for (((i, start, shape), expected), buffer) in
            reads.into_iter().zip(needs).zip(&mut self.boxes)
        {
            let tile = plan.tiles[i].id;
            pixels.read(tile, start, shape, buffer)?;
            if buffer.len() != expected {
                return Err(FuseError::ShortRead { tile, expected, found: buffer.len() });
            }
        }
        Ok(self)
    }
}

/// The parts of the tiles that one block needs.
pub(crate) struct Block<'a, T> {
    plan: &'a FusePlan,
    /// Ascending by id.
    pub parts: Vec<Part<'a, T>>,
    /// What each part covers.
    pub covers: Vec<LayoutRegion>,
}

impl<'a, T: Sample> Block<'a, T> {
    /// Gathers the parts; `boxes` were filled by [`FuseScratch::read`] for the same region.
    pub fn new(plan: &'a FusePlan, region: &LayoutRegion, boxes: &'a [Vec<T>]) -> Block<'a, T> {
        let numbers = plan.placed_in(region);
        let parts: Vec<_> = numbers
            .iter()
            .zip(boxes)
            .filter_map(|(i, voxels)| Part::new(plan, *i, region, voxels))
            .collect();
        let covers = parts.iter().map(|p| p.cover).collect();
        Block { plan, parts, covers }
    }

    fn fuse(&self, run: &Run<'_>, at: Stretch, scale: f64, rows: &mut RowBuffers, out: &mut [T]) {
        let fill = T::from_f64(self.plan.params.fill);
        match *run.tiles {
            [] => out.fill(fill),
            [one] => self.copy(&self.parts[one], at, fill, rows, out),
            ref many if !self.plan.params.blend.selects() => {
                self.add(many, at, rows);
                let n = at.len;
                rows::divide(scale, &rows.total_weight[..n], &mut rows.total[..n]);
                rows::write(&rows.total[..n], fill, out);
            }
            ref many if many.iter().all(|i| self.parts[*i].is_raw()) => {
                self.select_samples(many, at, rows, out);
                rows::fill_gaps(fill, out);
            }
            ref many => {
                self.select_values(many, at, rows);
                rows::write(&rows.total[..at.len], fill, out);
            }
        }
    }

    fn copy(&self, part: &Part<'_, T>, at: Stretch, fill: T, rows: &mut RowBuffers, out: &mut [T]) {
        if part.is_raw() {
            rows::copy(part.samples(at), fill, out);
        } else {
            self.interpolate(part, at, rows);
            rows::write(&rows.values[..at.len], fill, out);
        }
    }

    /// Writes the values of one tile to `rows.values`.
    pub fn interpolate(&self, part: &Part<'_, T>, at: Stretch, rows: &mut RowBuffers) {
        part.interpolate(self.plan.params.shading.as_ref(), at, rows);
    }

    /// Sums weight times value, and weights, of the tiles to `rows.total` and `rows.total_weight`.
    pub fn add(&self, tiles: &[usize], at: Stretch, rows: &mut RowBuffers) {
        let n = at.len;
        rows.total[..n].fill(0.0);
        rows.total_weight[..n].fill(0.0);
        for part in tiles.iter().map(|i| &self.parts[*i]) {
            part.weigh(self.plan.params.blend, at, &mut rows.weights[..n]);
            if !part.is_raw() {
                self.interpolate(part, at, rows);
            }
            let RowBuffers { values, weights, total, total_weight, .. } = rows;
            let (weights, total, sum) = (&weights[..n], &mut total[..n], &mut total_weight[..n]);
            if part.is_raw() {
                rows::add_weighted(part.samples(at), weights, total, sum);
            } else {
                rows::add_weighted(&values[..n], weights, total, sum);
            }
        }
    }

    /// Selects among the tiles' own samples, to `out`; NaN where none counts.
    fn select_samples(&self, tiles: &[usize], at: Stretch, rows: &mut RowBuffers, out: &mut [T]) {
        let blend = self.plan.params.blend;
        let RowBuffers { weights, total_weight, .. } = rows;
        total_weight[..at.len].fill(0.0);
        for (n, part) in tiles.iter().map(|i| &self.parts[*i]).enumerate() {
            let weights = &mut weights[..at.len];
            if blend == Blend::Closest {
                part.weigh(blend, at, weights);
            }
            keep(blend, n == 0, part.samples(at), weights, out, &mut total_weight[..at.len]);
        }
    }

    /// Selects among the tiles' values, to `rows.total`; NaN where none counts.
    fn select_values(&self, tiles: &[usize], at: Stretch, rows: &mut RowBuffers) {
        let blend = self.plan.params.blend;
        rows.total_weight[..at.len].fill(0.0);
        for (n, part) in tiles.iter().map(|i| &self.parts[*i]).enumerate() {
            part.weigh(blend, at, &mut rows.weights[..at.len]);
            self.interpolate(part, at, rows);
            let RowBuffers { values, weights, total, total_weight, .. } = rows;
            let (best, best_weight) = (&mut total[..at.len], &mut total_weight[..at.len]);
            keep(blend, n == 0, &values[..at.len], &weights[..at.len], best, best_weight);
        }
    }
}

/// Lets one more tile stand for the selection; `best_weight` starts as 0.
fn keep<S: Sample>(
    blend: Blend,
    is_first: bool,
    row: &[S],
    weights: &[f64],
    best: &mut [S],
    best_weight: &mut [f64],
) {
    let nothing = S::from_f64(f64::NAN);
    match blend {
        Blend::Closest => {
            if is_first {
                best.fill(nothing);
            }
            rows::keep_closest(row, weights, best, best_weight);
        }
        _ if is_first => rows::copy(row, nothing, best),
        Blend::Max => rows::keep_max(row, best),
        Blend::Min => rows::keep_min(row, best),
        Blend::Last => rows::keep_last(row, best),
        _ => rows::keep_first(row, best),
    }
}
