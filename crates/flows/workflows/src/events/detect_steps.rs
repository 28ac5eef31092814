//! The steps of detection, over parts of a movie that may be larger than memory.

use std::ops::Range;

use hooke_core::image::SourceError;
use hooke_core::{Dtype, Pixels};
use hooke_events::delta::frame_level;
use hooke_events::detect::{
    Cleaning, Extent, Merge, Merged, Noise, Part as Component, Sign, Voxels, apply_cleaning,
    check_baseline, clean_in_windows, label_slab, p_values, row_noise, slab_marks, smooth,
    spatial_halo, temporal_marks,
};
use ndarray::{Array2, Array3, ArrayView3, Axis, s};
use serde::{Deserialize, Serialize};

use super::delta::stop_if_asked;
use super::detect::DetectWorkflow;
use super::movie::Movie;
use super::work_array::{WorkArray, row_blocks};
use crate::engine::{BlockContext, BlockError, Summary, WorkDir};
use crate::image_output::{one_writer, pieces};
use crate::json_file::{read_json, write_json};

/// What one run of detection works with.
pub(super) struct Steps<'a, 'b> {
    pub workflow: &'a DetectWorkflow,
    pub movie: &'a Movie,
    pub work: &'a WorkDir,
    /// Bytes that a block may take.
    pub slab: u64,
    pub cx: &'a mut BlockContext<'b>,
}

/// An event as it was found.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct FoundEvent {
    pub peak_z: f32,
    pub p_value: f64,
}

pub(super) const MAP: &str = "map";
pub(super) const NOISE: &str = "noise";
pub(super) const FOUND: &str = "found.json";
const PEAKS: &str = "peaks";
const SIGNS: [Sign; 2] = [Sign::Positive, Sign::Negative];
/// Bytes per sample of a block: as read, smoothed, and what a step makes of it.
pub(super) const PER_SAMPLE: u64 = 24;
/// A movie of fewer frames has no events.
const FEWEST: usize = 3;
/// Frames whose level says whether a movie is raw.
const LEVELS: usize = 64;

impl Steps<'_, '_> {
    fn shape(&self) -> [usize; 3] {
        self.movie.shape()
    }

    fn array(&self, name: &str, dtype: Dtype) -> Result<WorkArray, SourceError> {
        WorkArray::open(self.work, name, self.shape(), dtype)
    }

    fn new_array(&self, name: &str, dtype: Dtype) -> Result<WorkArray, SourceError> {
        WorkArray::create(self.work, name, self.shape(), dtype)
    }

    fn slabs(&self, array: &WorkArray) -> Vec<Range<usize>> {
        let [_, height, width] = self.shape();
        array.slabs((height * width) as u64 * PER_SAMPLE, self.slab)
    }

    fn start(&self, what: &str, count: usize, unit: &str) {
        self.cx.progress.start(what, count as u64, unit);
    }

    fn step(&self, samples: usize) -> Result<(), BlockError> {
        self.cx.progress.advance(1, 4 * samples as u64);
        stop_if_asked(self.cx)
    }

    /// Some rows with all frames, smoothed.
    fn smooth_rows(&self, rows: &Range<usize>) -> Result<Array3<f32>, SourceError> {
        let params = &self.workflow.options.params;
        let [frames, height, width] = self.shape();
        let halo = params.halo()[1];
        let wide = rows.start.saturating_sub(halo)..(rows.end + halo).min(height);
        let read = self.movie.read([0..frames, wide.clone(), 0..width])?;
        let core = rows.start - wide.start..rows.end - wide.start;
        Ok(smooth(read.view(), [0..frames, core, 0..width], params))
    }

    /// Whole frames, smoothed.
    pub fn smooth_frames(&self, frames: &Range<usize>) -> Result<Array3<f32>, SourceError> {
        let params = &self.workflow.options.params;
        let [count, height, width] = self.shape();
        let halo = params.halo()[0];
        let wide = frames.start.saturating_sub(halo)..(frames.end + halo).min(count);
        let read = self.movie.read([wide.clone(), 0..height, 0..width])?;
        let core = frames.start - wide.start..frames.end - wide.start;
        Ok(smooth(read.view(), [core, 0..height, 0..width], params))
    }

    fn row_blocks(&self) -> Vec<Range<usize>> {
        row_blocks(self.shape(), self.workflow.options.params.halo()[1], PER_SAMPLE, 2 * self.slab)
    }

