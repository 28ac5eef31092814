//! Normalized correlation of windowed images with a template, over a range of shifts.
//!
//! With `w` a window that falls to 0 at the edges, `f` an image and `T` the template, both windowed,
//! `c(s) = sum f(x + s) T(x) / (|f| |T| V(s))`, where `V(s)`, 1 at no shift, is the part of the template's
//! energy that the window still shows after the shift: the geometric mean of `sum w(x + s) T(x)² / w(x)` and the
//! same of `-s`. Without it peaks are pulled towards no shift, by some hundredths of a pixel in a block.

use hooke_filters::fft::{Complex32, RealFft, next_fast_size};

use super::peak::Surface;
use super::warp::phase;

/// Part of an axis over which a window rises from 0 to 1, at either end.
const TAPER: f64 = 0.1;

/// Softness of the borders between the tiles of the two sets of pixels: their slope over that of a sine.
const TILE_SLOPE: f64 = 4.0;

/// Least part of the energy that is divided by: less would lift the noise of far shifts.
const LEAST_SHOWN: f32 = 0.5;

/// Least weight of the window that is divided by.
const LEAST_WINDOW: f32 = 0.05;

/// What correlations of images of one shape share.
#[derive(Debug)]
pub(crate) struct Correlator {
    shape: [usize; 2],
    reach: [usize; 2],
    fft: RealFft,
    /// Length of each axis of the transform.
    padded: [usize; 2],
    window: Vec<f32>,
    window_sum: f64,
    /// Weight of each pixel in the first of the two sets; the other set has the rest.
    first_set: Vec<f32>,
    /// Transforms of the window, and of the part of it in the first set.
    window_spectra: [Vec<Complex32>; 2],
}

/// A template that images are compared with.
#[derive(Debug, Clone)]
pub(crate) struct TemplateSpectrum {
    /// Conjugate of its transform.
    conjugate: Vec<Complex32>,
    norm: f64,
    /// One over the part of its energy that the window shows, for the whole and the two sets.
    whole: Vec<f32>,
    sets: [Vec<f32>; 2],
    /// Where each set finds the template itself: the borders of a set pull its peaks a little.
    pulls: [[f64; 2]; 2],
}

/// What two disjoint sets of pixels say of a shift.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Agreement {
    /// The shift by each.
    pub sets: Option<[[f64; 2]; 2]>,
    /// Correlation of the second set's pixels where they are.
    pub r_still: f32,
    /// The same when moved by the first set's shift.
    pub r_moved: f32,
}

impl TemplateSpectrum {
    /// Compares the surfaces of the two sets, each searched within `search` of no shift.
    pub fn agreement(&self, sets: [Surface<'_>; 2], search: [usize; 2]) -> Agreement {
        let [first, second] = sets.map(|s| s.highest(search).map(|p| p.shift));
        let less =
            |shift: [f64; 2], set: usize| std::array::from_fn(|d| shift[d] - self.pulls[set][d]);
        let first = first.map(|s| less(s, 0));
        let at = |shift: [f64; 2]| {
            let pulled = std::array::from_fn(|d| shift[d] + self.pulls[1][d]);
            sets[1].value_at(pulled).unwrap_or(0.0) as f32
        };
        Agreement {
            sets: first.zip(second).map(|(a, b)| [a, less(b, 1)]),
            r_still: at([0.0; 2]),
            r_moved: first.map_or(0.0, at),
        }
    }
}

/// Part of a pixel that surfaces are moved by.
#[derive(Debug)]
pub(crate) struct Fraction {
    shift: [f64; 2],
    ramp: Vec<Complex32>,
}

/// Memory of one thread.
#[derive(Debug, Default)]
pub(crate) struct Work {
    image: Vec<f32>,
    part: Vec<f32>,
    shown: Vec<f32>,
    spectrum: Vec<Complex32>,
    product: Vec<Complex32>,
}

impl Correlator {
    /// Prepares correlations of images of `shape` over the shifts `-reach..=reach`.
    ///
    /// * `tile`: side of the tiles of the checkerboard that divides the pixels into two sets.
    pub fn new(shape: [usize; 2], reach: [usize; 2], tile: f64) -> Self {
        let padded = [next_fast_size(shape[0]), 2 * next_fast_size(shape[1].div_ceil(2))];
        let fft = RealFft::new(&padded);
        let taper = shape.map(taper);
        let outer = |of: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
            let row = |y| (0..shape[1]).map(move |x| of(y, x) as f32);
            (0..shape[0]).flat_map(row).collect()
        };
        let window = outer(&|y, x| taper[0][y] * taper[1][x]);
        let first_set = outer(&|y, x| 0.5 + 0.5 * tiles(y, tile) * tiles(x, tile));
        let mut correlator = Self {
            shape,
            reach,
            padded,
            window_sum: window.iter().map(|w| f64::from(*w)).sum(),
            first_set,
            window_spectra: [Vec::new(), Vec::new()],
            window,
            fft,
        };
        let mut work = Work::default();
        let first = correlator.in_first_set(&correlator.window);
        correlator.window_spectra = [
            correlator.transform(&correlator.window, &mut work).collect(),
            correlator.transform(&first, &mut work).collect(),
        ];
        correlator
    }

