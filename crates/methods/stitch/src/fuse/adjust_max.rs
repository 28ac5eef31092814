//! The first pass of `linear-adjust-max`: the maxima of every region.

use hooke_core::Sample;

use super::block::{Block, stretches};
use super::params::FuseError;
use super::plan::FusePlan;
use super::runs::visit_runs;
use super::scratch::FuseScratch;
use crate::box_index::BoxIndex;
use crate::region::LayoutRegion;
use crate::tile_pixels::TilePixels;

/// Largest value that goes into a region, and largest that comes out of `linear`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionMaximum {
    /// Largest value of any tile; -infinity without one.
    pub input: f64,
    /// Largest blended value before rounding; -infinity without one.
    pub result: f64,
}

impl RegionMaximum {
    const NONE: RegionMaximum =
        RegionMaximum { input: f64::NEG_INFINITY, result: f64::NEG_INFINITY };

    fn with(self, other: RegionMaximum) -> RegionMaximum {
        RegionMaximum { input: self.input.max(other.input), result: self.result.max(other.result) }
    }

    /// What the region is multiplied by; 1 where the result is 0 or there is none.
    fn scale(self) -> f64 {
        let scale = self.input / self.result;
        if self.result != 0.0 && scale.is_finite() { scale } else { 1.0 }
    }
}

/// Maxima of disjoint regions, gathered block by block in any order.
///
/// Measure every block with [`AdjustMax::measure_block`], [`merge`](AdjustMax::merge) what comes
/// back, give the whole to [`FusePlan::with_maxima`], then fuse.
#[derive(Debug, Clone)]
pub struct AdjustMax {
    regions: Vec<LayoutRegion>,
    index: BoxIndex,
    maxima: Vec<RegionMaximum>,
}

impl AdjustMax {
    /// Nothing measured yet. `regions` are disjoint boxes of layout coordinates, each covered by
    /// one set of tiles throughout; voxels outside all of them are not scaled.
    pub fn new(regions: Vec<LayoutRegion>) -> AdjustMax {
        let index = BoxIndex::new(regions.iter().copied());
        let maxima = vec![RegionMaximum::NONE; regions.len()];
        AdjustMax { regions, index, maxima }
    }

    /// Measures the maxima of the regions that cross `block`, by region number; where one tile
    /// lies there is nothing to measure.
    ///
    /// # Errors
    /// [`FuseError::Tile`] and [`FuseError::ShortRead`] from reading.
    pub fn measure_block<T: Sample>(
        &self,
        plan: &FusePlan,
        block: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
        scratch: &mut FuseScratch<T>,
    ) -> Result<Vec<(usize, RegionMaximum)>, FuseError> {
        let numbers = self.index.touching(block);
        let cuts: Vec<LayoutRegion> =
            numbers.iter().filter_map(|i| self.regions[*i].intersect(block)).collect();
        let mut maxima = vec![RegionMaximum::NONE; cuts.len()];
        let FuseScratch { boxes, rows, .. } = scratch.read(plan, block, pixels)?;
        let parts = Block::new(plan, block, boxes);
        visit_runs(block, &parts.covers, &cuts, |run| {
            let Some(cut) = run.cut.filter(|_| run.tiles.len() > 1) else { return };
            for at in stretches(&run) {
                for i in run.tiles {
                    parts.interpolate(&parts.parts[*i], at, rows);
                    let input = largest(rows.values[..at.len].iter().copied());
                    maxima[cut].input = maxima[cut].input.max(input);
                }
                parts.add(run.tiles, at, rows);
                let sums = rows.total.iter().zip(&rows.total_weight).take(at.len);
                let result = largest(sums.map(|(total, weight)| total / weight));
                maxima[cut].result = maxima[cut].result.max(result);
            }
        });
        Ok(numbers.into_iter().zip(maxima).collect())
    }

    /// Takes over what [`AdjustMax::measure_block`] found.
    pub fn merge(&mut self, found: &[(usize, RegionMaximum)]) {
        for (number, maximum) in found {
            self.maxima[*number] = self.maxima[*number].with(*maximum);
        }
    }

    /// The regions that cross `block`, clipped to it, with what they are multiplied by.
    pub(crate) fn cuts(&self, block: &LayoutRegion) -> Vec<(LayoutRegion, f64)> {
        self.index
            .touching(block)
            .into_iter()
            .filter_map(|i| Some((self.regions[i].intersect(block)?, self.maxima[i].scale())))
            .collect()
    }
}

impl FusePlan {
    /// The plan with the maxima that `linear-adjust-max` scales by.
    pub fn with_maxima(mut self, maxima: AdjustMax) -> FusePlan {
        self.adjust = Some(maxima);
        self
    }
}

/// The largest finite value, -infinity without one.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max)
}
