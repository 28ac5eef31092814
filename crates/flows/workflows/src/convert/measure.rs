//! Passes over the image before it is converted: its range of values, and the statistic of its frames.

use std::sync::Arc;

use hooke_core::image::ImageSink;
use hooke_core::image::SourceError;
use hooke_core::plan::{Blocks, Grid, Stage};
use hooke_core::region::{grid_box, grid_counts};
use hooke_core::{Budget, Dtype, ImageMeta, Pixels, Region, Sample, dispatch};
use hooke_io::npy::NpySink;
use hooke_tileset::percentile::{PassCounts, PercentileSelect};
use rayon::prelude::*;

use super::cast;
use super::view::{Statistic, View};
use crate::engine::{BlockContext, BlockError, Markers, Summary, WorkDir};

/// Slabs of a measuring pass are about this large.
const SLAB_BYTES: u64 = 16 << 20;

/// Boxes of whole lines, planes or volumes that together are the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slabs {
    shape: [u64; 5],
    slab: [u64; 5],
}

impl Slabs {
    /// Slabs of which one needs at most `most` bytes to read, or is a single voxel.
    pub fn new(view: &dyn View, most: u64) -> Slabs {
        let meta = view.meta();
        let mut slab = [1; 5];
        let mut bytes = meta.dtype.size() as u64;
        for d in (0..5).rev() {
            slab[d] = (SLAB_BYTES / bytes).clamp(1, meta.shape[d]);
            bytes *= slab[d];
            if slab[d] < meta.shape[d] {
                break;
            }
        }
        let mut slabs = Slabs { shape: meta.shape, slab };
        while slabs.bytes(view) > most
            && let Some(longest) = slabs.slab.iter_mut().find(|n| **n > 1)
        {
            *longest = longest.div_ceil(2);
        }
        slabs
    }

    /// The slabs of a stage that works on one per thread.
    pub fn within(view: &dyn View, budget: &Budget) -> Slabs {
        Slabs::new(view, budget.for_blocks() / budget.threads.max(1) as u64)
    }

    pub fn count(&self) -> u64 {
        grid_counts(self.shape, self.slab).iter().product()
    }

    pub fn region(&self, id: u64) -> Region {
        grid_box(self.shape, self.slab, id)
    }

    /// Peak bytes while a view's slab is worked on.
    pub fn bytes(&self, view: &dyn View) -> u64 {
        let own = self.slab.iter().product::<u64>() * view.meta().dtype.size() as u64;
        2 * own + view.scratch_bytes(self.slab)
    }
}

/// The smallest and largest value of one slab.
pub(super) fn extremes(view: &dyn View, slabs: &Slabs, id: u64) -> Result<Summary, BlockError> {
    let mut pixels = Pixels::zeros(Dtype::Uint8, [0; 5]);
    view.read(&slabs.region(id), &mut pixels)?;
    let (low, high) = cast::extremes(&pixels);
    Ok(Summary::new().read(pixels.bytes()).with("low", low).with("high", high))
}

/// Two percentiles of the whole image, exact: up to four passes.
pub(super) fn percentiles(
    view: &dyn View,
    slabs: &Slabs,
    percents: [f64; 2],
    cx: &mut BlockContext<'_>,
) -> Result<Summary, BlockError> {
    let dtype = view.meta().dtype;
    let mut select = PercentileSelect::new(dtype, &percents, false).map_err(SourceError::from)?;
    let passes = if dtype.size() <= 2 { 1 } else { dtype.size() as u64 / 2 };
    cx.progress.start("range", passes * slabs.count(), "slabs");
    while !select.is_done() {
        let count = |counts: &mut _, id| -> Result<(), BlockError> {
            if cx.progress.is_cancelled() {
                return Err(BlockError::Cancelled);
            }
            let mut pixels = Pixels::zeros(dtype, [0; 5]);
            view.read(&slabs.region(id), &mut pixels)?;
            add(counts, &pixels);
            cx.progress.advance(1, pixels.bytes());
            Ok(())
        };
        let all = (0..slabs.count())
            .into_par_iter()
            .try_fold(|| select.counts(), |mut counts, id| count(&mut counts, id).map(|()| counts))
            .try_reduce(
                || select.counts(),
                |mut a, b| {
                    a.merge(&b);
                    Ok(a)
                },
            )?;
        select.advance(&all);
    }
    let found = select.values().ok_or("no voxel holds a number: there are no percentiles")?;
    Ok(Summary::new().with("low", found[0]).with("high", found[1]))
}

