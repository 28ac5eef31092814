//! The last step of detection: every event measured on its movie.

use std::path::Path;

use hooke_core::Axes;
use hooke_core::image::SourceError;
use hooke_core::{Dtype, ImageMeta, Pixels};
use hooke_events::characterize::{BoxFinder, Characterizer, EventBox, EventRow, Recording};
use hooke_events::detect::noise_gain;
use hooke_filters::order::median;
use hooke_io::tables::write_table;
use ndarray::{Array2, Array3, Zip};
use serde_json::json;

use super::detect::MEASURED;
use super::detect_page::{Pictures, page};
use super::detect_steps::Steps;
use super::event_table;
use super::sidecar::spans;
use crate::engine::{BlockError, Summary};
use crate::image_output::{Store, one_writer, pieces};
use crate::json_file::write_json;

impl Steps<'_, '_> {
    /// Writes `events.parquet`, `time_map.parquet`, `noise_sd.tif` and the page.
    pub fn measure(&self) -> Result<Summary, BlockError> {
        let [frames, height, width] = self.movie.shape();
        let boxes = self.boxes()?;
        let noise_sd = self.noise_sd()?;
        let pixel_um = match self.movie.pixel_um() {
            [Some(y), Some(x)] => Some([y, x]),
            _ => None,
        };
        let recording = Recording {
            shape: [frames, height, width],
            frame_interval_s: self.movie.interval_s(),
            pixel_um,
            // Of single voxels, whose means the traces are.
            noise_sd: noise_sd
                .as_ref()
                .map(|sd| sd / noise_gain(&self.workflow.options.params) as f32),
        };
        let mut characterizer = Characterizer::new(recording, &boxes)?;
        let (map, slabs) = self.map_slabs()?;
        let scale = noise_sd.as_ref().map(|_| self.scale()).transpose()?;
        let mut rows: Vec<EventRow> = Vec::with_capacity(boxes.len());
        let mut pictures = Pictures::new([height, width]);
        let mut alive: Vec<Vec<u32>> = Vec::with_capacity(frames);
        self.cx.progress.start("measure", slabs.len() as u64, "slabs");
        for slab in slabs {
            let part = [slab.clone(), 0..height, 0..width];
            let labels: Array3<u32> = map.read(&part)?;
            let movie = self.movie.read(part)?;
            let scores = match &scale {
                Some(scale) if labels.iter().any(|l| *l > 0) => {
                    Some(&self.smooth_frames(&slab)? * scale)
                }
                Some(_) => Some(Array3::zeros(movie.raw_dim())),
                None => None,
            };
            let scores = scores.as_ref().map(|s| s.view());
            rows.extend(characterizer.push(labels.view(), movie.view(), scores)?);
            pictures.take(slab.start, labels.view(), movie.view());
            alive.extend(labels.outer_iter().map(|frame| ids_of(frame.iter().copied())));
            self.cx.progress.advance(1, 4 * movie.len() as u64);
            super::delta::stop_if_asked(self.cx)?;
        }
        characterizer.finish()?;
        rows.sort_by_key(|row| row.id);
        for (row, found) in rows.iter_mut().zip(self.found()?) {
            row.p_value = Some(found.p_value);
            row.peak_z = Some(f64::from(found.peak_z));
        }
        let data = self.work.data();
        write_table(&data.join("events.parquet"), &event_table::events(&rows)?)?;
        write_table(&data.join("time_map.parquet"), &event_table::time_map(&alive)?)?;
        if let Some(noise) = &noise_sd {
            write_plane(&data.join("noise_sd.tif"), noise, "noise_sd")?;
        }
        let active: u64 = rows.iter().map(|r| r.v_area).sum();
        let largest = rows.iter().map(|r| r.v_area).max().unwrap_or(0);
        let voxels = ((frames * height * width) as f64).max(1.0);
        let noise = noise_sd.map(|sd| median(&mut sd.into_raw_vec_and_offset().0).unwrap_or(0.0));
        let told = json!({
            "n_events": rows.len(),
            "noise_sd_median": noise,
            "active_voxel_fraction": active as f64 / voxels,
            "largest_fraction": largest as f64 / voxels,
        });
        let html = page(self.workflow, &rows, &pictures)?;
        hooke_io::atomic::write_file(&data.join("report.html"), &[html.as_bytes()])?;
        write_json(&self.work.private("detect")?.join(MEASURED), &told)?;
        Ok(Summary::new())
    }

    fn boxes(&self) -> Result<Vec<EventBox>, BlockError> {
        let [_, height, width] = self.movie.shape();
        let (map, slabs) = self.map_slabs()?;
        let mut finder = BoxFinder::new();
        self.cx.progress.start("boxes", slabs.len() as u64, "slabs");
        for slab in slabs {
            let labels: Array3<u32> = map.read(&[slab, 0..height, 0..width])?;
            finder.push(labels.view())?;
            self.cx.progress.advance(1, 4 * labels.len() as u64);
            super::delta::stop_if_asked(self.cx)?;
        }
        Ok(finder.finish())
    }
}

/// Writes an image of one plane as TIFF.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write_plane(path: &Path, image: &Array2<f32>, name: &str) -> Result<(), SourceError> {
    let (height, width) = image.dim();
    let shape = [1, 1, 1, height as u64, width as u64];
    let axes = Axes::parse("yx").unwrap_or(Axes::TCZYX);
    let meta = ImageMeta::new(name, axes, shape, Dtype::Float32);
    let store = Store { levels: "none".to_owned(), ..Store::default() };
    let sink = one_writer(path, &meta, &store)?;
    for region in pieces(sink.as_ref(), shape, u64::MAX) {
        let [_, y, x] = spans(&region);
        let samples: Vec<f32> = image.slice(ndarray::s![y, x]).iter().copied().collect();
        sink.write(0, &region, &Pixels::from_vec(region.shape, samples))?;
    }
    sink.finish()
}

/// The ids of a frame, ascending.
fn ids_of(frame: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut ids: Vec<u32> = Vec::new();
    let mut last = 0;
    for id in frame {
        if id != last && id > 0 {
            ids.push(id);
        }
        last = id;
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Pictures {
    /// Takes frames in, of which the first has a number.
    fn take(
        &mut self,
        first: usize,
        labels: ndarray::ArrayView3<'_, u32>,
        movie: ndarray::ArrayView3<'_, f32>,
    ) {
        for (t, (labels, movie)) in labels.outer_iter().zip(movie.outer_iter()).enumerate() {
            let frame = (first + t) as u32;
            Zip::from(&mut self.brightest).and(movie).for_each(|most, v| *most = most.max(*v));
            Zip::from(&mut self.onset).and(labels).for_each(|onset, label| {
                if *label > 0 && *onset == u32::MAX {
                    *onset = frame;
                }
            });
        }
        self.frames = self.frames.max((first + movie.dim().0) as u32);
    }
}