    fn in_first_set(&self, image: &[f32]) -> Vec<f32> {
        image.iter().zip(&self.first_set).map(|(w, s)| w * s).collect()
    }

    /// Completes a template from its windowed image.
    fn measured(&self, windowed: &[f32], conjugate: Vec<Complex32>, norm: f64) -> TemplateSpectrum {
        let energy: Vec<f32> =
            windowed.iter().zip(&self.window).map(|(t, w)| t * t / w.max(LEAST_WINDOW)).collect();
        let energy: Vec<_> = self.transform(&energy, &mut Work::default()).collect();
        let shown = |of: &[Complex32]| {
            let mut product: Vec<_> = of.iter().zip(&energy).map(|(w, e)| w * e.conj()).collect();
            let mut out = vec![0.0; self.surface_len()];
            self.fft.inverse_centred(&mut product, &self.reach, &mut out);
            // Image and template lose as much of each other: a shift and its opposite are the same.
            let both = |i: usize| (out[i].max(0.0) * out[out.len() - 1 - i].max(0.0)).sqrt();
            (0..out.len()).map(both).collect::<Vec<f32>>()
        };
        let [whole, first] = [0, 1].map(|i| shown(&self.window_spectra[i]));
        let centre = whole.len() / 2;
        let all = whole[centre].max(f32::MIN_POSITIVE);
        let inverse = |shown: f32, share: f32| 1.0 / (shown / all).max(LEAST_SHOWN * share);
        let share = (first[centre] / all).clamp(0.1, 0.9);
        let sets = [
            first.iter().map(|a| inverse(*a, share)).collect(),
            whole.iter().zip(&first).map(|(w, a)| inverse(w - a, 1.0 - share)).collect(),
        ];
        let whole = whole.into_iter().map(|w| inverse(w, 1.0)).collect();
        TemplateSpectrum { conjugate, norm, whole, sets, pulls: [[0.0; 2]; 2] }
    }