fn add(counts: &mut PassCounts, pixels: &Pixels) {
    dispatch!(pixels.dtype(), T => counts.add(pixels.as_slice::<T>().unwrap_or_default()));
}

/// What the stage `range` found.
pub(super) fn measured_range(markers: &Markers) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for summary in markers.summaries("range").flatten() {
        let value = |key: &str| summary.get(key).and_then(serde_json::Value::as_f64);
        range.0 = range.0.min(value("low").unwrap_or(f64::INFINITY));
        range.1 = range.1.max(value("high").unwrap_or(f64::NEG_INFINITY));
    }
    range
}

/// A statistic of each pixel over the frames, kept in the work folder.
pub(super) struct FrameStatistic {
    statistic: Statistic,
    /// Of the result: one frame of float64.
    meta: ImageMeta,
    /// Lengths of a block, which is read for all frames.
    block: [u64; 5],
    frames: u64,
    bytes: u64,
}

impl FrameStatistic {
    pub fn new(statistic: Statistic, view: &dyn View) -> FrameStatistic {
        let source = view.meta();
        let mut meta = ImageMeta::new("statistic", source.axes, source.shape, Dtype::Float64);
        meta.shape[0] = 1;
        let mut block = [1; 5];
        let mut bytes = source.shape[0] * source.dtype.size() as u64;
        for d in [4, 3] {
            block[d] = (SLAB_BYTES / bytes).clamp(1, meta.shape[d]);
            bytes *= block[d];
            if block[d] < meta.shape[d] {
                break;
            }
        }
        let mut read = block;
        read[0] = source.shape[0];
        // The values are there once as read and once as f64.
        let values = read.iter().product::<u64>() * (source.dtype.size() as u64 + 8);
        let bytes = values + view.scratch_bytes(read);
        FrameStatistic { statistic, meta, block, frames: source.shape[0], bytes }
    }

    pub fn stage(&self) -> Stage {
        let grid = Grid { shape: self.meta.shape, write: self.block, halo: [0; 5] };
        Stage::new("statistic", "blocks", &[], Blocks::Grid { grid, bytes: self.bytes })
    }

    /// Makes the file that blocks are written to.
    pub fn create(&self, work: &WorkDir) -> Result<(), SourceError> {
        NpySink::create(&Self::path(work)?, &self.meta)?;
        Ok(())
    }

    /// Opens the file, for blocks and for reading them back.
    pub fn open(&self, work: &WorkDir) -> Result<Arc<dyn ImageSink>, SourceError> {
        Ok(Arc::new(NpySink::resume(&Self::path(work)?, &self.meta)?))
    }

    fn path(work: &WorkDir) -> Result<std::path::PathBuf, SourceError> {
        Ok(work.private("statistic")?.join("frame.npy"))
    }

    /// Computes one block.
    pub fn run(
        &self,
        view: &dyn View,
        write: &Region,
        sink: &dyn ImageSink,
    ) -> Result<Summary, BlockError> {
        let mut all = *write;
        all.shape[0] = self.frames;
        let mut pixels = Pixels::zeros(view.meta().dtype, [0; 5]);
        view.read(&all, &mut pixels)?;
        let frame = dispatch!(pixels.dtype(), T => {
            self.of_frames(pixels.as_slice::<T>().unwrap_or_default())
        });
        sink.write(0, write, &Pixels::from_vec(write.shape, frame))?;
        Ok(Summary::new().read(pixels.bytes()))
    }

    /// The statistic of each place of a frame; values that are not numbers do not count.
    fn of_frames<T: Sample>(&self, values: &[T]) -> Vec<f64> {
        let len = values.len() / self.frames as usize;
        let mut column = Vec::with_capacity(self.frames as usize);
        (0..len)
            .map(|i| {
                column.clear();
                column.extend(values[i..].iter().step_by(len).map(|v| v.to_f64()));
                column.retain(|v| !v.is_nan());
                self.statistic.of(&mut column)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_few_values() {
        let of = |statistic: Statistic, values: &[f64]| statistic.of(&mut values.to_vec());
        assert_eq!(of(Statistic::Mean, &[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(of(Statistic::Median, &[6.0, 1.0, 2.0]), 2.0);
        assert_eq!(of(Statistic::Median, &[6.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(of(Statistic::Min, &[6.0, -1.0, 2.0]), -1.0);
        assert!(of(Statistic::Min, &[]).is_nan());
    }
}
