//! Real transforms of sixteen lines at once, one line per vector lane.
//!
//! The even elements of a line are taken as real and the odd ones as imaginary parts of a complex line
//! of half the length, whose transform is then separated into that of the real line.

use multiversion::multiversion;
use rustfft::num_complex::Complex32;

use super::lanes::{LANES, Lanes, LanesFft};

/// A plan for real lines of one even length, twice a product of 2, 3 and 5.
pub(super) struct RealLanesFft {
    len: usize,
    fft: LanesFft,
    /// `exp(-2 pi i k / len)` for `0 <= k <= len / 4`.
    twiddles: Vec<[f32; 2]>,
}

impl RealLanesFft {
    /// Plans transforms of `len` elements; `None` for lengths it cannot do.
    pub(super) fn new(len: usize) -> Option<Self> {
        let fft = LanesFft::new(len / 2).filter(|_| len.is_multiple_of(2) && len > 0)?;
        let angle = |k: usize| -std::f64::consts::TAU * k as f64 / len as f64;
        let twiddles = (0..=len / 4).map(|k| [angle(k).cos() as f32, angle(k).sin() as f32]);
        Some(Self { len, fft, twiddles: twiddles.collect() })
    }

    /// Elements that `work` must hold.
    pub(super) fn work_len(&self) -> usize {
        self.len + 2
    }

    /// Transforms up to sixteen lines of `width` elements, as if followed by zeros.
    pub(super) fn forward(
        &self,
        src: &[f32],
        width: usize,
        out: &mut [Complex32],
        work: &mut [Lanes],
    ) {
        let half = self.len / 2;
        let (mut from, mut to) = work.split_at_mut(half + 1);
        load_reals(&mut from[..half], src, width);
        self.fft.run(&mut from, &mut to);
        separate(from, &self.twiddles);
        store_complexes(from, out);
    }

    /// Transforms up to sixteen half-complex lines to reals, times `scale` and else not scaled.
    pub(super) fn inverse(
        &self,
        lines: &[&[Complex32]],
        scale: f32,
        out: &mut [f32],
        work: &mut [Lanes],
    ) {
        let half = self.len / 2;
        let (mut from, mut to) = work.split_at_mut(half + 1);
        load_complexes(from, lines);
        join(from, &self.twiddles, scale);
        self.fft.run(&mut from, &mut to);
        store_reals(&from[..half], out);
    }
}

/// One square of elements on its way between lines and lanes.
type Square = [[f32; LANES]; LANES];

/// Exchanges rows and columns.
///
/// Four perfect shuffles, each of which moves the highest bit of an element's place to the lowest, swap
/// the row's four bits with the column's. The compiler has vector instructions for a shuffle.
#[inline(always)]
fn transpose(square: &Square) -> Square {
    shuffle(&shuffle(&shuffle(&shuffle(square))))
}

