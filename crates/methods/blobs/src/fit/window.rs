//! The voxels that a fit sees.

use std::ops::Range;

use ndarray::ArrayView3;

use crate::noise::SensorNoise;

/// Half the axes of the window, in widths.
pub(crate) const WINDOW: f64 = 2.5;

/// What a fit knows of the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Optics {
    /// Lengths of the image.
    pub(crate) shape: [usize; 3],
    pub(crate) voxel_um: [f64; 3],
    pub(crate) psf_um: [f64; 3],
    pub(crate) noise: SensorNoise,
}

impl Optics {
    /// Width of a blob along each axis in voxels, the point-spread function included.
    pub(crate) fn width(&self, sigma_um: f64) -> [f64; 3] {
        std::array::from_fn(|a| sigma_um.hypot(self.psf_um[a]) / self.voxel_um[a])
    }
}

/// Where a fit begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// Centre in voxels, relative to the voxel of the first blob's peak.
    pub(crate) centre: [f64; 3],
    pub(crate) sigma_um: f64,
}

/// Voxels under the windows, relative to the peak.
pub(super) struct Data {
    pub(super) places: Vec<[usize; 3]>,
    pub(super) values: Vec<f64>,
    /// What the slope of the background adds to its level at the peak.
    pub(super) tilts: Vec<f64>,
    /// The box the places count from, relative to the peak.
    pub(super) bounds: [Range<i64>; 3],
    /// Level and height of each blob that the fit starts with.
    pub(super) background: f64,
    pub(super) heights: Vec<f64>,
}

impl Data {
    pub(super) fn gather(
        voxels: ArrayView3<'_, f32>,
        start: [usize; 3],
        peak: [usize; 3],
        blobs: &[Start],
        slope: [f64; 3],
        optics: &Optics,
    ) -> Self {
        // Windows as ranges of voxels relative to the peak, inside the image and the block.
        let window = |blob: &Start, a: usize| {
            let half = WINDOW * optics.width(blob.sigma_um)[a];
            let low = start[a] as i64 - peak[a] as i64;
            let high = low + voxels.shape()[a] as i64;
            let from = ((blob.centre[a] - half).ceil() as i64).clamp(low, high);
            from..((blob.centre[a] + half).floor() as i64 + 1).clamp(from, high)
        };
        let windows: Vec<[Range<i64>; 3]> =
            blobs.iter().map(|b| std::array::from_fn(|a| window(b, a))).collect();
        let bounds: [Range<i64>; 3] = std::array::from_fn(|a| {
            let start = windows.iter().map(|w| w[a].start).min().unwrap_or(0);
            start..windows.iter().map(|w| w[a].end).max().unwrap_or(start)
        });
        let is_in = |blob: &Start, p: [i64; 3]| {
            let width = optics.width(blob.sigma_um);
            let q = |a: usize| ((p[a] as f64 - blob.centre[a]) / width[a]).powi(2);
            (0..3).filter(|a| optics.shape[*a] > 1).map(q).sum::<f64>() <= WINDOW * WINDOW
        };
        let (mut places, mut values, mut tilts) = (Vec::new(), Vec::new(), Vec::new());
        let mut heights = Vec::with_capacity(blobs.len());
        for (i, blob) in blobs.iter().enumerate() {
            let nearest = blob.centre.map(|c| c.round() as i64);
            let (mut near, mut count) = (0.0, 0.0);
            for z in windows[i][0].clone() {
                for y in windows[i][1].clone() {
                    for x in windows[i][2].clone() {
                        let p = [z, y, x];
                        let at: [usize; 3] = std::array::from_fn(|a| {
                            (p[a] + peak[a] as i64 - start[a] as i64) as usize
                        });
                        let value = f64::from(voxels[at]);
                        if !value.is_finite() || !is_in(blob, p) {
                            continue;
                        }
                        if (0..3).all(|a| (p[a] - nearest[a]).abs() <= 1) {
                            (near, count) = (near + value, count + 1.0);
                        }
                        if blobs[..i].iter().all(|b| !is_in(b, p)) {
                            places.push(std::array::from_fn(|a| (p[a] - bounds[a].start) as usize));
                            values.push(value);
                            tilts.push((0..3).map(|a| slope[a] * p[a] as f64).sum());
                        }
                    }
                }
            }
            heights.push(near / f64::max(count, 1.0));
        }
        let mut sorted = values.clone();
        let background = match sorted.len() / 5 {
            _ if sorted.is_empty() => 0.0,
            fifth => *sorted.select_nth_unstable_by(fifth, f64::total_cmp).1,
        };
        let noise = optics.noise.variance(background).sqrt();
        heights.iter_mut().for_each(|h| *h = (*h - background).max(noise));
        Self { places, values, tilts, bounds, background, heights }
    }
}
