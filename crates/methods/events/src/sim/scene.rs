//! The specimen at rest.

use hooke_core::seed::rng_at;
use hooke_filters::resample::spline_coefficients_into;
use ndarray::Array2;
use rand::{Rng, RngExt};

use super::MovieSimParams;

/// Light everywhere, before the mean is set.
const NEUROPIL: f64 = 0.35;

/// Resting light, a cubic B-spline through pixels that reach beyond the frame.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    coefficients: Array2<f32>,
    /// Pixels beyond each edge of the frame.
    margin: usize,
}

impl Scene {
    /// Draws cells, processes and puncta, their number by area.
    pub(super) fn draw(params: &MovieSimParams) -> Self {
        // As far as any motion reaches, so that a specimen is the same with and without it; the spline
        // at a point takes pixels up to 2 away.
        let margin = (params.max_rigid + params.max_nonrigid).ceil() as usize + 3;
        let [height, width] = params.size.map(|n| n + 2 * margin);
        let mut rng = rng_at(params.seed, "movie-scene", &[]);
        let mut image = Array2::from_elem((height, width), NEUROPIL);
        let area = (height * width) as f64;
        let log_uniform =
            |rng: &mut dyn Rng, [low, high]: [f64; 2]| low * (high / low).powf(rng.random::<f64>());
        for (per_pixel, sigma, light) in [
            (1.0 / 700.0, [3.0, 6.5], [0.4, 1.6]), // cell bodies
            (1.0 / 90.0, [1.1, 1.8], [0.15, 0.9]), // puncta
        ] {
            for _ in 0..(area * per_pixel).ceil() as usize {
                let at = [rng.random::<f64>() * height as f64, rng.random::<f64>() * width as f64];
                let sigma = log_uniform(&mut rng, sigma);
                add_spot(&mut image, at, sigma, log_uniform(&mut rng, light));
            }
        }
        for _ in 0..(area / 1500.0).ceil() as usize {
            add_process(&mut image, &mut rng);
        }
        let mean = image.sum() / area;
        let image = image.mapv(|v| (v / mean * params.photons) as f32);
        let mut coefficients = Array2::zeros(image.raw_dim());
        if let (Some(src), Some(out)) = (image.as_slice(), coefficients.as_slice_mut()) {
            spline_coefficients_into(src, [1, height, width], out);
        }
        Self { coefficients, margin }
    }

    /// Photons at a point of the specimen; the edge goes on beyond what was drawn.
    pub(super) fn at(&self, point: [f64; 2]) -> f64 {
        let (height, width) = self.coefficients.dim();
        let taps = |p: f64, len: usize| {
            let p = (p + self.margin as f64).clamp(1.0, len as f64 - 2.0 - 1e-9);
            (p as usize - 1, b_spline(p.fract()))
        };
        let (y, wy) = taps(point[0], height);
        let (x, wx) = taps(point[1], width);
        let mut sum = 0.0;
        for (i, wy) in wy.into_iter().enumerate() {
            let row = (0..4).map(|j| wx[j] * f64::from(self.coefficients[[y + i, x + j]]));
            sum += wy * row.sum::<f64>();
        }
        // A spline may fall below 0 beside a steep edge; light may not.
        sum.max(0.0)
    }
}

/// A bent line of 40 to 100 pixels.
fn add_process(image: &mut Array2<f64>, rng: &mut impl Rng) {
    let (height, width) = image.dim();
    let mut at = [rng.random::<f64>() * height as f64, rng.random::<f64>() * width as f64];
    let mut angle = rng.random::<f64>() * std::f64::consts::TAU;
    let light = 0.1 + 0.25 * rng.random::<f64>();
    for _ in 0..40 + (60.0 * rng.random::<f64>()) as usize {
        add_spot(image, at, 1.2, light);
        angle += 0.25 * (rng.random::<f64>() - 0.5);
        at = [at[0] + angle.sin(), at[1] + angle.cos()];
    }
}

/// Adds a Gaussian.
fn add_spot(image: &mut Array2<f64>, at: [f64; 2], sigma: f64, light: f64) {
    let (height, width) = image.dim();
    let range = |p: f64, len: usize| {
        let first = (p - 4.0 * sigma).floor().clamp(0.0, len as f64) as usize;
        first..((p + 4.0 * sigma).ceil().max(-1.0) + 1.0).clamp(0.0, len as f64) as usize
    };
    for y in range(at[0], height) {
        for x in range(at[1], width) {
            let r2 = (y as f64 - at[0]).powi(2) + (x as f64 - at[1]).powi(2);
            image[[y, x]] += light * (-0.5 * r2 / (sigma * sigma)).exp();
        }
    }
}

/// Cubic B-spline centred on the pixels at -1, 0, 1, 2, at `0 <= t < 1`.
fn b_spline(t: f64) -> [f64; 4] {
    let u = 1.0 - t;
    [
        u * u * u / 6.0,
        (4.0 + t * t * (3.0 * t - 6.0)) / 6.0,
        (4.0 + u * u * (3.0 * u - 6.0)) / 6.0,
        t * t * t / 6.0,
    ]
}