#[inline(always)]
fn shuffle(square: &Square) -> Square {
    let mut out = [[0.0; LANES]; LANES];
    let (first, second) = square.as_flattened().split_at(LANES * LANES / 2);
    for ((pair, a), b) in
        out.as_flattened_mut().as_chunks_mut::<2>().0.iter_mut().zip(first).zip(second)
    {
        *pair = [*a, *b];
    }
    out
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn load_reals(lanes: &mut [Lanes], src: &[f32], width: usize) {
    for (part, lanes) in lanes.chunks_mut(LANES / 2).enumerate() {
        let start = width.min(part * LANES);
        let mut square = [[0.0; LANES]; LANES];
        for (row, line) in square.iter_mut().zip(src.chunks_exact(width)) {
            match line[start..].first_chunk::<LANES>() {
                Some(line) => *row = *line,
                None => row[..width - start].copy_from_slice(&line[start..]),
            }
        }
        let square = transpose(&square);
        for (lanes, [re, im]) in lanes.iter_mut().zip(square.as_chunks::<2>().0) {
            (lanes.re, lanes.im) = (*re, *im);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn store_complexes(lanes: &[Lanes], out: &mut [Complex32]) {
    let len = lanes.len();
    for (part, lanes) in lanes.chunks(LANES / 2).enumerate() {
        let mut square = [[0.0; LANES]; LANES];
        for (lanes, pair) in lanes.iter().zip(square.as_chunks_mut::<2>().0) {
            *pair = [lanes.re, lanes.im];
        }
        let square = transpose(&square);
        for (row, line) in square.iter().zip(out.chunks_exact_mut(len)) {
            // Plain loops: closures would be compiled apart, without vectors.
            let mut values = [Complex32::ZERO; LANES / 2];
            for (value, [re, im]) in values.iter_mut().zip(row.as_chunks::<2>().0) {
                *value = Complex32::new(*re, *im);
            }
            let line = &mut line[part * LANES / 2..];
            match line.first_chunk_mut::<{ LANES / 2 }>() {
                Some(line) => *line = values,
                None => line.copy_from_slice(&values[..line.len()]),
            }
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn load_complexes(lanes: &mut [Lanes], lines: &[&[Complex32]]) {
    for (part, lanes) in lanes.chunks_mut(LANES / 2).enumerate() {
        let mut square = [[0.0; LANES]; LANES];
        for (row, line) in square.iter_mut().zip(lines) {
            let line = &line[part * LANES / 2..];
            let mut values = [Complex32::ZERO; LANES / 2];
            match line.first_chunk::<{ LANES / 2 }>() {
                Some(line) => values = *line,
                None => values[..line.len()].copy_from_slice(line),
            }
            for ([re, im], value) in row.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                (*re, *im) = (value.re, value.im);
            }
        }
        let square = transpose(&square);
        for (lanes, [re, im]) in lanes.iter_mut().zip(square.as_chunks::<2>().0) {
            (lanes.re, lanes.im) = (*re, *im);
        }
    }
}

/// Stores lanes whose real and imaginary parts have changed places, see [`join`].
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn store_reals(lanes: &[Lanes], out: &mut [f32]) {
    let len = 2 * lanes.len();
    for (part, lanes) in lanes.chunks(LANES / 2).enumerate() {
        let mut square = [[0.0; LANES]; LANES];
        for (lanes, pair) in lanes.iter().zip(square.as_chunks_mut::<2>().0) {
            *pair = [lanes.im, lanes.re];
        }
        let square = transpose(&square);
        for (row, line) in square.iter().zip(out.chunks_exact_mut(len)) {
            let line = &mut line[part * LANES..];
            match line.first_chunk_mut::<LANES>() {
                Some(line) => *line = *row,
                None => line.copy_from_slice(&row[..line.len()]),
            }
        }
    }
}

/// Makes of the transform of the complex line, in all but the last element, that of the real line.
///
/// With `e` and `o` the transforms of its even and odd elements, element `k` of the one is `e + i o`, of
/// the other `e + w^k o`; both `e` and `o` are Hermitian, so elements `k` and `n - k` go together.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn separate(lanes: &mut [Lanes], twiddles: &[[f32; 2]]) {
    let last = lanes.len() - 1;
    let first = lanes[0];
    (lanes[0], lanes[last]) = (Lanes::ZERO, Lanes::ZERO);
    for i in 0..LANES {
        lanes[0].re[i] = first.re[i] + first.im[i];
        lanes[last].re[i] = first.re[i] - first.im[i];
    }
    for k in 1..=last / 2 {
        let (a, b, w) = (lanes[k], lanes[last - k], twiddles[k]);
        let (mut low, mut high) = (Lanes::ZERO, Lanes::ZERO);
        for i in 0..LANES {
            let e = (0.5 * (a.re[i] + b.re[i]), 0.5 * (a.im[i] - b.im[i]));
            let o = (0.5 * (a.im[i] + b.im[i]), 0.5 * (b.re[i] - a.re[i]));
            let t = (o.0 * w[0] - o.1 * w[1], o.0 * w[1] + o.1 * w[0]);
            (low.re[i], low.im[i]) = (e.0 + t.0, e.1 + t.1);
            (high.re[i], high.im[i]) = (e.0 - t.0, t.1 - e.1);
        }
        (lanes[k], lanes[last - k]) = (low, high);
    }
}

/// Undoes [`separate`], times twice `scale`, and swaps real and imaginary parts: a forward transform of
/// swapped parts is the inverse transform with its parts swapped.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn join(lanes: &mut [Lanes], twiddles: &[[f32; 2]], scale: f32) {
    let last = lanes.len() - 1;
    let (first, end) = (lanes[0], lanes[last]);
    for i in 0..LANES {
        lanes[0].re[i] = scale * (first.re[i] - end.re[i]);
        lanes[0].im[i] = scale * (first.re[i] + end.re[i]);
    }
    for k in 1..=last / 2 {
        let (a, b, w) = (lanes[k], lanes[last - k], twiddles[k]);
        let (mut low, mut high) = (Lanes::ZERO, Lanes::ZERO);
        for i in 0..LANES {
            let e = (scale * (a.re[i] + b.re[i]), scale * (a.im[i] - b.im[i]));
            let d = (scale * (a.re[i] - b.re[i]), scale * (a.im[i] + b.im[i]));
            let o = (d.0 * w[0] + d.1 * w[1], d.1 * w[0] - d.0 * w[1]);
            (low.im[i], low.re[i]) = (e.0 - o.1, e.1 + o.0);
            (high.im[i], high.re[i]) = (e.0 + o.1, o.0 - e.1);
        }
        (lanes[k], lanes[last - k]) = (low, high);
    }
}
