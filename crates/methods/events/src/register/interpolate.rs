//! Values of a frame between its pixels.

use std::borrow::Cow;

use hooke_filters::Border;
use hooke_filters::resample::spline_coefficients_into;

use super::params::Interpolation;

/// Pixels on either side that the Lanczos window spans.
const LANCZOS: usize = 3;

/// A frame that can be asked for values at any place inside of it. Beyond its edges it is mirrored.
pub(crate) struct Sampler<'a> {
    /// Pixels, or the coefficients of their spline.
    values: Cow<'a, [f32]>,
    shape: [usize; 2],
    kernel: Kernel,
}

#[derive(Clone, Copy, PartialEq)]
enum Kernel {
    Spline,
    Lanczos,
    Linear,
}

impl<'a> Sampler<'a> {
    /// * `src`: of `shape`, no axis of which is empty.
    ///
    /// For [`Interpolation::Fourier`], which knows no single places, the spline.
    pub fn new(src: &'a [f32], shape: [usize; 2], interpolation: Interpolation) -> Self {
        let kernel = match interpolation {
            Interpolation::Lanczos3 => Kernel::Lanczos,
            Interpolation::Linear => Kernel::Linear,
            Interpolation::Bspline3 | Interpolation::Fourier => {
                let mut coefficients = vec![0.0; src.len()];
                spline_coefficients_into(src, [1, shape[0], shape[1]], &mut coefficients);
                return Sampler::of_coefficients(coefficients, shape);
            }
        };
        Self { values: Cow::Borrowed(src), shape, kernel }
    }

    pub fn of_coefficients(coefficients: Vec<f32>, shape: [usize; 2]) -> Self {
        Self { values: Cow::Owned(coefficients), shape, kernel: Kernel::Spline }
    }

    /// The last place along each axis.
    pub fn last(&self) -> [f64; 2] {
        self.shape.map(|n| n as f64 - 1.0)
    }

    /// The value at a place from 0 to the last one.
    #[inline]
    pub fn at(&self, place: [f64; 2]) -> f32 {
        match self.kernel {
            Kernel::Spline => self.sum::<4>(place, 1, b_spline),
            Kernel::Linear => self.sum::<2>(place, 0, |t| [1.0 - t, t]),
            Kernel::Lanczos => self.sum::<6>(place, 2, lanczos),
        }
    }

    /// The sum under `N` weights per axis, the first `before` pixels before the place's own.
    #[inline]
    fn sum<const N: usize>(
        &self,
        place: [f64; 2],
        before: isize,
        weights: impl Fn(f32) -> [f32; N],
    ) -> f32 {
        // A place at NaN has no pixel: it is taken for the first one.
        let whole = place.map(|p| p as isize);
        let [wy, wx] = [0, 1].map(|d| weights((place[d] - whole[d] as f64) as f32));
        let first = whole.map(|w| w - before);
        let [height, width] = self.shape;
        let is_inner = (0..2).all(|d| first[d] >= 0 && first[d] as usize + N <= self.shape[d]);
        let mut sum = 0.0;
        if is_inner {
            let start = first[0] as usize * width + first[1] as usize;
            for (i, wy) in wy.iter().enumerate() {
                let row: &[f32; N] = match self.values[start + i * width..].first_chunk() {
                    Some(row) => row,
                    None => break,
                };
                let mut line = 0.0;
                for j in 0..N {
                    line += wx[j] * row[j];
                }
                sum += wy * line;
            }
            return sum;
        }
        for (i, wy) in wy.iter().enumerate() {
            let y = Border::Mirror.index(first[0] + i as isize, height);
            for (j, wx) in wx.iter().enumerate() {
                // A weight of 0 takes nothing, not even a NaN.
                if wy * wx != 0.0 {
                    let x = Border::Mirror.index(first[1] + j as isize, width);
                    sum += wy * wx * self.values[y * width + x];
                }
            }
        }
        sum
    }
}

/// Cubic B-spline on the pixels at -1 to 2.
#[inline]
fn b_spline(t: f32) -> [f32; 4] {
    let u = 1.0 - t;
    [
        u * u * u / 6.0,
        (4.0 + t * t * (3.0 * t - 6.0)) / 6.0,
        (4.0 + u * u * (3.0 * u - 6.0)) / 6.0,
        t * t * t / 6.0,
    ]
}

/// Lanczos' weights on the pixels at -2 to 3, made to sum to 1.
fn lanczos(t: f32) -> [f32; 6] {
    if t == 0.0 {
        return [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    }
    let reach = LANCZOS as f32;
    let sinc = |x: f32| (std::f32::consts::PI * x).sin() / (std::f32::consts::PI * x);
    let mut weights: [f32; 6] = std::array::from_fn(|i| {
        let x = t - (i as f32 - 2.0);
        if x.abs() < 1e-6 { 1.0 } else { sinc(x) * sinc(x / reach) }
    });
    let sum: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    weights
}
