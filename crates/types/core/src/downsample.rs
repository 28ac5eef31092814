//! One step of an image pyramid: every window of voxels becomes one voxel.
//!
//! Level `n + 1` is computed from level `n`. A window at the end of an axis may be partial; then
//! only the voxels that are there count.

use ndarray::{ArrayView1, ArrayView5, ArrayViewMut5, s};
use serde::{Deserialize, Serialize};

use crate::dtype::Dtype;
use crate::pixels::{Pixels, Typed};

/// How a window of voxels becomes one.
///
/// Integers round to nearest, ties to even, exactly, 64-bit types too. NaN is ignored by `mean`,
/// `median`, `mode` and `max`; a window of NaN only is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Downsample {
    /// The mean of the voxels present.
    #[default]
    Mean,
    /// The middle value; of an even number of voxels the mean of the two middle ones.
    Median,
    /// The most frequent value, for labels; ties go to the smallest value that is not 0.
    Mode,
    /// The first voxel of the window.
    Nearest,
    /// The largest value.
    Max,
}

impl Downsample {
    /// Every method.
    pub const ALL: [Downsample; 5] = [
        Downsample::Mean,
        Downsample::Median,
        Downsample::Mode,
        Downsample::Nearest,
        Downsample::Max,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Downsample::Mean => "mean",
            Downsample::Median => "median",
            Downsample::Mode => "mode",
            Downsample::Nearest => "nearest",
            Downsample::Max => "max",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Downsample> {
        Downsample::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Where voxel 0 of a level lies, in voxels of level 0, when its total factor is `factor`.
    ///
    /// `(F - 1) / 2`, the middle of the window; 0 for `nearest`, which keeps the first voxel.
    pub fn offset(self, factor: f64) -> f64 {
        if self == Downsample::Nearest { 0.0 } else { (factor - 1.0) / 2.0 }
    }
}

/// The lengths over `t, c, z, y, x` after one step with factors over `z, y, x`: rounded up.
///
/// # Panics
/// When a factor is 0.
pub fn shape_after(shape: [u64; 5], factors: [u64; 3]) -> [u64; 5] {
    let [fz, fy, fx] = factors;
    let [t, c, z, y, x] = shape;
    [t, c, z.div_ceil(fz), y.div_ceil(fy), x.div_ceil(fx)]
}

/// The factors over `z, y, x` of each step of the usual pyramid, from level 0 downwards.
///
/// A step halves every axis longer than 1 whose current voxel size is below twice the smallest
/// current one among such axes, so that voxels become as isotropic as halving can make them. An
/// unknown z is never halved; an unknown y or x counts as the smallest. The steps end when no axis
/// that can be halved is longer than 256.
///
/// ```
/// use hooke_core::downsample::pyramid_factors;
/// let steps = pyramid_factors([100, 1000, 1000], [Some(2.0), Some(0.5), Some(0.5)]);
/// assert_eq!(steps, [[1, 2, 2], [1, 2, 2]]);
/// ```
pub fn pyramid_factors(shape: [u64; 3], voxel_size_um: [Option<f64>; 3]) -> Vec<[u64; 3]> {
    const SMALL_ENOUGH: u64 = 256;
    let halvable = [known(voxel_size_um[0]).is_some(), true, true];
    let mut shape = shape;
    halving_steps(shape, voxel_size_um)
        .take_while(|step| {
            let large = (0..3).any(|d| halvable[d] && shape[d] > SMALL_ENOUGH);
            shape = std::array::from_fn(|d| shape[d].div_ceil(step[d]));
            large
        })
        .collect()
}

/// The steps of [`pyramid_factors`], going on until no axis can be halved.
pub fn halving_steps(
    shape: [u64; 3],
    voxel_size_um: [Option<f64>; 3],
) -> impl Iterator<Item = [u64; 3]> {
    let sizes = voxel_size_um.map(known);
    let smallest_known = sizes.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let assumed = if smallest_known.is_finite() { smallest_known } else { 1.0 };
    let halvable = [sizes[0].is_some(), true, true];
    let mut sizes = sizes.map(|v| v.unwrap_or(assumed));
    let mut shape = shape;
    std::iter::from_fn(move || {
        let open = |d: usize| halvable[d] && shape[d] > 1;
        let smallest = (0..3).filter(|d| open(*d)).map(|d| sizes[d]).fold(f64::INFINITY, f64::min);
        let step: [u64; 3] =
            std::array::from_fn(|d| if open(d) && sizes[d] < 2.0 * smallest { 2 } else { 1 });
        for d in 0..3 {
            shape[d] = shape[d].div_ceil(step[d]);
            sizes[d] *= step[d] as f64;
        }
        (step != [1; 3]).then_some(step)
    })
}

fn known(size: Option<f64>) -> Option<f64> {
    size.filter(|v| v.is_finite() && *v > 0.0)
}

/// Computes one pyramid step of a block whose start is a multiple of the factors.
///
/// # Panics
/// When a factor is 0.
pub fn downsample(pixels: &Pixels, factors: [u64; 3], method: Downsample) -> Pixels {
    let mut out = Pixels::zeros(pixels.dtype(), shape_after(pixels.shape(), factors));
    crate::dispatch!(pixels.dtype(), T => {
        let source = pixels.view::<T>().expect("dispatched on the dtype");
        let target = out.view_mut::<T>().expect("made with this dtype");
        downsample_into(source, factors, method, target);
    });
    out
}

/// Computes one pyramid step into an existing block, which may be part of a larger one.
///
/// # Arguments
/// * `source` — over `t, c, z, y, x`.
/// * `factors` — over `z, y, x`, at least 1.
/// * `target` — of the shape [`shape_after`] gives.
///
/// # Panics
/// When a factor is 0, the shapes do not belong together, or a window is larger than
/// [`largest_window`].
pub fn downsample_into<T: Reduce>(
    source: ArrayView5<'_, T>,
    factors: [u64; 3],
    method: Downsample,
    mut target: ArrayViewMut5<'_, T>,
) {
    let shape: [usize; 5] = source.dim().into();
    let expected = shape_after(shape.map(|n| n as u64), factors).map(|n| n as usize);
    assert_eq!(<[usize; 5]>::from(target.dim()), expected, "the target has the next level's shape");
    let window = factors.iter().fold(1u64, |n, f| n.saturating_mul(*f));
    assert!(window <= largest_window(T::DTYPE), "the sum of a window fits its type");
    if source.strides()[4] != 1 && shape[4] > 1 {
        let standard = source.as_standard_layout();
        return downsample_into(standard.view(), factors, method, target);
    }
    let [fz, fy, fx] = factors.map(|f| f as usize);
    let [nt, nc, oz, oy, ox] = expected;
    let mut rows: Vec<&[T]> = Vec::new();
    let mut line = Line { sums: Vec::new(), window: Vec::new() };
    let mut out_row = vec![T::default(); ox];
    for (t, c) in (0..nt).flat_map(|t| (0..nc).map(move |c| (t, c))) {
        for (z, y) in (0..oz).flat_map(|z| (0..oy).map(move |y| (z, y))) {
            rows.clear();
            for iz in z * fz..(z * fz + fz).min(shape[2]) {
                for iy in y * fy..(y * fy + fy).min(shape[3]) {
                    let row = source.slice_move(s![t, c, iz, iy, ..]).to_slice();
                    rows.push(row.expect("a row has steps of 1"));
                }
            }
            let mut row = target.slice_mut(s![t, c, z, y, ..]);
            match row.as_slice_mut() {
                Some(out) => reduce_rows(&rows, fx, method, &mut line, out),
                None => {
                    reduce_rows(&rows, fx, method, &mut line, &mut out_row);
                    row.assign(&ArrayView1::from(&out_row[..]));
                }
            }
        }
    }
}

/// Buffers of one line of windows, kept from line to line.
struct Line<T: Reduce> {
    sums: Vec<T::Sum>,
    window: Vec<T>,
}

/// Reduces the rows of one line of windows to one row.
fn reduce_rows<T: Reduce>(
    rows: &[&[T]],
    fx: usize,
    method: Downsample,
    line: &mut Line<T>,
    out: &mut [T],
) {
    match method {
        Downsample::Mean => mean_rows(rows, fx, line, out),
        Downsample::Max => max_rows(rows, fx, out),
        Downsample::Nearest => {
            for (o, window) in out.iter_mut().zip(rows[0].chunks(fx)) {
                *o = window[0];
            }
        }
        Downsample::Median => each_window(rows, fx, &mut line.window, out, median),
        Downsample::Mode => each_window(rows, fx, &mut line.window, out, mode),
    }
}

/// Sums each window row by row, and within a row from left to right: a fixed order.
fn mean_rows<T: Reduce>(rows: &[&[T]], fx: usize, line: &mut Line<T>, out: &mut [T]) {
    let length = rows[0].len();
    let full = length / fx;
    let sums = &mut line.sums;
    sums.clear();
    if fx == 2 {
        sums.extend(rows[0].as_chunks().0.iter().map(T::pair));
        for row in &rows[1..] {
            for (sum, pair) in sums.iter_mut().zip(row.as_chunks().0) {
                *sum = T::add(*sum, T::pair(pair));
            }
        }
    } else {
        sums.extend(rows[0].chunks_exact(fx).map(total));
        for row in &rows[1..] {
            for (sum, window) in sums.iter_mut().zip(row.chunks_exact(fx)) {
                *sum = T::add(*sum, total(window));
            }
        }
    }
    T::means(sums, fx * rows.len(), &mut out[..full]);
    if full * fx < length {
        let rest = |row: &&[T]| total(&row[full * fx..]);
        let sum = rows[1..].iter().map(rest).fold(rest(&rows[0]), T::add);
        out[full] = T::mean(sum, (length - full * fx) * rows.len());
    }
    // A sum with NaN in it is NaN; only those windows are looked at again.
    if T::DTYPE.is_float() {
        for (x, o) in out.iter_mut().enumerate().filter(|(_, o)| o.is_nan()) {
            gather(rows, x * fx, fx, &mut line.window);
            *o = mean_without_nan(&line.window);
        }
    }
}

fn total<T: Reduce>(window: &[T]) -> T::Sum {
    window[1..].iter().fold(window[0].widen(), |sum, v| T::add(sum, v.widen()))
}

fn mean_without_nan<T: Reduce>(window: &[T]) -> T {
    let present = || window.iter().filter(|v| !v.is_nan());
    let sum = present().map(|v| v.to_f64()).fold(0.0, |a, b| a + b);
    T::from_f64(sum / present().count() as f64)
}

fn max_rows<T: Reduce>(rows: &[&[T]], fx: usize, out: &mut [T]) {
    for (n, row) in rows.iter().enumerate() {
        let mut fold = |x: usize, largest: T| {
            out[x] = if n == 0 { largest } else { out[x].larger(largest) };
        };
        let full = row.len() / fx;
        if fx == 2 {
            for (x, [a, b]) in row.as_chunks().0.iter().enumerate() {
                fold(x, a.larger(*b));
            }
        } else {
            for (x, window) in row.chunks_exact(fx).enumerate() {
                fold(x, window[1..].iter().fold(window[0], |a, b| a.larger(*b)));
            }
        }
        if let Some((first, rest)) = row[full * fx..].split_first() {
            fold(full, rest.iter().fold(*first, |a, b| a.larger(*b)));
        }
    }
}

fn each_window<T: Reduce>(
    rows: &[&[T]],
    fx: usize,
    window: &mut Vec<T>,
    out: &mut [T],
    reduce: fn(&mut Vec<T>) -> T,
) {
    for (x, o) in out.iter_mut().enumerate() {
        gather(rows, x * fx, fx, window);
        let first = window[0];
        // Most windows of a label image hold one value.
        *o = if window.iter().all(|v| *v == first) { first } else { reduce(window) };
    }
}

fn gather<T: Reduce>(rows: &[&[T]], start: usize, fx: usize, window: &mut Vec<T>) {
    window.clear();
    for row in rows {
        window.extend_from_slice(&row[start..(start + fx).min(row.len())]);
    }
}

/// Takes NaN out and sorts; returns `None` when the window holds NaN only.
fn sorted<T: Reduce>(window: &mut Vec<T>) -> Option<&[T]> {
    if T::DTYPE.is_float() {
        window.retain(|v| !v.is_nan());
    }
    if window.len() <= 27 {
        // Few values: insertion beats everything else.
        for i in 1..window.len() {
            let (value, mut at) = (window[i], i);
            while at > 0 && value < window[at - 1] {
                window[at] = window[at - 1];
                at -= 1;
            }
            window[at] = value;
        }
    } else {
        window.sort_unstable_by(|a, b| a.partial_cmp(b).expect("NaN was taken out"));
    }
    (!window.is_empty()).then_some(&window[..])
}

fn median<T: Reduce>(window: &mut Vec<T>) -> T {
    let first = window[0];
    let Some(sorted) = sorted(window) else { return first };
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    T::mean(T::add(low.widen(), high.widen()), 2)
}

fn mode<T: Reduce>(window: &mut Vec<T>) -> T {
    let first = window[0];
    let Some(sorted) = sorted(window) else { return first };
    let zero = T::default();
    let (mut best, mut best_count) = (sorted[0], 0);
    for run in sorted.chunk_by(|a, b| a == b) {
        if run.len() > best_count || (run.len() == best_count && best == zero) {
            (best, best_count) = (run[0], run.len());
        }
    }
    best
}

/// A sample type that pyramids can be made of.
pub trait Reduce: Typed {
    #[doc(hidden)]
    type Sum: Copy;
    #[doc(hidden)]
    fn widen(self) -> Self::Sum;
    #[doc(hidden)]
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// The sum of two neighbours, in a form that vectorises.
    #[doc(hidden)]
    fn pair(pair: &[Self; 2]) -> Self::Sum;
    /// The mean of `n` samples from their sum.
    #[doc(hidden)]
    fn mean(sum: Self::Sum, n: usize) -> Self;
    /// The same for many sums of equally many samples.
    #[doc(hidden)]
    fn means(sums: &[Self::Sum], n: usize, out: &mut [Self]);
    /// The larger of two samples, ignoring NaN.
    #[doc(hidden)]
    fn larger(self, other: Self) -> Self;
}

macro_rules! reduce_integer {
    ($($type:ty, $sum:ty, $pair:expr);*) => {
        $(impl Reduce for $type {
            type Sum = $sum;
            #[inline]
            fn widen(self) -> $sum {
                self as $sum
            }
            #[inline]
            fn add(a: $sum, b: $sum) -> $sum {
                a + b
            }
            #[inline]
            fn pair(pair: &[$type; 2]) -> $sum {
                let of: fn(&[$type; 2]) -> $sum = $pair;
                of(pair)
            }
            #[inline]
            fn mean(sum: $sum, n: usize) -> $type {
                let n = n as $sum;
                let (floor, rest) = (sum.div_euclid(n), sum.rem_euclid(n));
                let up = 2 * rest > n || (2 * rest == n && floor & 1 == 1);
                (floor + up as $sum) as $type
            }
            #[inline]
            fn means(sums: &[$sum], n: usize, out: &mut [$type]) {
                // Adding half, less one where the floor is even, rounds ties to even.
                macro_rules! shift {
                    ($k:literal) => {
                        for (o, s) in out.iter_mut().zip(sums) {
                            *o = ((s + ((1 << ($k - 1)) - 1) + ((s >> $k) & 1)) >> $k) as $type;
                        }
                    };
                }
                match n {
                    2 => shift!(1),
                    4 => shift!(2),
                    8 => shift!(3),
                    _ => {
                        for (o, s) in out.iter_mut().zip(sums) {
                            *o = Self::mean(*s, n);
                        }
                    }
                }
            }
            #[inline]
            fn larger(self, other: $type) -> $type {
                self.max(other)
            }
        })*
    };
}

// Sums of `largest_window` samples fit. Two neighbours are taken as one number of twice the width
// and its halves are added: on any byte order the sum is the same.
reduce_integer!(
    u8, u32, |[a, b]| {
        let both = u16::from(*a) | (u16::from(*b) << 8);
        u32::from((both & 0xFF) + (both >> 8))
    };
    i8, i32, |[a, b]| i32::from(*a) + i32::from(*b);
    u16, u32, |[a, b]| {
        let both = u32::from(*a) | (u32::from(*b) << 16);
        (both & 0xFFFF) + (both >> 16)
    };
    i16, i32, |[a, b]| i32::from(*a) + i32::from(*b);
    u32, i64, |[a, b]| i64::from(*a) + i64::from(*b);
    i32, i64, |[a, b]| i64::from(*a) + i64::from(*b);
    u64, i128, |[a, b]| i128::from(*a) + i128::from(*b);
    i64, i128, |[a, b]| i128::from(*a) + i128::from(*b)
);

macro_rules! reduce_float {
    ($($type:ty),*) => {
        $(impl Reduce for $type {
            type Sum = f64;
            #[inline]
            fn widen(self) -> f64 {
                self as f64
            }
            #[inline]
            fn add(a: f64, b: f64) -> f64 {
                a + b
            }
            #[inline]
            fn pair([a, b]: &[$type; 2]) -> f64 {
                *a as f64 + *b as f64
            }
            #[inline]
            fn mean(sum: f64, n: usize) -> $type {
                (sum / n as f64) as $type
            }
            #[inline]
            fn means(sums: &[f64], n: usize, out: &mut [$type]) {
                if n.is_power_of_two() {
                    // Exact, and a multiplication vectorises where a division does not.
                    let scale = 1.0 / n as f64;
                    for (o, s) in out.iter_mut().zip(sums) {
                        *o = (s * scale) as $type;
                    }
                } else {
                    for (o, s) in out.iter_mut().zip(sums) {
                        *o = Self::mean(*s, n);
                    }
                }
            }
            #[inline]
            fn larger(self, other: $type) -> $type {
                self.max(other)
            }
        })*
    };
}

reduce_float!(f32, f64);

/// The largest window, in voxels, of one step for a sample type.
pub fn largest_window(dtype: Dtype) -> u64 {
    match dtype {
        Dtype::Uint8 | Dtype::Int8 | Dtype::Uint16 | Dtype::Int16 => 1 << 15,
        _ => 1 << 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;
    use proptest::prelude::*;

    fn line(values: &[u16]) -> Pixels {
        Pixels::from_vec([1, 1, 1, 1, values.len() as u64], values.to_vec())
    }

    fn step(values: &[u16], fx: u64, method: Downsample) -> Vec<u16> {
        downsample(&line(values), [1, 1, fx], method).into_vec().expect("u16")
    }

    #[test]
    fn means_round_ties_to_even_and_partial_windows_count_what_is_there() {
        assert_eq!(step(&[0, 1, 1, 2, 2, 3, 9], 2, Downsample::Mean), [0, 2, 2, 9]);
        assert_eq!(step(&[1, 2, 2, 7, 8], 3, Downsample::Mean), [2, 8]);
        let i = Pixels::from_vec([1, 1, 1, 1, 4], vec![-1i8, -2, -3, -2]);
        let mean = downsample(&i, [1, 1, 2], Downsample::Mean);
        assert_eq!(mean.as_slice::<i8>(), Some(&[-2i8, -2][..]));
    }

    #[test]
    fn the_mode_prefers_labels_to_background_on_ties() {
        assert_eq!(step(&[0, 0, 5, 5], 4, Downsample::Mode), [5]);
        assert_eq!(step(&[7, 7, 5, 5], 4, Downsample::Mode), [5]);
        assert_eq!(step(&[0, 0, 0, 5], 4, Downsample::Mode), [0]);
        assert_eq!(step(&[9, 9, 1, 0], 4, Downsample::Mode), [9]);
    }

    #[test]
    fn median_max_and_nearest_by_hand() {
        assert_eq!(step(&[9, 1, 4, 3], 4, Downsample::Median), [4]); // (3 + 4) / 2 = 3.5
        assert_eq!(step(&[9, 1, 4], 3, Downsample::Median), [4]);
        assert_eq!(step(&[9, 1, 4, 3, 6], 2, Downsample::Max), [9, 4, 6]);
        assert_eq!(step(&[9, 1, 4, 3, 6], 2, Downsample::Nearest), [9, 4, 6]);
    }

    #[test]
    fn nan_is_ignored_unless_all_is_nan() {
        let nan = f32::NAN;
        let p = Pixels::from_vec([1, 1, 1, 1, 6], vec![nan, 3.0, nan, nan, 1.0, 2.0]);
        for (method, last) in
            [(Downsample::Mean, 1.5), (Downsample::Median, 1.5), (Downsample::Max, 2.0)]
        {
            let out = downsample(&p, [1, 1, 2], method).into_vec::<f32>().expect("f32");
            assert!(out[0] == 3.0 && out[1].is_nan() && out[2] == last, "{method:?} {out:?}");
        }
    }

    #[test]
    fn sixty_four_bit_means_are_exact() {
        let p =
            Pixels::from_vec([1, 1, 1, 1, 4], vec![u64::MAX, u64::MAX - 2, u64::MAX, u64::MAX - 1]);
        let out = downsample(&p, [1, 1, 2], Downsample::Mean);
        // MAX - 1/2 is a tie between an odd and an even number.
        assert_eq!(out.as_slice::<u64>(), Some(&[u64::MAX - 1, u64::MAX - 1][..]));
        let median = downsample(&p, [1, 1, 4], Downsample::Median);
        assert_eq!(median.as_slice::<u64>(), Some(&[u64::MAX - 1][..]));
    }

    #[test]
    fn anisotropic_stacks_halve_the_plane_first() {
        let v = |z, y, x| [Some(z), Some(y), Some(x)];
        assert_eq!(pyramid_factors([300, 512, 512], v(1.0, 1.0, 1.0)), [[2, 2, 2]]);
        assert_eq!(
            pyramid_factors([300, 1024, 1024], v(4.0, 1.0, 1.0)),
            [[1, 2, 2], [1, 2, 2], [2, 2, 2]]
        );
        assert_eq!(pyramid_factors([300, 300, 300], [None; 3]), [[1, 2, 2]]);
        assert_eq!(pyramid_factors([1, 256, 256], [None; 3]), Vec::<[u64; 3]>::new());
        // A thin plane with small z voxels still ends.
        assert_eq!(pyramid_factors([1, 512, 9], v(0.1, 0.5, 0.5)), [[1, 2, 2]]);
    }

    fn naive<T: Reduce>(p: &Pixels, f: [u64; 3], method: Downsample) -> Vec<i64> {
        let view = p.view::<T>().expect("of this type");
        let shape = p.shape();
        let out = shape_after(shape, f);
        let mut all = Vec::new();
        for r in crate::region::grid(out, [1; 5]) {
            let [t, c, z, y, x] = r.start;
            let mut w = Vec::new();
            for dz in 0..f[0] {
                for dy in 0..f[1] {
                    for dx in 0..f[2] {
                        let at = [t, c, z * f[0] + dz, y * f[1] + dy, x * f[2] + dx];
                        w.extend(view.get(at.map(|i| i as usize)).map(|v| v.to_f64() as i64));
                    }
                }
            }
            let first = w[0];
            w.sort_unstable();
            let n = w.len();
            let mean = |s: f64, n: f64| (s / n).round_ties_even() as i64;
            all.push(match method {
                Downsample::Mean => mean(w.iter().sum::<i64>() as f64, n as f64),
                Downsample::Median => mean((w[(n - 1) / 2] + w[n / 2]) as f64, 2.0),
                Downsample::Nearest => first,
                Downsample::Max => w[n - 1],
                Downsample::Mode => {
                    let count = |v: &i64| w.iter().filter(|u| *u == v).count();
                    *w.iter().max_by_key(|v| (count(v), **v != 0, -**v)).expect("not empty")
                }
            });
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_method_equals_its_definition(
            shape in [1u64..3, 1u64..3, 1u64..6, 1u64..6, 1u64..9],
            f in [1u64..4, 1u64..4, 1u64..5],
            seed in any::<u64>(),
            small in any::<bool>(),
        ) {
            let mut state = seed | 1;
            let n = shape.iter().product::<u64>() as usize;
            let values: Vec<i16> = (0..n).map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let v = (state >> 40) as i16;
                if small { v.rem_euclid(4) } else { v }
            }).collect();
            for dtype in Dtype::ALL {
                crate::dispatch!(dtype, T => {
                    // Casts keep the low bits: the whole range of 8 and 16 bit types.
                    let p = Pixels::from_vec(shape, values.iter().map(|v| *v as T).collect());
                    for method in Downsample::ALL.into_iter().filter(|_| !dtype.is_float()) {
                        let got = downsample(&p, f, method).into_vec::<T>().expect("of this type");
                        let got: Vec<i64> = got.into_iter().map(|v| v.to_f64() as i64).collect();
                        // Numbers beyond 2^53 are not exact in the f64 of this definition.
                        if dtype != Dtype::Uint64 || small {
                            prop_assert_eq!(got, naive::<T>(&p, f, method), "{} {:?}", dtype, method);
                        }
                    }
                });
            }
        }

        #[test]
        fn a_block_gives_the_same_as_the_whole(
            seed in any::<u32>(), cut in 0u64..3, f in [1u64..3, 1u64..4, 1u64..4],
        ) {
            let shape = [1, 1, 5, 7, 11];
            let values: Vec<f32> = (0..5 * 7 * 11u32)
                .map(|i| (i.wrapping_mul(2654435761).wrapping_add(seed) >> 8) as f32 * 1e-3)
                .collect();
            let p = Pixels::from_vec(shape, values);
            let whole = downsample(&p, f, Downsample::Mean);
            let start = [0, 0, 0, cut.min(whole.shape()[3] - 1) * f[1], 0];
            let mut size = shape;
            size[3] -= start[3];
            let block = downsample(&p.crop(&crate::Region::new(start, size)), f, Downsample::Mean);
            let start = [0, 0, 0, start[3] / f[1], 0];
            prop_assert_eq!(block.clone(), whole.crop(&crate::Region::new(start, block.shape())));
        }
    }
}