    pub fn noise(&self) -> Result<Summary, BlockError> {
        let [frames, height, width] = self.shape();
        let params = &self.workflow.options.params;
        let array = WorkArray::create(self.work, NOISE, [1, height, width], Dtype::Float32)?;
        if frames < FEWEST {
            return Ok(Summary::new());
        }
        let mut rows = Vec::new();
        let blocks = self.row_blocks();
        self.start("noise", blocks.len(), "blocks");
        for block in blocks {
            let smoothed = self.smooth_rows(&block)?;
            rows.push(row_noise(smoothed.view(), params));
            self.step(smoothed.len())?;
        }
        let noise = Noise::new(&rows);
        let mut levels = Vec::new();
        for t in (0..frames).step_by(frames.div_ceil(LEVELS).max(1)) {
            let frame = self.movie.read([t..t + 1, 0..height, 0..width])?;
            levels.push(frame_level(frame.index_axis(Axis(0), 0)));
        }
        check_baseline(&levels, &noise)?;
        array.write(&[0..1, 0..height, 0..width], noise.sd.view().insert_axis(Axis(0)))?;
        Ok(Summary::new().with("noise_sd_median", noise.median))
    }

    /// The noise of every pixel; `None` for labels that were given.
    pub fn noise_sd(&self) -> Result<Option<Array2<f32>>, SourceError> {
        if self.workflow.options.labels.is_some() {
            return Ok(None);
        }
        let [_, height, width] = self.shape();
        let array = WorkArray::open(self.work, NOISE, [1, height, width], Dtype::Float32)?;
        let read: Array3<f32> = array.read(&[0..1, 0..height, 0..width])?;
        Ok(Some(read.index_axis_move(Axis(0), 0)))
    }

    /// What smoothed samples are multiplied with.
    pub fn scale(&self) -> Result<Array2<f32>, SourceError> {
        let sd = self.noise_sd()?.ok_or("the noise is not there")?;
        Ok(Noise { sd, median: 0.0 }.scale(&self.workflow.options.params))
    }

    pub fn peaks(&self) -> Result<Summary, BlockError> {
        let [frames, _, width] = self.shape();
        let array = self.new_array(PEAKS, Dtype::Uint8)?;
        let params = &self.workflow.options.params;
        let Some(temporal) = params.temporal.filter(|_| params.threshold.is_none()) else {
            return Ok(Summary::new());
        };
        let scale = self.scale()?;
        let blocks = self.row_blocks();
        self.start("peaks", blocks.len(), "blocks");
        for rows in blocks {
            let smoothed = self.smooth_rows(&rows)?;
            let scale = scale.slice(s![rows.clone(), ..]);
            let marks = SIGNS.map(|sign| temporal_marks(smoothed.view(), scale, &temporal, sign));
            array.write(&[0..frames, rows, 0..width], both(&marks).view())?;
            self.step(smoothed.len())?;
        }
        Ok(Summary::new())
    }

    pub fn marks(&self) -> Result<Summary, BlockError> {
        let [frames, height, width] = self.shape();
        let params = &self.workflow.options.params;
        let (peaks, masks) =
            (self.array(PEAKS, Dtype::Uint8)?, self.new_array("mask-0", Dtype::Uint8)?);
        if frames < FEWEST {
            return Ok(Summary::new());
        }
        let scale = self.scale()?;
        let halo = spatial_halo(params);
        let has_peaks = params.temporal.is_some() && params.threshold.is_none();
        let slabs = self.slabs(&masks);
        self.start("marks", slabs.len(), "slabs");
        for slab in slabs {
            let wide = slab.start.saturating_sub(halo)..(slab.end + halo).min(frames);
            let smoothed = self.smooth_frames(&wide)?;
            let core = slab.start - wide.start..slab.end - wide.start;
            let part = [slab.clone(), 0..height, 0..width];
            let marked: Array3<u8> = peaks.read(&part)?;
            let found = [0, 1].map(|i| {
                let temporal = has_peaks.then(|| bit(marked.view(), i));
                let temporal = temporal.as_ref().map(|t| t.view());
                slab_marks(smoothed.view(), core.clone(), scale.view(), temporal, params, SIGNS[i])
            });
            masks.write(&part, both(&found).view())?;
            self.step(smoothed.len())?;
        }
        Ok(Summary::new())
    }

