//! Baseline by a running quantile.
//!
//! 1. Bins of some frames are averaged.
//! 2. The pixel's part of the bleaching is taken out: blocks of the movie have a `q`-quantile each, a line
//!    of these against the common course `exp(-t / tau)` says how much the pixel has of it. (The advice to
//!    divide by the level of the frames fits this only if the grey level of darkness is known; a line
//!    does not ask for it, and counts x 4 or + 100 give the same events.)
//! 3. The quantile of the bins in a window about each bin, mirrored at the ends, plus `z sd`: the rank
//!    taken lies `z` standard deviations of the bins' noise below their mean; `sd` is the median size of
//!    steps between bins over 0.6745 times the root of 2.
//! 4. Smoothed with a Gaussian, the bleaching put back, straight lines between the middles of bins, and
//!    half a bin beyond the outer ones.

use std::ops::Range;

use hooke_filters::Border;
use hooke_filters::gaussian::gaussian_half_kernel;
use multiversion::multiversion;

use super::decay::Decay;
use super::{DeltaParams, Lanes, sd_of_differences};

/// Blocks of the movie that the bleaching of a pixel is fitted to, and the fewest bins in one.
const BLOCKS: usize = 8;
const BLOCK_BINS: usize = 4;

/// A bin this many standard deviations above its baseline is active.
const ACTIVE: f32 = 2.0;

/// Frames cut into bins of equal length, the last one longer by what is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bins {
    frames: usize,
    len: usize,
    pub(super) count: usize,
}

impl Bins {
    pub(super) fn new(frames: usize, len: usize) -> Self {
        let len = len.clamp(1, frames.max(1));
        Self { frames, len, count: frames / len }
    }

    pub(super) fn frames(&self, i: usize) -> Range<usize> {
        let end = if i + 1 == self.count { self.frames } else { (i + 1) * self.len };
        i * self.len..end
    }

    /// Frame in the middle of a bin, which may lie between two.
    pub(super) fn middle(&self, i: usize) -> f64 {
        let frames = self.frames(i);
        0.5 * (frames.start + frames.end - 1) as f64
    }

    /// The bin before a frame, and the part of the way to the next bin; below 0 or above 1 at the ends.
    pub(super) fn place(&self, t: usize) -> (usize, f32) {
        if self.count < 2 {
            return (0, 0.0);
        }
        let t = t as f64;
        let before = ((t - self.middle(0)) / self.len as f64).floor().max(0.0) as usize;
        let i = before.min(self.count - 2);
        let (a, b) = (self.middle(i), self.middle(i + 1));
        (i, ((t - a) / (b - a)) as f32)
    }
}

/// A running quantile, prepared for a movie.
pub(super) struct Running {
    pub(super) bins: Bins,
    /// Bins to each side.
    half: usize,
    /// Values of a window below the quantile.
    rank: usize,
    /// Standard deviations by which a value of that rank is expected below the mean.
    below_mean: f32,
    kernel: Vec<f32>,
    course: Option<Vec<f32>>,
}

/// Memory for one pixel, used again and again.
#[derive(Default)]
struct Scratch {
    trace: Vec<f32>,
    keys: Vec<i32>,
    sorted: Vec<i32>,
    steps: Vec<f32>,
}

impl Running {
    pub(super) fn new(params: &DeltaParams, frames: usize, window: usize, decay: &Decay) -> Self {
        let bins = Bins::new(frames, params.bin);
        let half = (window / params.bin.max(1) / 2).min(bins.count.saturating_sub(1));
        let len = 2 * half + 1;
        let rank = ((len as f64 * params.quantile) as usize).min(len - 1);
        // Where a value of this rank lies on average (Blom 1958): at 61 bins and 0.3 it is 0.304.
        let expected = (rank as f64 + 0.625) / (len as f64 + 0.25);
        Self {
            half,
            rank,
            below_mean: -normal_quantile(expected) as f32,
            kernel: gaussian_half_kernel(params.smooth),
            course: decay.course(&bins),
            bins,
        }
    }

    /// Baselines of `width` pixels from number `first` on, of frames of so many `pixels`.
    pub(super) fn lanes(
        &self,
        samples: &[f32],
        pixels: usize,
        (first, width): (usize, usize),
    ) -> Lanes {
        let n = self.bins.count;
        let means = self.bin_means(samples, pixels, (first, width));
        let mut baseline = vec![0.0; n * width];
        let mut noise_sd = vec![0.0; width];
        let mut slopes = vec![0.0; width];
        let mut scratch = Scratch::default();
        for lane in 0..width {
            let Scratch { trace, steps, .. } = &mut scratch;
            trace.clear();
            trace.extend((0..n).map(|i| means[i * width + lane]));
            slopes[lane] = self.take_decay_out(trace);
            steps.clear();
            steps.extend(trace.windows(2).map(|w| (w[1] - w[0]).abs()));
            let sd = sd_of_differences(steps);
            noise_sd[lane] = sd;
            let lift = self.below_mean * sd;
            self.quantiles(&mut scratch, |i, value| baseline[i * width + lane] = value + lift);
        }
        let mut baseline = smooth(&baseline, width, &self.kernel);
        if let Some(course) = &self.course {
            for (row, g) in baseline.chunks_exact_mut(width).zip(course) {
                row.iter_mut().zip(&slopes).for_each(|(b, slope)| *b += slope * g);
            }
        }
        let is_busy = self.busy(&means, &baseline, &noise_sd);
        let of_frame = (self.bins.len as f32).sqrt();
        noise_sd.iter_mut().for_each(|sd| *sd *= of_frame);
        Lanes { baseline, width, noise_sd, is_busy }
    }

