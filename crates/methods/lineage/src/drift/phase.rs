//! Sub-pixel shifts by phase correlation.

use std::f64::consts::PI;

use hooke_filters::fft::{Complex32, RealFft, next_fast_size};
use hooke_filters::order::median;
use ndarray::ArrayView2;

use crate::LineageError;
use crate::imgops::CropBox;

/// Width of the Gaussian low-pass, cycles per pixel: above, there is mostly noise.
const LOW_PASS: f64 = 0.15;
/// Frequencies with less power than this many times the median are taken for noise, and count less.
const NOISE: f32 = 3.0;
/// How far content is looked for from where it was last, pixels: less than the spacing of channels, which are alike.
const SEARCH: isize = 16;
/// Peaks nearer than this to the highest are part of it, pixels.
const PEAK_RADIUS: isize = 6;
/// A peak this much higher than the second is beyond doubt.
const SURE_RATIO: f64 = 3.0;
/// Steps per pixel of the fine search (Guizar-Sicairos et al. 2008, doi:10.1364/OL.33.000156).
const FINE_STEPS: isize = 20;
/// How far from the highest pixel the fine search goes, pixels.
const FINE_REACH: isize = 1;
/// Share of each side that is faded out.
const TAPER: f64 = 0.1;

/// A measured shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// `(x, y)`, pixels.
    pub shift: [f64; 2],
    /// Height of the correlation's peak over that of the second one, at least 1.
    pub peak_ratio: f64,
}

impl Shift {
    /// Whether the peak stands out.
    pub fn is_sure(&self) -> bool {
        self.peak_ratio >= SURE_RATIO
    }
}

/// What was measured of one frame; nothing, if it is flat.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FrameShift {
    /// From the first frame that is not flat.
    pub to_first: Option<Shift>,
    /// From the last frame before that is not flat: its number, and the shift.
    pub to_previous: Option<(usize, Shift)>,
}

/// Measures frame after frame against the first and the previous one. It keeps two spectra.
pub struct PhaseDrift {
    fft: RealFft,
    place: CropBox,
    taper: [Vec<f32>; 2],
    low_pass: Vec<f32>,
    first: Option<Vec<Complex32>>,
    previous: Option<(usize, Vec<Complex32>)>,
    /// Where the content was last, from the first frame.
    last: [f64; 2],
    frame: usize,
}

impl PhaseDrift {
    /// Prepares for frames whose content of `place` is compared.
    ///
    /// # Errors
    /// When the box is smaller than 4 × 4 pixels.
    pub fn new(place: CropBox) -> Result<Self, LineageError> {
        let [height, width] = place.shape();
        if height < 4 || width < 4 {
            let reason = format!("{place:?} is smaller than 4 × 4 pixels");
            return Err(LineageError::Parameter { name: "drift box", reason });
        }
        let fft = RealFft::new(&[next_fast_size(height), next_fast_size(width)]);
        let low_pass = low_pass(fft.shape());
        let taper = [taper(height), taper(width)];
        Ok(Self { fft, place, taper, low_pass, first: None, previous: None, last: [0.0; 2], frame: 0 })
    }

    /// Measures the next frame `(y, x)`, of any range of values.
    ///
    /// # Errors
    /// When the box does not lie within the frame.
    pub fn measure(&mut self, frame: ArrayView2<'_, f32>) -> Result<FrameShift, LineageError> {
        let shape: [usize; 2] = frame.dim().into();
        let place = self.place;
        let [height, width] = shape.map(|n| n as i64);
        if place.xtl < 0 || place.ytl < 0 || place.xbr > width || place.ybr > height {
            let reason = format!("{place:?} is not within {height} × {width} pixels");
            return Err(LineageError::Parameter { name: "drift box", reason });
        }
        let number = self.frame;
        self.frame += 1;
        let Some(spectrum) = self.spectrum(frame) else { return Ok(FrameShift::default()) };
        let Some(first) = &self.first else {
            self.first = Some(spectrum.clone());
            self.previous = Some((number, spectrum));
            let still = Shift { shift: [0.0; 2], peak_ratio: f64::INFINITY };
            return Ok(FrameShift { to_first: Some(still), to_previous: None });
        };
        let previous = self.previous.as_ref();
        let to_previous = previous.map(|(n, before)| (*n, self.shift(before, &spectrum, [0.0; 2])));
        let step = to_previous.filter(|(_, s)| s.is_sure()).map_or([0.0; 2], |(_, s)| s.shift);
        let expected = [self.last[0] + step[0], self.last[1] + step[1]];
        let to_first = self.shift(first, &spectrum, expected);
        self.last = if to_first.is_sure() { to_first.shift } else { expected };
        self.previous = Some((number, spectrum));
        Ok(FrameShift { to_first: Some(to_first), to_previous })
    }

    /// The spectrum of the box, less its mean and faded out at its borders; none of a flat one.
    fn spectrum(&self, frame: ArrayView2<'_, f32>) -> Option<Vec<Complex32>> {
        let crop = self.place.crop(frame);
        let mean = crop.iter().map(|v| f64::from(*v)).sum::<f64>() / crop.len() as f64;
        let first = crop.first().copied()?;
        if !mean.is_finite() || crop.iter().all(|v| *v == first) {
            return None;
        }
        let [down, across] = &self.taper;
        let faded = crop.indexed_iter().map(|((y, x), v)| (v - mean as f32) * down[y] * across[x]);
        let values: Vec<f32> = faded.collect();
        let mut spectrum = vec![Complex32::default(); self.fft.spectrum_len()];
        self.fft.forward_padded(&values, &self.place.shape(), &mut spectrum);
        Some(spectrum)
    }