    pub fn clean(&self, number: usize) -> Result<Summary, BlockError> {
        let params = &self.workflow.options.params;
        let cleanings = params.cleanings();
        self.forget(number)?;
        let (what, extent) = *cleanings.get(number).ok_or("no such step of cleaning")?;
        let from = self.array(&format!("mask-{number}"), Dtype::Uint8)?;
        let to = self.new_array(&format!("mask-{}", number + 1), Dtype::Uint8)?;
        match extent {
            Extent::Frames(depth) => self.clean_windows(&from, &to, what, depth)?,
            Extent::Event => self.clean_events(&from, &to, what)?,
        }
        Ok(Summary::new())
    }

    /// Gives back the room of what the mask of that number was made of.
    fn forget(&self, number: usize) -> Result<(), SourceError> {
        match number {
            0 => WorkArray::remove(self.work, PEAKS),
            n => WorkArray::remove(self.work, &format!("mask-{}", n - 1)),
        }
    }

    fn clean_windows(
        &self,
        from: &WorkArray,
        to: &WorkArray,
        what: Cleaning,
        depth: usize,
    ) -> Result<(), BlockError> {
        let [frames, height, width] = self.shape();
        let slabs = self.slabs(to);
        self.start("clean", slabs.len(), "slabs");
        for slab in slabs {
            let wide = slab.start.saturating_sub(depth)..(slab.end + depth).min(frames);
            let core = slab.start - wide.start..slab.end - wide.start;
            let mask: Array3<u8> = from.read(&[wide, 0..height, 0..width])?;
            let cleaned = [0, 1].map(|i| {
                let own = bit(mask.view(), i);
                clean_in_windows(
                    own.view(),
                    core.clone(),
                    depth,
                    what,
                    &self.workflow.options.params,
                )
            });
            to.write(&[slab, 0..height, 0..width], both(&cleaned).view())?;
            self.step(mask.len())?;
        }
        Ok(())
    }

    fn clean_events(
        &self,
        from: &WorkArray,
        to: &WorkArray,
        what: Cleaning,
    ) -> Result<(), BlockError> {
        let [_, height, width] = self.shape();
        let params = &self.workflow.options.params;
        let (voxels, connectivity) = params.looks_at(what);
        let slabs = self.slabs(to);
        self.start("clean", 2 * slabs.len(), "slabs");
        let mut merges = [Merge::new(connectivity), Merge::new(connectivity)];
        for slab in &slabs {
            let mask: Array3<u8> = from.read(&[slab.clone(), 0..height, 0..width])?;
            for (i, merge) in merges.iter_mut().enumerate() {
                let own = bit(mask.view(), i);
                let place = (slab.start, self.shape()[0]);
                merge.push(&label_slab(own.view(), voxels, connectivity, place, None)?.1);
            }
            self.step(mask.len())?;
        }
        let [a, b] = merges;
        let changes = |component: &Component| params.changes(what, component);
        let merged = [a.finish(changes)?, b.finish(changes)?];
        for (number, slab) in slabs.iter().enumerate() {
            let part = [slab.clone(), 0..height, 0..width];
            let mask: Array3<u8> = from.read(&part)?;
            let mut cleaned = [0, 1].map(|i| bit(mask.view(), i));
            for (own, merged) in cleaned.iter_mut().zip(&merged) {
                let place = (slab.start, self.shape()[0]);
                let (mut labels, _) = label_slab(own.view(), voxels, connectivity, place, None)?;
                merged.relabel(number, labels.view_mut());
                apply_cleaning(own.view_mut(), labels.view(), what);
            }
            to.write(&part, both(&cleaned).view())?;
            self.step(mask.len())?;
        }
        Ok(())
    }

