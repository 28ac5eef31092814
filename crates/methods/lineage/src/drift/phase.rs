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

/// Measures a box of frame after frame against the first and the previous one.
pub(super) struct BandDrift {
    fft: RealFft,
    place: CropBox,
    taper: [Vec<f32>; 2],
    low_pass: Vec<f32>,
    first: Option<Vec<Complex32>>,
    previous: Option<Seen>,
    /// Where the content was last, from the first frame.
    last: [f64; 2],
    frame: usize,
}

/// A frame, seen through the box moved along with its content. What fades the borders out does not move, so that shifts
/// come out too small unless they are a fraction of a pixel.
#[derive(Debug, Clone)]
struct Seen {
    frame: usize,
    /// Of the box, `(x, y)` whole pixels.
    offset: [i64; 2],
    spectrum: Vec<Complex32>,
}

impl BandDrift {
    /// Prepares for frames whose content of `place` is compared. A single row has shifts along x alone.
    pub(super) fn new(place: CropBox) -> Result<Self, LineageError> {
        let [height, width] = place.shape();
        if height == 0 || width < 4 {
            let reason = format!("{place:?} is narrower than 4 pixels");
            return Err(LineageError::Parameter { name: "drift box", reason });
        }
        let fft = RealFft::new(&[next_fast_size(height), next_fast_size(width)]);
        let low_pass = low_pass(fft.shape());
        let taper = [taper(height), taper(width)];
        Ok(Self {
            fft,
            place,
            taper,
            low_pass,
            first: None,
            previous: None,
            last: [0.0; 2],
            frame: 0,
        })
    }

    pub(super) fn measure(
        &mut self,
        frame: ArrayView2<'_, f32>,
    ) -> Result<FrameShift, LineageError> {
        let shape: [usize; 2] = frame.dim().into();
        let place = self.place;
        let [height, width] = shape.map(|n| n as i64);
        if place.xtl < 0 || place.ytl < 0 || place.xbr > width || place.ybr > height {
            let reason = format!("{place:?} is not within {height} × {width} pixels");
            return Err(LineageError::Parameter { name: "drift box", reason });
        }
        let number = self.frame;
        self.frame += 1;
        let Some(first) = &self.first else {
            let Some(spectrum) = self.spectrum(frame, [0; 2]) else {
                return Ok(FrameShift::default());
            };
            self.first = Some(spectrum.clone());
            self.previous = Some(Seen { frame: number, offset: [0; 2], spectrum });
            let still = Shift { shift: [0.0; 2], peak_ratio: f64::INFINITY };
            return Ok(FrameShift { to_first: Some(still), to_previous: None });
        };
        let mut offset = self.within(frame.dim(), self.last);
        let Some(mut spectrum) = self.spectrum(frame, offset) else {
            return Ok(FrameShift::default());
        };
        let mut to_first = self.shift(first, &spectrum, offset);
        let centred = self.within(frame.dim(), to_first.shift);
        if to_first.is_sure()
            && centred != offset
            && let Some(again) = self.spectrum(frame, centred)
        {
            (offset, spectrum) = (centred, again);
            to_first = self.shift(first, &spectrum, offset);
        }
        let to_previous = self.previous.as_ref().map(|before| {
            let moved = [offset[0] - before.offset[0], offset[1] - before.offset[1]];
            (before.frame, self.shift(&before.spectrum, &spectrum, moved))
        });
        match to_previous {
            _ if to_first.is_sure() => self.last = to_first.shift,
            Some((_, step)) if step.is_sure() => {
                self.last = [self.last[0] + step.shift[0], self.last[1] + step.shift[1]];
            }
            _ => {}
        }
        self.previous = Some(Seen { frame: number, offset, spectrum });
        Ok(FrameShift { to_first: Some(to_first), to_previous })
    }

    /// The whole-pixel offset nearest to a shift at which the box lies within the picture.
    fn within(&self, (height, width): (usize, usize), shift: [f64; 2]) -> [i64; 2] {
        let place = self.place;
        let limits =
            [(-place.xtl, width as i64 - place.xbr), (-place.ytl, height as i64 - place.ybr)];
        [0, 1].map(|axis| (shift[axis].round() as i64).clamp(limits[axis].0, limits[axis].1))
    }

    /// The spectrum of the moved box, less its mean and faded out at its borders; none of a flat one.
    fn spectrum(&self, frame: ArrayView2<'_, f32>, [dx, dy]: [i64; 2]) -> Option<Vec<Complex32>> {
        let CropBox { xtl, ytl, xbr, ybr } = self.place;
        let crop =
            CropBox { xtl: xtl + dx, ytl: ytl + dy, xbr: xbr + dx, ybr: ybr + dy }.crop(frame);
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

    /// The shift of `moved` from `fixed`, which is seen through a box that is moved by `offset`.
    fn shift(&self, fixed: &[Complex32], moved: &[Complex32], offset: [i64; 2]) -> Shift {
        let mut cross: Vec<Complex32> =
            fixed.iter().zip(moved).map(|(f, m)| m * f.conj()).collect();
        let mut lengths: Vec<f32> = cross.iter().map(|c| c.norm()).collect();
        let noise = NOISE * median(&mut lengths).unwrap_or(0.0);
        for (c, low) in cross.iter_mut().zip(&self.low_pass) {
            let length = c.norm() + noise;
            *c = if length > 0.0 { *c * (low / length) } else { Complex32::default() };
        }
        let mut correlation = vec![0.0; self.fft.real_len()];
        self.fft.inverse(&mut cross.clone(), &mut correlation);
        let (peak, peak_ratio) = self.peak(&correlation);
        let [x, y] = self.fine_peak(&cross, peak);
        Shift { shift: [x + offset[0] as f64, y + offset[1] as f64], peak_ratio }
    }

    /// The highest place `(y, x)` near none, and its height over that of the second one there.
    fn peak(&self, correlation: &[f32]) -> ([isize; 2], f64) {
        let [height, width] = [self.fft.shape()[0] as isize, self.fft.shape()[1] as isize];
        let value = |y: isize, x: isize| {
            correlation[(y.rem_euclid(height) * width + x.rem_euclid(width)) as usize]
        };
        // A thin band repeats itself sooner.
        let [down, across] = [height, width].map(|n| SEARCH.min(n / 2 - 1).max(0));
        let window = || (-down..=down).flat_map(move |y| (-across..=across).map(move |x| [y, x]));
        let mut best = ([0, 0], value(0, 0));
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
        let place =
            |peak: isize, k: usize| peak as f64 - FINE_REACH as f64 + k as f64 / FINE_STEPS as f64;
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
                    let signed =
                        if fy > height / 2 { fy as f64 - height as f64 } else { fy as f64 };
                    turn(signed, place(peak_y, j), height)
                })
                .collect();
            for k in 0..count {
                let value: f64 = (0..height)
                    .map(|fy| {
                        rows[fy * count + k][0] * turns[fy][0]
                            - rows[fy * count + k][1] * turns[fy][1]
                    })
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
