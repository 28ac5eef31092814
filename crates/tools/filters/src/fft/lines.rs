//! Real transforms along the contiguous last axis.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex32;

use super::lanes::LANES;
use super::real_lanes::RealLanesFft;
use super::scratch::{with_complexes, with_lanes, with_reals};

/// Longest line for which sixteen together still fit into the second-level cache.
const LONGEST_IN_LANES: usize = 1 << 13;

/// Plans are costly to make; the planner keeps one per length and direction.
static PLANNER: LazyLock<Mutex<RealFftPlanner<f32>>> =
    LazyLock::new(|| Mutex::new(RealFftPlanner::new()));

/// Transforms of lines of one length, in both directions.
pub(super) struct Lines {
    len: usize,
    method: Method,
}

enum Method {
    /// Sixteen lines at once.
    Lanes(RealLanesFft),
    /// One line after the other.
    Single { forward: Arc<dyn RealToComplex<f32>>, inverse: Arc<dyn ComplexToReal<f32>> },
}

/// Indices of one axis that an inverse transform writes: `before` from the end, then the first.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub before: usize,
    pub len: usize,
}

impl Window {
    /// The index along an axis of `axis_len` that comes at `i`.
    pub(super) fn index(self, i: usize, axis_len: usize) -> usize {
        if i < self.before { axis_len - self.before + i } else { i - self.before }
    }
}

impl Lines {
    /// Plans transforms of lines of `len` elements, of which `count` lie side by side.
    pub(super) fn new(len: usize, count: usize) -> Self {
        let in_lanes = len <= LONGEST_IN_LANES && 2 * count >= LANES;
        let method = match RealLanesFft::new(len).filter(|_| in_lanes) {
            Some(lanes) => Method::Lanes(lanes),
            None => {
                let mut planner = PLANNER.lock().unwrap_or_else(PoisonError::into_inner);
                Method::Single {
                    forward: planner.plan_fft_forward(len),
                    inverse: planner.plan_fft_inverse(len),
                }
            }
        };
        Self { len, method }
    }

    /// Transforms up to sixteen lines of `width` elements each, as if followed by zeros.
    pub(super) fn forward(&self, src: &[f32], width: usize, out: &mut [Complex32]) {
        match &self.method {
            Method::Lanes(fft) => {
                with_lanes(fft.work_len(), |work| fft.forward(src, width, out, work));
            }
            Method::Single { forward, .. } => with_reals(self.len, |line| {
                with_complexes(forward.get_scratch_len(), |scratch| {
                    for (out, src) in out.chunks_mut(self.len / 2 + 1).zip(src.chunks(width)) {
                        line[..width].copy_from_slice(src);
                        line[width..].fill(0.0);
                        forward
                            .process_with_scratch(line, out, scratch)
                            .expect("buffers were cut to the plan's lengths");
                    }
                });
            }),
        }
    }

    /// Transforms up to sixteen half-complex lines to reals, times `scale`, and keeps a window of each.
    pub(super) fn inverse(
        &self,
        lines: &[&[Complex32]],
        scale: f32,
        window: Window,
        out: &mut [f32],
    ) {
        if window.before == 0 && window.len == self.len {
            self.inverse_whole(lines, scale, out);
            return;
        }
        // Apart from the scratch of the transform itself, which is not asked for twice.
        let mut reals = vec![0.0; lines.len() * self.len];
        self.inverse_whole(lines, scale, &mut reals);
        for (out, line) in out.chunks_mut(window.len).zip(reals.chunks(self.len)) {
            let (end, begin) = out.split_at_mut(window.before);
            end.copy_from_slice(&line[self.len - window.before..]);
            begin.copy_from_slice(&line[..begin.len()]);
        }
    }

    fn inverse_whole(&self, lines: &[&[Complex32]], scale: f32, out: &mut [f32]) {
        match &self.method {
            Method::Lanes(fft) => {
                with_lanes(fft.work_len(), |work| fft.inverse(lines, scale, out, work));
            }
            Method::Single { inverse, .. } => {
                let half = self.len / 2 + 1;
                with_complexes(half + inverse.get_scratch_len(), |complexes| {
                    let (line, scratch) = complexes.split_at_mut(half);
                    for (out, from) in out.chunks_mut(self.len).zip(lines) {
                        for (to, from) in line.iter_mut().zip(*from) {
                            *to = from * scale;
                        }
                        // Rounding leaves a trace here that `realfft` would refuse.
                        line[0].im = 0.0;
                        if self.len.is_multiple_of(2) {
                            line[half - 1].im = 0.0;
                        }
                        inverse
                            .process_with_scratch(line, out, scratch)
                            .expect("buffers were cut to the plan's lengths");
                    }
                });
            }
        }
    }
}