    pub fn label(&self) -> Result<Summary, BlockError> {
        let [frames, height, width] = self.shape();
        let params = &self.workflow.options.params;
        self.forget(params.cleanings().len())?;
        let masks = self.array(&format!("mask-{}", params.cleanings().len()), Dtype::Uint8)?;
        let map = self.new_array(MAP, Dtype::Uint32)?;
        let (scale, connectivity) = (self.scale()?, params.event_connectivity());
        let slabs = self.slabs(&map);
        self.start("label", 2 * slabs.len(), "slabs");
        let mut merges = [Merge::new(connectivity), Merge::new(connectivity)];
        for slab in &slabs {
            let mask: Array3<u8> = masks.read(&[slab.clone(), 0..height, 0..width])?;
            let values = match mask.iter().any(|m| *m > 0) {
                true => &self.smooth_frames(slab)? * &scale,
                false => Array3::zeros(mask.raw_dim()),
            };
            for (i, merge) in merges.iter_mut().enumerate() {
                let (own, sign) = (bit(mask.view(), i), if i == 0 { 1.0 } else { -1.0 });
                let values = &values * sign;
                let place = (slab.start, frames);
                let (_, parts) = label_slab(
                    own.view(),
                    Voxels::Marked,
                    connectivity,
                    place,
                    Some(values.view()),
                )?;
                merge.push(&parts);
            }
            self.step(mask.len())?;
        }
        let [above, below] = merges;
        let is_event = |component: &Component| params.is_event(component);
        let merged: Merged = above.finish(is_event)?;
        let chances = p_values(&merged.components, &below.finish(is_event)?.components);
        for (number, slab) in slabs.iter().enumerate() {
            let part = [slab.clone(), 0..height, 0..width];
            let mask: Array3<u8> = masks.read(&part)?;
            let place = (slab.start, frames);
            let own = bit(mask.view(), 0);
            let (mut labels, _) =
                label_slab(own.view(), Voxels::Marked, connectivity, place, None)?;
            merged.relabel(number, labels.view_mut());
            map.write(&part, labels.view())?;
            self.step(mask.len())?;
        }
        let found: Vec<FoundEvent> = merged
            .components
            .iter()
            .zip(chances)
            .map(|(part, p_value)| FoundEvent { peak_z: part.peak, p_value })
            .collect();
        write_json(&self.work.private("detect")?.join(FOUND), &found)?;
        Ok(Summary::new().with("events", found.len() as u64))
    }

    /// Takes a label map in that was given.
    pub fn import(&self, labels: &Movie) -> Result<Summary, BlockError> {
        let [_, height, width] = self.shape();
        let map = self.new_array(MAP, Dtype::Uint32)?;
        let slabs = self.slabs(&map);
        self.start("labels", slabs.len(), "slabs");
        for slab in slabs {
            let part = [slab, 0..height, 0..width];
            let ids = labels.labels(&part)?;
            map.write(&part, ids.view())?;
            self.step(ids.len())?;
        }
        Ok(Summary::new())
    }

    /// Writes the event map as users see it.
    pub fn write_map(&self) -> Result<Summary, BlockError> {
        let map = self.array(MAP, Dtype::Uint32)?;
        let path = self.work.data().join(self.workflow.map_name());
        if path.exists() {
            // Of a run that was killed here.
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.map_err(|e| hooke_io::Error::io(&path, "remove", e))?;
        }
        let meta = self.workflow.map_meta();
        let sink = one_writer(&path, &meta, &self.workflow.store())?;
        let parts = pieces(sink.as_ref(), meta.shape, self.slab / 16);
        self.start("write", parts.len(), "parts");
        for region in parts {
            let part = super::sidecar::spans(&region);
            let ids: Array3<u32> = map.read(&part)?;
            let count = ids.len();
            let (samples, _) = ids.into_raw_vec_and_offset();
            sink.write(0, &region, &Pixels::from_vec(region.shape, samples))?;
            self.step(count)?;
        }
        sink.finish()?;
        Ok(Summary::new())
    }

    /// What detection said of each event; nothing for labels that were given.
    pub fn found(&self) -> Result<Vec<FoundEvent>, SourceError> {
        match self.workflow.options.labels.is_some() {
            true => Ok(Vec::new()),
            false => read_json(&self.work.private("detect")?.join(FOUND)),
        }
    }

    /// The slabs that the event map is read in.
    pub fn map_slabs(&self) -> Result<(WorkArray, Vec<Range<usize>>), SourceError> {
        let map = self.array(MAP, Dtype::Uint32)?;
        let slabs = self.slabs(&map);
        Ok((map, slabs))
    }
}

/// Two masks in the bits of one array.
fn both(masks: &[Array3<bool>; 2]) -> Array3<u8> {
    ndarray::Zip::from(&masks[0])
        .and(&masks[1])
        .map_collect(|a, b| u8::from(*a) | u8::from(*b) << 1)
}

/// One of the masks.
fn bit(masks: ArrayView3<'_, u8>, number: usize) -> Array3<bool> {
    masks.map(|m| m >> number & 1 == 1)
}