    fn transform<'w>(
        &self,
        image: &[f32],
        work: &'w mut Work,
    ) -> impl Iterator<Item = Complex32> + use<'w> {
        work.spectrum.resize(self.fft.spectrum_len(), Complex32::ZERO);
        self.fft.forward_padded(image, &self.shape, &mut work.spectrum);
        work.spectrum.iter().copied()
    }

    /// Number of shifts.
    pub fn surface_len(&self) -> usize {
        (2 * self.reach[0] + 1) * (2 * self.reach[1] + 1)
    }

    /// Largest shift per axis.
    pub fn reach(&self) -> [usize; 2] {
        self.reach
    }

    /// Shape of images.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The transform of images.
    pub fn fft(&self) -> &RealFft {
        &self.fft
    }

    /// Subtracts the mean under the window, and windows; the result is in `out`. Returns its norm.
    pub fn windowed(&self, image: &[f32], out: &mut Vec<f32>) -> f64 {
        let sum: f64 = image.iter().zip(&self.window).map(|(f, w)| f64::from(f * w)).sum();
        let mean = (sum / self.window_sum) as f32;
        out.clear();
        out.extend(image.iter().zip(&self.window).map(|(f, w)| (f - mean) * w));
        // Rows are short enough for f32, and are summed in f64.
        let energy: f64 = out
            .chunks(self.shape[1].max(1))
            .map(|row| {
                let mut sums = [0.0_f32; 8];
                for part in row.chunks(8) {
                    for (sum, f) in sums.iter_mut().zip(part) {
                        *sum += f * f;
                    }
                }
                f64::from(sums.iter().sum::<f32>())
            })
            .sum();
        energy.sqrt()
    }

    /// Transforms a template.
    pub fn template(&self, image: &[f32]) -> TemplateSpectrum {
        let mut windowed = Vec::new();
        let norm = self.windowed(image, &mut windowed);
        let mut work = Work::default();
        let conjugate = self.transform(&windowed, &mut work).map(|v| v.conj()).collect();
        let mut template = self.measured(&windowed, conjugate, norm);
        let [mut whole, mut first, mut second] = [0, 1, 2].map(|_| vec![0.0; self.surface_len()]);
        self.correlate(
            image,
            &template,
            None,
            &mut work,
            &mut whole,
            Some((&mut first, &mut second)),
        );
        let near = self.reach.map(|r| r.min(2));
        template.pulls = [first, second].map(|values| {
            let surface = Surface { values: &values, reach: self.reach };
            surface.highest(near).map_or([0.0; 2], |p| p.shift)
        });
        template
    }

    /// A template from the transform of a windowed image.
    pub fn template_of_spectrum(&self, spectrum: &[Complex32]) -> TemplateSpectrum {
        let mut padded = vec![0.0; self.fft.real_len()];
        self.fft.inverse(&mut spectrum.to_vec(), &mut padded);
        let rows = padded.chunks(self.padded[1]).take(self.shape[0]);
        let image: Vec<f32> = rows.flat_map(|row| row[..self.shape[1]].iter().copied()).collect();
        let norm = image.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
        self.measured(&image, spectrum.iter().map(|v| v.conj()).collect(), norm)
    }

    /// The transform of a windowed image, and its norm.
    pub fn spectrum(&self, image: &[f32], work: &mut Work) -> (Vec<Complex32>, f64) {
        let mut windowed = std::mem::take(&mut work.image);
        let norm = self.windowed(image, &mut windowed);
        let spectrum = self.transform(&windowed, work).collect();
        work.image = windowed;
        (spectrum, norm)
    }

    /// Correlates an image's transform with the template.
    pub fn correlate_spectrum(
        &self,
        spectrum: &[Complex32],
        norm: f64,
        template: &TemplateSpectrum,
        work: &mut Work,
        out: &mut [f32],
    ) {
        work.product.clear();
        work.product.extend(spectrum.iter().zip(&template.conjugate).map(|(a, b)| a * b));
        self.fft.inverse_centred(&mut work.product, &self.reach, out);
        let scale = one_over(norm * template.norm);
        out.iter_mut().zip(&template.whole).for_each(|(v, shown)| *v *= scale * shown);
    }

    /// Correlates an image with the template. Returns the norm of the windowed image; if it is 0, so are
    /// the surfaces.
    ///
    /// * `fraction`: part of a pixel per axis that the surfaces are moved by: their value at `s` is that of
    ///   the shift `s + fraction`.
    /// * `sets`: surfaces of the first and of the second set of pixels, each as if it were alone.
    pub fn correlate(
        &self,
        image: &[f32],
        template: &TemplateSpectrum,
        fraction: Option<&Fraction>,
        work: &mut Work,
        whole: &mut [f32],
        sets: Option<(&mut [f32], &mut [f32])>,
    ) -> f64 {
        let mut windowed = std::mem::take(&mut work.image);
        let norm = self.windowed(image, &mut windowed);
        let scale = one_over(norm * template.norm);
        let ramp = fraction.map(|f| f.ramp.as_slice());
        self.correlate_windowed(&windowed, template, ramp, scale, work, whole);
        let shift = fraction.map_or([0.0; 2], |f| f.shift);
        let mut shown = std::mem::take(&mut work.shown);
        if let Some((first, second)) = sets {
            let mut part = std::mem::take(&mut work.part);
            part.clear();
            part.extend(windowed.iter().zip(&self.first_set).map(|(f, s)| f * s));
            self.correlate_windowed(&part, template, ramp, scale, work, first);
            work.part = part;
            second.copy_from_slice(whole);
            second.iter_mut().zip(first.iter()).for_each(|(b, a)| *b -= a);
            for (set, of) in [first, second].into_iter().zip(&template.sets) {
                multiply(set, self.moved(of, shift, &mut shown));
            }
        }
        multiply(whole, self.moved(&template.whole, shift, &mut shown));
        work.shown = shown;
        work.image = windowed;
        norm
    }

    /// Values of a smooth surface at all shifts plus a part of a pixel.
    fn moved<'v>(&self, of: &'v [f32], shift: [f64; 2], out: &'v mut Vec<f32>) -> &'v [f32] {
        if shift == [0.0; 2] {
            return of;
        }
        let [height, width] = self.reach.map(|r| 2 * r + 1);
        let step = |p: usize, n: usize, shift: f64| {
            if shift < 0.0 { p.saturating_sub(1) } else { (p + 1).min(n - 1) }
        };
        let [wy, wx] = shift.map(|s| s.abs() as f32);
        out.clear();
        for y in 0..height {
            let (row, next) = (&of[y * width..], &of[step(y, height, shift[0]) * width..]);
            for x in 0..width {
                let u = step(x, width, shift[1]);
                let here = (1.0 - wx) * row[x] + wx * row[u];
                let there = (1.0 - wx) * next[x] + wx * next[u];
                out.push((1.0 - wy) * here + wy * there);
            }
        }
        out
    }

    fn correlate_windowed(
        &self,
        windowed: &[f32],
        template: &TemplateSpectrum,
        ramp: Option<&[Complex32]>,
        scale: f32,
        work: &mut Work,
        out: &mut [f32],
    ) {
        work.spectrum.resize(self.fft.spectrum_len(), Complex32::ZERO);
        self.fft.forward_padded(windowed, &self.shape, &mut work.spectrum);
        match ramp {
            Some(ramp) => {
                for ((f, t), r) in work.spectrum.iter_mut().zip(&template.conjugate).zip(ramp) {
                    *f = *f * t * r * scale;
                }
            }
            None => {
                for (f, t) in work.spectrum.iter_mut().zip(&template.conjugate) {
                    *f = *f * t * scale;
                }
            }
        }
        self.fft.inverse_centred(&mut work.spectrum, &self.reach, out);
    }

    /// Prepares surfaces that are moved by part of a pixel.
    pub fn fraction(&self, shift: [f64; 2]) -> Fraction {
        Fraction { shift, ramp: self.ramp(shift) }
    }

    /// Phases that move an image's content: multiplied into its transform they make `f(x + shift)` of
    /// `f(x)`.
    pub fn ramp(&self, shift: [f64; 2]) -> Vec<Complex32> {
        let [height, width] = self.padded;
        let phases = |shift: f64, n: usize, kept: usize| -> Vec<Complex32> {
            (0..kept).map(|k| phase(k, n, shift)).collect()
        };
        let (along_y, along_x) =
            (phases(shift[0], height, height), phases(shift[1], width, width / 2 + 1));
        along_y.iter().flat_map(|y| along_x.iter().map(move |x| y * x)).collect()
    }
}