    fn bin_means(
        &self,
        samples: &[f32],
        pixels: usize,
        (first, width): (usize, usize),
    ) -> Vec<f32> {
        let mut means = vec![0.0; self.bins.count * width];
        for (i, row) in means.chunks_exact_mut(width).enumerate() {
            let frames = self.bins.frames(i);
            let scale = 1.0 / frames.len() as f32;
            for t in frames {
                let source = &samples[t * pixels + first..][..width];
                row.iter_mut().zip(source).for_each(|(sum, v)| *sum += v);
            }
            row.iter_mut().for_each(|sum| *sum *= scale);
        }
        means
    }

    /// Subtracts what the pixel has of the common course; returns how much that is.
    fn take_decay_out(&self, trace: &mut [f32]) -> f32 {
        let n = trace.len();
        let blocks = (n / BLOCK_BINS).min(BLOCKS);
        let Some(course) = self.course.as_ref().filter(|_| blocks > 1) else { return 0.0 };
        let mut points = [(0.0, 0.0); BLOCKS];
        let mut sorted = Vec::with_capacity(n / blocks + 1);
        for (i, point) in points[..blocks].iter_mut().enumerate() {
            let block = i * n / blocks..(i + 1) * n / blocks;
            sorted.clear();
            sorted.extend_from_slice(&trace[block.clone()]);
            let rank = (sorted.len() as f64 * 0.3) as usize;
            let (_, value, _) = sorted.select_nth_unstable_by(rank, f32::total_cmp);
            let g = course[block.clone()].iter().map(|v| f64::from(*v)).sum::<f64>();
            *point = (g / block.len() as f64, f64::from(*value));
        }
        let points = &points[..blocks];
        let mean_g = points.iter().map(|p| p.0).sum::<f64>() / blocks as f64;
        let mean_q = points.iter().map(|p| p.1).sum::<f64>() / blocks as f64;
        let gg: f64 = points.iter().map(|p| (p.0 - mean_g).powi(2)).sum();
        let gq: f64 = points.iter().map(|p| (p.0 - mean_g) * (p.1 - mean_q)).sum();
        let slope = if gg > 0.0 { (gq / gg) as f32 } else { 0.0 };
        trace.iter_mut().zip(course).for_each(|(v, g)| *v -= slope * g);
        slope
    }

    /// Calls `write` with the running quantile of the trace in `scratch`.
    fn quantiles(&self, scratch: &mut Scratch, mut write: impl FnMut(usize, f32)) {
        let Scratch { trace, keys, sorted, .. } = scratch;
        let (n, len) = (trace.len(), 2 * self.half + 1);
        let mirrored = |i: usize| Border::Reflect.index(i as isize - self.half as isize, n);
        keys.clear();
        keys.extend((0..n + 2 * self.half).map(|i| key(trace[mirrored(i)])));
        sorted.clear();
        sorted.extend_from_slice(&keys[..len]);
        let (_, value, _) = sorted.select_nth_unstable(self.rank);
        let mut place = Place { value: *value, less: 0, equal: 0 };
        place.count(&keys[..len]);
        for i in 0..n {
            if i > 0 {
                place.slide(keys[i - 1], keys[i + len - 1]);
                place.settle(&keys[i..i + len], self.rank);
            }
            write(i, unkey(place.value));
        }
    }

    /// Whether more than half of any window of a pixel is active.
    fn busy(&self, means: &[f32], baseline: &[f32], noise_sd: &[f32]) -> Vec<bool> {
        let width = noise_sd.len();
        let len = (2 * self.half + 1).min(self.bins.count);
        let is_active = |i: usize, lane: usize| {
            let at = i * width + lane;
            means[at] - baseline[at] > ACTIVE * noise_sd[lane] && noise_sd[lane] > 0.0
        };
        let mut active = vec![0_usize; width];
        let mut is_busy = vec![false; width];
        for i in 0..self.bins.count {
            for lane in 0..width {
                active[lane] += usize::from(is_active(i, lane));
                if i >= len {
                    active[lane] -= usize::from(is_active(i - len, lane));
                }
                is_busy[lane] |= i + 1 >= len && 2 * active[lane] > len;
            }
        }
        is_busy
    }
}

/// Where the quantile is: its value and how many of the window are below it and equal to it.
struct Place {
    value: i32,
    less: usize,
    equal: usize,
}

impl Place {
    fn count(&mut self, window: &[i32]) {
        (self.less, self.equal) = count_less_equal(window, self.value);
    }

