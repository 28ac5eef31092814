//! Baselines of other programs: astroCAST's minimum filter, suite2p's maximin.

use std::collections::VecDeque;

use hooke_filters::gaussian::gaussian_into;

use super::{Baseline, Lanes, sd_of_differences};

/// Standard deviation of maximin's smoothing, frames.
const MAXIMIN_SIGMA: f64 = 10.0;

/// Baselines of `width` pixels from number `first` on, of frames of so many `pixels`.
pub(super) fn lanes(
    method: Baseline,
    samples: &[f32],
    frames: usize,
    pixels: usize,
    (first, width): (usize, usize),
    window: usize,
) -> Lanes {
    let mut baseline = vec![0.0; frames * width];
    let mut noise_sd = Vec::with_capacity(width);
    let mut trace = vec![0.0; frames];
    for lane in 0..width {
        trace.iter_mut().enumerate().for_each(|(t, v)| *v = samples[t * pixels + first + lane]);
        let found = match method {
            Baseline::Maximin => maximin(&trace, window),
            _ => min_filter(&trace, window),
        };
        for (t, b) in found.into_iter().enumerate() {
            baseline[t * width + lane] = b;
        }
        let mut steps: Vec<f32> = trace.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
        noise_sd.push(sd_of_differences(&mut steps));
    }
    Lanes { baseline, width, noise_sd, is_busy: vec![false; width] }
}

/// astroCAST's baseline of one trace, exactly.
///
/// The trace is lengthened by half a window of its end values, even and odd samples are filtered apart
/// with a minimum over `window + 1` of them, each is written twice, and the larger of both is taken. So
/// it looks at twice the window, and lies about twice the noise below the truth; kept for comparison.
///
/// * `window`: frames, at least 2 (smaller ones are taken as 2).
///
/// `O(n)` whatever the window.
pub fn min_filter<T: Copy + PartialOrd>(trace: &[T], window: usize) -> Vec<T> {
    let window = window.max(2);
    let (Some(first), Some(last)) = (trace.first(), trace.last()) else { return Vec::new() };
    let side = window / 2;
    let len = trace.len() + 2 * side;
    let padded = |i: usize| match i.checked_sub(side) {
        None => *first,
        Some(i) => *trace.get(i).unwrap_or(last),
    };
    let half = |from: usize| -> Vec<T> {
        let of: Vec<T> = (from..len).step_by(2).map(padded).collect();
        running(&of, window.div_ceil(2), window + 1, |a, b| a < b)
    };
    let (even, odd) = (half(0), half(1));
    let background = |i: usize| {
        // Written twice, cut or lengthened to the padded length.
        let (a, b) = (even[(i / 2).min(even.len() - 1)], odd[(i / 2).min(odd.len() - 1)]);
        if a < b { b } else { a }
    };
    (side..side + trace.len()).map(background).collect()
}

fn maximin(trace: &[f32], window: usize) -> Vec<f32> {
    let mut smooth = vec![0.0; trace.len()];
    gaussian_into(trace, [1, 1, trace.len()], [0.0, 0.0, MAXIMIN_SIGMA], &mut smooth);
    let least = running(&smooth, window / 2, window.max(1), |a, b| a < b);
    running(&least, window / 2, window.max(1), |a, b| a > b)
}

/// The first value by `is_before` in windows of `len` samples that begin `left` before each sample; windows
/// are cut at the ends.
fn running<T: Copy>(
    values: &[T],
    left: usize,
    len: usize,
    is_before: impl Fn(T, T) -> bool,
) -> Vec<T> {
    // Samples that may still be the first of a window, each before the next.
    let mut candidates: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    let mut out = Vec::with_capacity(values.len());
    for i in 0..values.len() {
        while next < values.len().min(i + len - left) {
            while candidates.back().is_some_and(|b| !is_before(values[*b], values[next])) {
                candidates.pop_back();
            }
            candidates.push_back(next);
            next += 1;
        }
        while candidates.front().is_some_and(|f| f + left < i) {
            candidates.pop_front();
        }
        out.push(candidates.front().map_or(values[i], |f| values[*f]));
    }
    out
}
