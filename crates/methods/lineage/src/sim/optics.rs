//! What the camera sees: dark cells with bright halos, and fluorescence.

use hooke_core::seed::rng_at;
use hooke_filters::Border;
use hooke_filters::fir::convolve_symmetric_into;
use ndarray::Array2;
use rayon::prelude::*;

use super::body::Body;
use super::params::OpticsParams;
use super::random::normal;

/// Points per pixel and axis at which a cell's thickness is taken.
const FINE: usize = 3;

/// A speck that is no cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speck {
    pub(super) at: [f64; 2],
    pub(super) sigma: f64,
    /// Light it adds, as a part of the background; below 0 it is dark.
    pub(super) light: f64,
}

/// What a camera is pointed at, in image coordinates.
pub(super) struct Field<'a> {
    pub(super) shape: [usize; 2],
    pub(super) bodies: &'a [Body],
    /// Fluorescence of each body over the mean, per channel.
    pub(super) brightness: Vec<&'a [f64]>,
    pub(super) specks: &'a [Speck],
    /// Light without cells.
    pub(super) background: Array2<f32>,
}

/// The right half of a Gaussian, with the same bits everywhere; ends at 4 sigma.
fn kernel(sigma: f64) -> Vec<f32> {
    let radius = (4.0 * sigma).ceil() as usize;
    let weight = |k: usize| {
        let z = k as f64 / sigma.max(1e-9);
        libm::exp(-0.5 * z * z)
    };
    let weights: Vec<f64> = (0..=radius).map(weight).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|w| (w / sum) as f32).collect()
}

/// Smooths an image with a Gaussian; the edge pixels go on beyond the edge.
fn blurred(image: &Array2<f32>, sigma: f64) -> Array2<f32> {
    let mut out = Array2::zeros(image.raw_dim());
    let (height, width) = image.dim();
    let kernel = kernel(sigma);
    let kernels = [None, Some(kernel.as_slice()), Some(kernel.as_slice())];
    let (Some(src), Some(dst)) = (image.as_slice(), out.as_slice_mut()) else {
        unreachable!("images of the simulator are in standard layout")
    };
    convolve_symmetric_into(src, [1, height, width], kernels, Border::Nearest, dst);
    out
}

/// Rows and columns of the image that a circle may cover.
pub(super) fn pixels_near(
    shape: [usize; 2],
    center: [f64; 2],
    reach: f64,
) -> [std::ops::Range<usize>; 2] {
    [0, 1].map(|i| {
        let last = shape[i] as f64;
        let first = (center[i] - reach).floor().clamp(0.0, last) as usize;
        first..((center[i] + reach).ceil() + 1.0).clamp(0.0, last) as usize
    })
}

/// Adds a body's thickness, of 1 in the middle of a rod, times a weight.
fn add_thickness(body: &Body, weight: f64, out: &mut Array2<f32>) {
    let shape = [out.nrows(), out.ncols()];
    let [rows, columns] = pixels_near(shape, body.center, body.reach() + 1.0);
    let step = 1.0 / FINE as f64;
    let offsets: Vec<f64> = (0..FINE).map(|k| (k as f64 + 0.5) * step - 0.5).collect();
    for y in rows {
        for x in columns.clone() {
            let mut sum = 0.0;
            for dy in &offsets {
                for dx in &offsets {
                    let (s, n) = body.along_and_across([y as f64 + dy, x as f64 + dx]);
                    let part = n / body.half_width(s).max(1e-9);
                    // Flatter than a cylinder's chord, and steeper at the edge: as cells on real pads look.
                    sum += (1.0 - part * part).max(0.0).sqrt().sqrt();
                }
            }
            out[[y, x]] += (weight * sum * step * step) as f32;
        }
    }
}

fn add_speck(speck: &Speck, out: &mut Array2<f32>) {
    let shape = [out.nrows(), out.ncols()];
    let [rows, columns] = pixels_near(shape, speck.at, 4.0 * speck.sigma);
    for y in rows {
        for x in columns.clone() {
            let d = [y as f64 - speck.at[0], x as f64 - speck.at[1]];
            let r2 = (d[0] * d[0] + d[1] * d[1]) / (speck.sigma * speck.sigma);
            out[[y, x]] += (speck.light * libm::exp(-0.5 * r2)) as f32;
        }
    }
}

/// Expected grey levels of a field: phase contrast first, then fluorescence.
pub(super) fn expose(optics: &OpticsParams, field: &Field<'_>) -> Vec<Array2<f32>> {
    let [height, width] = field.shape;
    let mut thickness = Array2::zeros((height, width));
    for body in field.bodies {
        add_thickness(body, 1.0, &mut thickness);
    }
    let sharp = blurred(&thickness, optics.psf);
    let wide = blurred(&thickness, optics.halo_width);
    let mut phase = blurred(&field.background, optics.psf);
    for speck in field.specks {
        add_speck(speck, &mut phase);
    }
    let [last_y, last_x] = field.shape.map(|n| (n as f64 - 1.0).max(1.0));
    for ((y, x), v) in phase.indexed_iter_mut() {
        let (inside, near) = (f64::from(sharp[[y, x]]), f64::from(wide[[y, x]]));
        // The halo is what the phase ring lets through of a cell's own light: none of it inside.
        let seen = 1.0 - optics.contrast * inside + optics.halo * near * (1.0 - inside).max(0.0);
        let across = 0.5 * (y as f64 / last_y + x as f64 / last_x) - 0.5;
        let light = optics.background * (1.0 + optics.gradient * across);
        *v = (f64::from(*v) * seen * light).max(0.0) as f32;
    }
    let mut levels = vec![phase];
    let channels = field.brightness.first().map_or(0, |b| b.len());
    for channel in 0..channels {
        let mut light = Array2::zeros((height, width));
        for (body, brightness) in field.bodies.iter().zip(&field.brightness) {
            add_thickness(body, optics.fluo_level * brightness[channel], &mut light);
        }
        let mut light = blurred(&light, optics.psf);
        light += optics.fluo_offset as f32;
        levels.push(light);
    }
    levels
}

/// Counts the light: shot noise (normal, for there are many photons), read noise, whole grey levels.
///
/// * `place`: position, frame and channel.
pub(super) fn photograph(
    optics: &OpticsParams,
    seed: u64,
    place: [i64; 3],
    levels: &Array2<f32>,
) -> Array2<u16> {
    let mut out = Array2::zeros(levels.raw_dim());
    // Shot noise has a variance in proportion to the light.
    let per_level = optics.noise * optics.noise * optics.background;
    let read = optics.read_noise * optics.read_noise;
    let rows: Vec<_> = out.outer_iter_mut().zip(levels.outer_iter()).collect();
    rows.into_par_iter().enumerate().for_each(|(y, (mut row, levels))| {
        let [position, frame, channel] = place;
        let mut rng = rng_at(seed, "lineage-noise", &[position, frame, channel, y as i64]);
        for (v, level) in row.iter_mut().zip(levels) {
            let level = f64::from(*level);
            let noise = (per_level * level + read).sqrt() * normal(&mut rng);
            *v = (level + noise).round().clamp(0.0, 65_535.0) as u16;
        }
    });
    out
}