fn multiply(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}

fn one_over(norm: f64) -> f32 {
    let inverse = 1.0 / norm;
    if inverse.is_finite() { inverse as f32 } else { 0.0 }
}

/// A window of `n` pixels that rises as a squared sine.
pub(crate) fn taper(n: usize) -> Vec<f64> {
    let rise = ((TAPER * n as f64).round() as usize).max(1);
    (0..n)
        .map(|i| {
            let inside = (i.min(n - 1 - i) as f64 + 0.5) / rise as f64;
            (std::f64::consts::FRAC_PI_2 * inside.min(1.0)).sin().powi(2)
        })
        .collect()
}

/// A wave of soft steps between -1 and 1, each `tile` pixels long.
fn tiles(i: usize, tile: f64) -> f64 {
    (TILE_SLOPE * (std::f64::consts::PI * (i as f64 + 0.5) / tile).sin()).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A texture of waves 7 to 20 pixels long.
    fn scene(y: f64, x: f64) -> f32 {
        let wave = |k: usize| {
            let (k, turn) = (k as f64, 2.4 * k as f64);
            let length = 7.0 + 13.0 * (0.618 * k).fract();
            let along = y * turn.sin() + x * turn.cos();
            (std::f64::consts::TAU * (along / length + 0.37 * k)).sin()
        };
        (0..24).map(wave).sum::<f64>() as f32
    }

    #[test]
    fn the_window_does_not_pull_the_peak() {
        let shape = [52, 48];
        let correlator = Correlator::new(shape, [9, 9], 8.0);
        let image = |shift: [f64; 2]| -> Vec<f32> {
            (0..shape[0] * shape[1])
                .map(|i| scene((i / 48) as f64 - shift[0], (i % 48) as f64 - shift[1]))
                .collect()
        };
        let template = correlator.template(&image([0.0; 2]));
        let mut work = Work::default();
        let mut out = vec![0.0; correlator.surface_len()];
        let shift = [2.3, -1.6];
        let norm = correlator.correlate(&image(shift), &template, None, &mut work, &mut out, None);
        assert!(norm > 0.0);
        let peak = Surface { values: &out, reach: [9, 9] }.highest([4, 4]).unwrap();
        for d in 0..2 {
            assert!((peak.shift[d] - shift[d]).abs() < 0.03, "{peak:?}");
        }
        assert!((0.95..1.05).contains(&peak.value), "{peak:?}");
    }

    #[test]
    fn a_ramp_moves_the_surface_and_the_two_sets_make_up_the_whole() {
        let shape = [40, 48];
        let correlator = Correlator::new(shape, [9, 9], 8.0);
        let image: Vec<f32> =
            (0..40 * 48).map(|i| scene((i / 48) as f64, (i % 48) as f64)).collect();
        let template = correlator.template(&image);
        let mut work = Work::default();
        let len = correlator.surface_len();
        let [mut out, mut first, mut second] = [0, 1, 2].map(|_| vec![0.0; len]);
        let fraction = correlator.fraction([0.4, -0.7]);
        let sets = Some((first.as_mut_slice(), second.as_mut_slice()));
        correlator.correlate(&image, &template, Some(&fraction), &mut work, &mut out, sets);
        let peak = Surface { values: &out, reach: [9, 9] }.highest([4, 4]).unwrap();
        assert!(
            (peak.shift[0] + 0.4).abs() < 0.01 && (peak.shift[1] - 0.7).abs() < 0.01,
            "{peak:?}"
        );
        let [first, second] = [&first, &second].map(|v| Surface { values: v, reach: [9, 9] });
        let agreement = template.agreement([first, second], [4, 4]);
        for shift in agreement.sets.unwrap() {
            assert!((shift[0] + 0.4).abs() < 0.05 && (shift[1] - 0.7).abs() < 0.05, "{shift:?}");
        }
        assert!((agreement.r_moved - agreement.r_still) > 0.01, "{agreement:?}");
    }
}