    /// The shift of `moved` from `fixed`, near the expected one `(x, y)`.
    fn shift(&self, fixed: &[Complex32], moved: &[Complex32], expected: [f64; 2]) -> Shift {
        let mut cross: Vec<Complex32> = fixed.iter().zip(moved).map(|(f, m)| m * f.conj()).collect();
        let mut lengths: Vec<f32> = cross.iter().map(|c| c.norm()).collect();
        let noise = NOISE * median(&mut lengths).unwrap_or(0.0);
        for (c, low) in cross.iter_mut().zip(&self.low_pass) {
            let length = c.norm() + noise;
            *c = if length > 0.0 { *c * (low / length) } else { Complex32::default() };
        }
        let mut correlation = vec![0.0; self.fft.real_len()];
        self.fft.inverse(&mut cross.clone(), &mut correlation);
        let (peak, peak_ratio) = self.peak(&correlation, expected.map(|v| v.round() as isize));
        Shift { shift: self.fine_peak(&cross, peak), peak_ratio }
    }

    /// The highest place `(y, x)` near the expected one, and its height over that of the second one there.
    fn peak(&self, correlation: &[f32], [x, y]: [isize; 2]) -> ([isize; 2], f64) {
        let [height, width] = [self.fft.shape()[0] as isize, self.fft.shape()[1] as isize];
        let value = |y: isize, x: isize| {
            correlation[(y.rem_euclid(height) * width + x.rem_euclid(width)) as usize]
        };
        // A thin band repeats itself sooner.
        let (down, across) = (SEARCH.min(height / 2 - 1), SEARCH.min(width / 2 - 1));
        let window = || {
            (y - down..=y + down).flat_map(move |y| (x - across..=x + across).map(move |x| [y, x]))
        };
        let mut best = ([y, x], value(y, x));
        for [y, x] in window() {
            if value(y, x) > best.1 {
                best = ([y, x], value(y, x));
            }
        }
        let is_apart = |[y, x]: &[isize; 2]| {
            (y - best.0[0]).abs() > PEAK_RADIUS || (x - best.0[1]).abs() > PEAK_RADIUS
        };
        let second = window().filter(is_apart).map(|[y, x]| value(y, x)).fold(0.0, f32::max);
        let ratio = f64::from(best.1) / f64::from(second).max(1e-30);
        (best.0, ratio.max(1.0))
    }

    /// The highest place `(x, y)` near the highest pixel, by the transform at steps of a twentieth of a pixel.
    fn fine_peak(&self, cross: &[Complex32], [peak_y, peak_x]: [isize; 2]) -> [f64; 2] {
        let [height, width] = [self.fft.shape()[0], self.fft.shape()[1]];
        let half = width / 2 + 1;
        let count = (2 * FINE_REACH * FINE_STEPS + 1) as usize;
        let place = |peak: isize, k: usize| {
            peak as f64 - FINE_REACH as f64 + k as f64 / FINE_STEPS as f64
        };
        let turn = |frequency: f64, at: f64, n: usize| {
            let (sin, cos) = (2.0 * PI * frequency * at / n as f64).sin_cos();
            [cos, sin]
        };
        // First along x for every row of the spectrum, then along y.
        let mut rows = vec![[0.0; 2]; height * count];
        for k in 0..count {
            let turns: Vec<[f64; 2]> = (0..half)
                .map(|fx| {
                    // All but the ends of a half spectrum stand for two frequencies.
                    let twice = if fx == 0 || 2 * fx == width { 1.0 } else { 2.0 };
                    turn(fx as f64, place(peak_x, k), width).map(|v| v * twice)
                })
                .collect();
            for fy in 0..height {
                let row = cross[fy * half..][..half].iter().zip(&turns);
                rows[fy * count + k] = row.fold([0.0; 2], |[re, im], (c, [cos, sin])| {
                    let (a, b) = (f64::from(c.re), f64::from(c.im));
                    [re + a * cos - b * sin, im + a * sin + b * cos]
                });
            }
        }
        let mut best = (f64::NEG_INFINITY, [0; 2]);
        for j in 0..count {
            let turns: Vec<[f64; 2]> = (0..height)
                .map(|fy| {
                    let signed = if fy > height / 2 { fy as f64 - height as f64 } else { fy as f64 };
                    turn(signed, place(peak_y, j), height)
                })
                .collect();
            for k in 0..count {
                let value: f64 = (0..height)
                    .map(|fy| rows[fy * count + k][0] * turns[fy][0] - rows[fy * count + k][1] * turns[fy][1])
                    .sum();
                if value > best.0 {
                    best = (value, [j, k]);
                }
            }
        }
        let [j, k] = best.1;
        [place(peak_x, k), place(peak_y, j)]
    }
}

/// Rises and falls as half a cosine at the ends.
fn taper(n: usize) -> Vec<f32> {
    let length = (n as f64 * TAPER).max(1.0);
    let weight = |i: usize| {
        let from_end = (i.min(n - 1 - i) as f64 + 0.5) / length;
        (0.5 - 0.5 * (PI * from_end.min(1.0)).cos()) as f32
    };
    (0..n).map(weight).collect()
}

fn low_pass(shape: &[usize]) -> Vec<f32> {
    let [height, width] = [shape[0], shape[1]];
    let half = width / 2 + 1;
    let weight = |i: usize| {
        let fy = (i / half).min(height - i / half) as f64 / height as f64;
        let fx = (i % half) as f64 / width as f64;
        (-0.5 * (fy * fy + fx * fx) / (LOW_PASS * LOW_PASS)).exp() as f32
    };
    (0..height * half).map(weight).collect()
}
