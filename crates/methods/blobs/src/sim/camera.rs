//! From photons to grey levels.

use std::ops::Range;

use hooke_core::seed::rng_at;
use ndarray::ArrayViewMut2;
use rand::Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};

use super::BlobSimParams;
use crate::voxel_box::VoxelBox;

/// Voxels along x whose noise is drawn in one go.
pub(super) const RUN: usize = 64;

/// Photons of the background at a place along x.
pub(super) fn background(params: &BlobSimParams, x: f64) -> f64 {
    let last = (params.shape[2] as f64 - 1.0).max(1.0);
    (params.background * (1.0 + params.gradient * (x / last - 0.5))).max(0.0)
}

/// The columns that must be known to expose a box: whole runs.
pub(super) fn columns(params: &BlobSimParams, part: VoxelBox) -> Range<usize> {
    part.start[2] / RUN * RUN..part.end[2].next_multiple_of(RUN).min(params.shape[2])
}

/// Exposes one plane of a box.
///
/// * `light`: photons of the blobs, rows of the box times [`columns`].
pub(super) fn expose(
    params: &BlobSimParams,
    channel: u16,
    z: usize,
    part: VoxelBox,
    light: &[f64],
    out: &mut ArrayViewMut2<'_, u16>,
) {
    let columns = columns(params, part);
    for (i, mut row) in out.outer_iter_mut().enumerate() {
        let y = part.start[1] + i;
        let light = &light[i * columns.len()..][..columns.len()];
        for (k, run) in light.chunks(RUN).enumerate() {
            let first = columns.start + k * RUN;
            let place = [i64::from(channel), z as i64, y as i64, (first / RUN) as i64];
            let mut rng = rng_at(params.seed, "blobs-noise", &place);
            for (x, light) in (first..).zip(run) {
                let level = level(params, background(params, x as f64) + light, &mut rng);
                if x >= part.start[2] && x < part.end[2] {
                    row[x - part.start[2]] = level;
                }
            }
        }
    }
}

fn level(params: &BlobSimParams, photons: f64, rng: &mut impl Rng) -> u16 {
    // No photons expected, none counted.
    let counted = Poisson::new(photons).map_or(0.0, |p| p.sample(rng));
    let read: f64 = StandardNormal.sample(rng);
    (counted + params.read_noise * read + params.offset).round().clamp(0.0, 65_535.0) as u16
}