    fn slide(&mut self, leaves: i32, enters: i32) {
        self.less += usize::from(enters < self.value);
        self.less -= usize::from(leaves < self.value);
        self.equal += usize::from(enters == self.value);
        self.equal -= usize::from(leaves == self.value);
    }

    /// Goes to the value of `rank`, which after a slide is at most one value away.
    fn settle(&mut self, window: &[i32], rank: usize) {
        while rank < self.less {
            self.value = largest_below(window, self.value);
            self.count(window);
        }
        while rank >= self.less + self.equal {
            self.value = smallest_above(window, self.value);
            self.count(window);
        }
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn count_less_equal(window: &[i32], value: i32) -> (usize, usize) {
    let (mut less, mut equal) = (0_u32, 0_u32);
    for v in window {
        less += u32::from(*v < value);
        equal += u32::from(*v == value);
    }
    (less as usize, equal as usize)
}

#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn largest_below(window: &[i32], value: i32) -> i32 {
    window.iter().fold(i32::MIN, |most, v| most.max(if *v < value { *v } else { i32::MIN }))
}

#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn smallest_above(window: &[i32], value: i32) -> i32 {
    window.iter().fold(i32::MAX, |least, v| least.min(if *v > value { *v } else { i32::MAX }))
}

/// A whole number that is ordered as the value is.
fn key(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

/// The value of a [`key`].
fn unkey(key: i32) -> f32 {
    f32::from_bits((key ^ ((key >> 31) as u32 >> 1) as i32) as u32)
}

/// Smooths each of `width` columns, mirrored at the ends.
fn smooth(rows: &[f32], width: usize, kernel: &[f32]) -> Vec<f32> {
    let n = rows.len() / width.max(1);
    let row = |i: isize| &rows[Border::Reflect.index(i, n) * width..][..width];
    let mut out = vec![0.0; rows.len()];
    for (i, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
        let i = i as isize;
        add_scaled(out, row(i), kernel[0]);
        for (k, weight) in (1..).zip(&kernel[1..]) {
            add_scaled(out, row(i - k), *weight);
            add_scaled(out, row(i + k), *weight);
        }
    }
    out
}

fn add_scaled(out: &mut [f32], row: &[f32], weight: f32) {
    out.iter_mut().zip(row).for_each(|(out, v)| *out += weight * v);
}

/// The number that a standard normal variable is below with probability `p`, to 0.0005.
///
/// Abramowitz & Stegun 1964, 26.2.23.
fn normal_quantile(p: f64) -> f64 {
    let t = (-2.0 * p.min(1.0 - p).ln()).sqrt();
    let x = t
        - (2.515_517 + t * (0.802_853 + t * 0.010_328))
            / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    if p < 0.5 { -x } else { x }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use hooke_core::seed::rng_at;
    use rand::RngExt;

    #[test]
    fn keys_are_ordered_as_their_values() {
        let values = [f32::MIN, -2.5, -1e-40, 0.0, 1e-40, 1.0, 3.5, f32::MAX];
        assert!(values.windows(2).all(|v| key(v[0]) < key(v[1])));
        assert!(values.iter().all(|v| unkey(key(*v)) == *v));
    }

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (p, z) in [(0.5, 0.0), (0.3, -0.5244), (0.975, 1.95996), (0.001, -3.0902)] {
            assert!((normal_quantile(p) - z).abs() < 5e-4, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn running_quantiles_are_those_of_sorted_windows() {
        let mut rng = rng_at(8, "running", &[]);
        for (n, window, levels) in [(1, 9, 9.0), (7, 30, 3.0), (40, 35, 1e6), (90, 55, 6.0)] {
            let trace: Vec<f32> =
                (0..n).map(|_| (rng.random::<f32>() * levels).round() - 3.0).collect();
            let params = DeltaParams { bin: 5, ..DeltaParams::default() };
            let running = Running::new(&params, n * 5, window, &Decay::fit(&[], params.bin));
            let mut scratch = Scratch { trace: trace.clone(), ..Scratch::default() };
            let mut found = Vec::new();
            running.quantiles(&mut scratch, |_, v| found.push(v));
            for (i, found) in found.into_iter().enumerate() {
                let half = running.half as isize;
                let mut sorted: Vec<f32> = (i as isize - half..=i as isize + half)
                    .map(|j| trace[Border::Reflect.index(j, n)])
                    .collect();
                sorted.sort_by(f32::total_cmp);
                assert_eq!(found, sorted[running.rank], "{n} {window} {i}");
            }
        }
    }

    #[test]
    fn bins_cover_all_frames_and_lines_go_through_their_middles() {
        let bins = Bins::new(13, 5);
        assert_eq!((bins.count, bins.frames(1)), (2, 5..13));
        assert_eq!(bins.place(2), (0, 0.0));
        assert_eq!(bins.place(0), (0, -2.0 / 6.5));
        assert_eq!(bins.place(12).0, 0);
        assert!((bins.place(12).1 - 10.0 / 6.5).abs() < 1e-6);
        assert_eq!(Bins::new(3, 5).count, 1);
        assert_eq!(Bins::new(0, 5).count, 0);
    }
}
