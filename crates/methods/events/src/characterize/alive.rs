//! What is held of an event while its frames come in, and the row it becomes.

use super::boxes::EventBox;
use super::contour::contours;
use super::footprint::footprint_shape;
use super::hull2::{hull, row_ends};
use super::hull3::{count_inside, hull_of_voxels, is_flat};
use super::kinetics::kinetics;
use super::moments::Moments;
use super::row::EventRow;
use super::runs::{RunLengths, encode_runs};
use super::spread::{OnsetFinder, spread};
use super::{Recording, Slab};

/// Sums over the voxels of one frame.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f32) {
        // A missing value is no value.
        if !value.is_nan() {
            self.sum += f64::from(value);
            self.count += 1;
        }
    }

    /// 0 of nothing.
    fn value(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

/// An event of which some frames were seen.
pub(super) struct Alive {
    pub place: EventBox,
    mask: RunLengths,
    moments: Moments<3>,
    trace: Vec<f64>,
    outside: Vec<f64>,
    lacks_voxels: bool,
    peak_z: Option<f64>,
    contours: Vec<Vec<f32>>,
    /// Corners of each frame's hull.
    corners: Vec<[i64; 3]>,
    /// Per pixel of the box.
    onsets: Vec<OnsetFinder>,
    footprint: Vec<bool>,
    /// The present frame of the mask.
    frame: Vec<bool>,
}

impl Alive {
    pub fn new(place: EventBox) -> Self {
        let [_, height, width] = place.shape();
        Self {
            place,
            mask: RunLengths::default(),
            moments: Moments::default(),
            trace: Vec::new(),
            outside: Vec::new(),
            lacks_voxels: false,
            peak_z: None,
            contours: Vec::new(),
            corners: Vec::new(),
            onsets: vec![OnsetFinder::default(); height * width],
            footprint: vec![false; height * width],
            frame: vec![false; height * width],
        }
    }

    /// Takes the frames of a slab that the event lives in.
    pub fn take(&mut self, slab: &Slab<'_>) {
        let first = self.place.start[0].max(slab.first);
        let end = self.place.end[0].min(slab.first + slab.frames());
        (first..end).for_each(|t| self.take_frame(slab, t));
    }

    fn take_frame(&mut self, slab: &Slab<'_>, t: usize) {
        let [_, height, width] = self.place.shape();
        let z = t - self.place.start[0];
        let (mut inside, mut outside) = (Mean::default(), Mean::default());
        for x in 0..height {
            let columns = self.place.start[2]..self.place.end[2];
            let row = slab.row(t, self.place.start[1] + x, columns);
            for (y, (label, value)) in row.labels.iter().zip(row.movie).enumerate() {
                let is_in = *label == self.place.id;
                let pixel = x * width + y;
                self.frame[pixel] = is_in;
                if is_in {
                    inside.add(*value);
                    self.footprint[pixel] = true;
                    self.onsets[pixel].push(z as u32, row.scores.map_or(*value, |s| s[y]));
                } else {
                    outside.add(*value);
                }
            }
            let mut y = 0;
            for run in self.frame[x * width..(x + 1) * width].chunk_by(|a, b| a == b) {
                self.mask.push(run[0], run.len() as u64);
                if run[0] {
                    self.moments.add_run([z as i64, x as i64, y as i64], run.len() as u64);
                    let scores = row.scores.map_or(&[][..], |s| &s[y..y + run.len()]);
                    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    if top > f32::NEG_INFINITY {
                        let top = f64::from(top);
                        self.peak_z = Some(self.peak_z.map_or(top, |z| z.max(top)));
                    }
                }
                y += run.len();
            }
        }
        self.trace.push(inside.value());
        self.outside.push(outside.value());
        self.lacks_voxels |= inside.count == 0;
        self.corners
            .extend(hull(&row_ends(&self.frame, width)).iter().map(|[x, y]| [z as i64, *x, *y]));
        for line in contours(&self.frame, [height, width]) {
            self.contours.push(line.iter().flat_map(|[x, y]| [z as f32, *x, *y]).collect());
        }
    }

    /// Voxels seen so far.
    pub fn voxels(&self) -> u64 {
        self.moments.count()
    }

    /// The row, once all frames were seen.
    pub fn into_row(self, recording: &Recording) -> EventRow {
        let mut row = EventRow {
            id: self.place.id,
            parent: self.place.id,
            frame_interval_s: recording.frame_interval_s,
            pixel_um: recording.pixel_um,
            peak_z: self.peak_z,
            error: self.error_bits(recording),
            ..EventRow::default()
        };
        self.measure_mask(&mut row);
        self.measure_footprint(&mut row);
        self.measure_trace(&mut row);
        self.measure_onset(&mut row);
        row.snr = self.noise_of_mean(recording).map(|noise| row.v_max_height / noise);
        row.mask = self.mask.finish();
        row.contours = self.contours;
        row
    }

    fn error_bits(&self, recording: &Recording) -> u8 {
        let EventBox { start, end, .. } = self.place;
        let touches = |axis: usize| start[axis] == 0 || end[axis] == recording.shape[axis];
        let bits = [
            (is_flat(&self.corners), EventRow::HULL_DEGENERATE),
            (self.lacks_voxels, EventRow::FRAME_WITHOUT_VOXELS),
            (touches(0), EventRow::TOUCHES_TIME_BORDER),
            (touches(1) || touches(2), EventRow::TOUCHES_IMAGE_BORDER),
        ];
        bits.iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum()
    }

    fn measure_mask(&self, row: &mut EventRow) {
        let EventBox { start, end, .. } = self.place;
        let shape = self.place.shape();
        [row.z0, row.x0, row.y0] = start.map(|v| v as u32);
        [row.z1, row.x1, row.y1] = end.map(|v| v as u32);
        row.v_diameter = (shape[1] as f64).hypot(shape[2] as f64);
        row.v_area = self.voxels();
        row.v_bbox_pix_num = shape.iter().map(|v| *v as u64).product();
        let mean = self.moments.mean();
        row.v_mask_centroid_local = std::array::from_fn(|a| mean[a] / shape[a] as f64);
        let is_flat = row.error & EventRow::HULL_DEGENERATE != 0;
        let (major, minor) = self.moments.axes(is_flat);
        row.v_mask_axis_major_length = major;
        row.v_mask_axis_minor_length = minor;
        let volume = row.v_area as f64;
        row.v_mask_extent = volume / row.v_bbox_pix_num as f64;
        row.v_mask_solidity = volume / count_inside(&hull_of_voxels(&self.corners), shape) as f64;
        row.v_mask_equivalent_diameter_area = (6.0 * volume / std::f64::consts::PI).cbrt();
    }

    fn measure_footprint(&self, row: &mut EventRow) {
        let [_, height, width] = self.place.shape();
        let shape = footprint_shape(&self.footprint, [height, width]);
        let area = shape.area as f64;
        row.footprint = encode_runs(&self.footprint);
        row.v_fp_area = shape.area;
        row.v_fp_centroid_local =
            [shape.centroid[0] / height as f64, shape.centroid[1] / width as f64];
        row.v_fp_cx = self.place.start[1] as f64 + shape.centroid[0];
        row.v_fp_cy = self.place.start[2] as f64 + shape.centroid[1];
        row.v_fp_axis_major_length = shape.ellipse.major;
        row.v_fp_axis_minor_length = shape.ellipse.minor;
        row.v_fp_eccentricity = shape.ellipse.eccentricity;
        row.v_fp_orientation = shape.ellipse.orientation;
        row.v_fp_perimeter = shape.perimeter;
        row.v_fp_area_convex = shape.area_convex;
        row.v_fp_solidity = area / shape.area_convex as f64;
        row.v_fp_feret_diameter_max = shape.feret;
        row.v_fp_extent = area / (height * width) as f64;
        row.v_fp_equivalent_diameter_area = shape.equivalent_diameter;
    }

    fn measure_trace(&self, row: &mut EventRow) {
        let n = self.trace.len().max(1) as f64;
        let times = kinetics(&self.trace);
        let lowest = self.trace.iter().copied().fold(f64::INFINITY, f64::min);
        row.v_max_height = self.trace.get(times.peak).map_or(0.0, |top| top - lowest);
        let steps = self.trace.windows(2).map(|w| w[1] - w[0]);
        row.v_max_gradient = steps.max_by(f64::total_cmp);
        let mean = self.outside.iter().sum::<f64>() / n;
        let variance = self.outside.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        row.v_noise_mask_mean = mean;
        row.v_noise_mask_std = variance.sqrt();
        let ratio = (row.v_max_height / mean).abs();
        row.v_signal_to_noise_ratio = (mean != 0.0).then_some(ratio);
        row.v_signal_to_noise_ratio_fold =
            (mean != 0.0 && variance > 0.0).then(|| ratio / row.v_noise_mask_std);
        row.peak_frame = row.z0 + times.peak as u32;
        row.auc = self.trace.iter().sum();
        row.rise_frames = times.rise;
        row.decay_frames = times.decay;
        row.fwhm_frames = times.fwhm;
        row.trace = self.trace.iter().map(|v| *v as f32).collect();
        row.noise_mask_trace = self.outside.iter().map(|v| *v as f32).collect();
    }

    fn measure_onset(&self, row: &mut EventRow) {
        let width = self.place.shape()[2];
        let pixels: Vec<(f64, f64, f64)> = (0..self.footprint.len())
            .filter(|i| self.footprint[*i])
            .map(|i| ((i / width) as f64, (i % width) as f64, self.onsets[i].finish().into()))
            .collect();
        let found = spread(&pixels);
        row.onset = pixels.iter().map(|p| p.2 as f32).collect();
        row.speed_px_frame = found.speed;
        row.direction_rad = found.direction;
        row.speed_r = found.r;
    }

    /// Standard deviation of a mean over as many voxels as a frame of the event has on average.
    fn noise_of_mean(&self, recording: &Recording) -> Option<f64> {
        let noise = recording.noise_sd.as_ref()?;
        let [frames, _, width] = self.place.shape();
        let [_, top, left] = self.place.start;
        let (mut sum, mut count) = (0.0, 0.0);
        for i in (0..self.footprint.len()).filter(|i| self.footprint[*i]) {
            sum += f64::from(noise[[top + i / width, left + i % width]]).powi(2);
            count += 1.0;
        }
        let voxels = self.voxels() as f64 / frames as f64;
        Some((sum / count / voxels).sqrt()).filter(|noise| *noise > 0.0)
    }
}
