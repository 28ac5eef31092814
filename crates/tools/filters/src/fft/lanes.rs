//! Complex transforms of sixteen columns at once, one column per vector lane.
//!
//! Neighbouring columns of an array lie side by side in memory, so vectors are loaded and stored
//! without moving elements between lanes. Stockham's self-sorting form: each pass reads one buffer and
//! writes the other in the order that the next pass wants.

use std::ops::Range;

use multiversion::multiversion;
use rustfft::num_complex::Complex32;

/// Columns transformed together: one AVX-512 register, and two cache lines of `Complex32`.
pub(super) const LANES: usize = 16;

/// One element of each column: real parts, then imaginary parts.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Lanes {
    pub re: [f32; LANES],
    pub im: [f32; LANES],
}

impl Lanes {
    pub(super) const ZERO: Self = Self { re: [0.0; LANES], im: [0.0; LANES] };
}

/// Direction of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Inverse,
}

struct Pass {
    radix: usize,
    /// `exp(-2 pi i p j / n)` for `p` (slow), `1 <= j < radix`, `n` the length left at this pass.
    twiddles: Vec<[f32; 2]>,
}

/// A plan for columns of one length, a product of 2, 3 and 5.
pub(super) struct LanesFft {
    len: usize,
    passes: Vec<Pass>,
}

impl LanesFft {
    /// Plans transforms of `len` elements; `None` if `len` has a prime factor above 5.
    pub(super) fn new(len: usize) -> Option<Self> {
        let mut left = len;
        let mut passes = Vec::new();
        for radix in [8, 5, 4, 3, 2] {
            while left.is_multiple_of(radix) && left > 1 {
                passes.push(Pass { radix, twiddles: twiddles(left, radix) });
                left /= radix;
            }
        }
        (left == 1).then_some(Self { len, passes })
    }

    /// Transforms `columns` of `rows`, in place and not scaled.
    ///
    /// Rows from `live` on are taken as zero. `work` must hold, per row, one element for each sixteen
    /// columns and one more.
    pub(super) fn process(
        &self,
        rows: &mut [&mut [Complex32]],
        columns: Range<usize>,
        live: usize,
        direction: Direction,
        work: &mut [Lanes],
    ) {
        let mut blocks: Vec<&mut [Lanes]> = work.chunks_mut(self.len).collect();
        let mut spare = blocks.pop().expect("working memory was measured for one more");
        // Row by row for all columns: memory is fetched in longer pieces than one block's.
        for (t, row) in rows[..live].iter().enumerate() {
            load_row(&mut blocks, t, &row[columns.clone()], direction);
        }
        for block in &mut blocks {
            block[live..].fill(Lanes::ZERO);
            self.run(block, &mut spare);
        }
        for (t, row) in rows.iter_mut().enumerate() {
            store_row(&blocks, t, &mut row[columns.clone()], direction);
        }
    }

    /// Transforms the first elements of `from`, forward. The result is in `from` again: the two buffers
    /// change places.
    pub(super) fn run<'a>(&self, from: &mut &'a mut [Lanes], to: &mut &'a mut [Lanes]) {
        let mut stride = 1;
        for pass in &self.passes {
            pass.run(&from[..self.len], &mut to[..self.len], stride);
            stride *= pass.radix;
            std::mem::swap(from, to);
        }
    }
}

impl Pass {
    fn run(&self, from: &[Lanes], to: &mut [Lanes], stride: usize) {
        match self.radix {
            2 => pass_2(from, to, stride, &self.twiddles),
            3 => pass_3(from, to, stride, &self.twiddles),
            4 => pass_4(from, to, stride, &self.twiddles),
            5 => pass_5(from, to, stride, &self.twiddles),
            _ => pass_8(from, to, stride, &self.twiddles),
        }
    }
}

fn twiddles(len: usize, radix: usize) -> Vec<[f32; 2]> {
    let angle = |k: usize| -std::f64::consts::TAU * (k % len) as f64 / len as f64;
    (0..len / radix)
        .flat_map(|p| (1..radix).map(move |j| p * j))
        .map(|k| [angle(k).cos() as f32, angle(k).sin() as f32])
        .collect()
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn load_row(blocks: &mut [&mut [Lanes]], t: usize, row: &[Complex32], direction: Direction) {
    for (block, row) in blocks.iter_mut().zip(row.chunks(LANES)) {
        load(&mut block[t], row, direction);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn store_row(blocks: &[&mut [Lanes]], t: usize, row: &mut [Complex32], direction: Direction) {
    for (block, row) in blocks.iter().zip(row.chunks_mut(LANES)) {
        store(&block[t], row, direction);
    }
}

/// Splits complex values into lanes; lanes without one keep what they hold. Swapping the parts before and
/// after turns a forward transform into an inverse one.
#[inline(always)]
fn load(lanes: &mut Lanes, row: &[Complex32], direction: Direction) {
    let (first, second) = match direction {
        Direction::Forward => (&mut lanes.re, &mut lanes.im),
        Direction::Inverse => (&mut lanes.im, &mut lanes.re),
    };
    // A count that the compiler does not know keeps this a loop, which it turns into shuffles; sixteen
    // written-out copies would stay scalar.
    let count = row.len().min(LANES);
    let (first, second) = (&mut first[..count], &mut second[..count]);
    for ((first, second), value) in first.iter_mut().zip(second).zip(&row[..count]) {
        *first = value.re;
        *second = value.im;
    }
}

#[inline(always)]
fn store(lanes: &Lanes, row: &mut [Complex32], direction: Direction) {
    let (re, im) = match direction {
        Direction::Forward => (&lanes.re, &lanes.im),
        Direction::Inverse => (&lanes.im, &lanes.re),
    };
    // A loop, as in `load`.
    for ((value, re), im) in row.iter_mut().zip(re).zip(im) {
        *value = Complex32::new(*re, *im);
    }
}

type Complex = (f32, f32);

#[inline(always)]
fn add(a: Complex, b: Complex) -> Complex {
    (a.0 + b.0, a.1 + b.1)
}

#[inline(always)]
fn sub(a: Complex, b: Complex) -> Complex {
    (a.0 - b.0, a.1 - b.1)
}

#[inline(always)]
fn times(a: Complex, w: [f32; 2]) -> Complex {
    (a.0 * w[0] - a.1 * w[1], a.0 * w[1] + a.1 * w[0])
}

/// Multiplies by `-i`.
#[inline(always)]
fn turn(a: Complex) -> Complex {
    (a.1, -a.0)
}

#[inline(always)]
fn at(lanes: &Lanes, i: usize) -> Complex {
    (lanes.re[i], lanes.im[i])
}

#[inline(always)]
fn put(lanes: &mut Lanes, i: usize, value: Complex) {
    (lanes.re[i], lanes.im[i]) = value;
}

/// Defines one pass: `$radix` inputs `$x` a fixed distance apart become as many outputs `$y`.
///
/// With `m` the length left over `radix` and `s` the stride, input `k` of butterfly `(p, q)` is element
/// `q + s (p + k m)`, output `j` is element `q + s (radix p + j)`, times its twiddle factor.
macro_rules! pass {
    ($name:ident, $butterfly:ident, $radix:literal, [$($x:ident)*], [$($y:ident)*]) => {
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
        fn $name(from: &[Lanes], to: &mut [Lanes], stride: usize, twiddles: &[[f32; 2]]) {
            let part = from.len() / $radix;
            let twiddles = twiddles.as_chunks::<{ $radix - 1 }>().0;
            for (p, (to, w)) in to.chunks_exact_mut(stride * $radix).zip(twiddles).enumerate() {
                let rest = &from[p * stride..];
                $(let (rest, $x) = (rest.get(part..).unwrap_or(&[]), &rest[..stride]);)*
                let _ = rest;
                $(let ($y, to) = to.split_at_mut(stride);)*
                let _ = to;
                for q in 0..stride {
                    $butterfly($(&$x[q],)* $(&mut $y[q],)* w);
                }
            }
        }
    };
}

pass!(pass_2, butterfly_2, 2, [a b], [s t]);
pass!(pass_3, butterfly_3, 3, [a b c], [s t u]);
pass!(pass_4, butterfly_4, 4, [a b c d], [s t u v]);
pass!(pass_5, butterfly_5, 5, [a b c d e], [s t u v w_]);
pass!(pass_8, butterfly_8, 8, [a b c d e f g h], [s t u v k l m n]);

#[inline(always)]
fn butterfly_2(a: &Lanes, b: &Lanes, s: &mut Lanes, t: &mut Lanes, w: &[[f32; 2]; 1]) {
    for i in 0..LANES {
        let (a, b) = (at(a, i), at(b, i));
        put(s, i, add(a, b));
        put(t, i, times(sub(a, b), w[0]));
    }
}

/// `sin(60 degrees)`
const SIN_60: f32 = 0.866_025_4;

#[inline(always)]
fn butterfly_3(
    a: &Lanes,
    b: &Lanes,
    c: &Lanes,
    s: &mut Lanes,
    t: &mut Lanes,
    u: &mut Lanes,
    w: &[[f32; 2]; 2],
) {
    for i in 0..LANES {
        let (a, b, c) = (at(a, i), at(b, i), at(c, i));
        let sum = add(b, c);
        let half = (a.0 - 0.5 * sum.0, a.1 - 0.5 * sum.1);
        let difference = turn(sub(b, c));
        let side = (SIN_60 * difference.0, SIN_60 * difference.1);
        put(s, i, add(a, sum));
        put(t, i, times(add(half, side), w[0]));
        put(u, i, times(sub(half, side), w[1]));
    }
}

#[inline(always)]
fn butterfly_4(
    a: &Lanes,
    b: &Lanes,
    c: &Lanes,
    d: &Lanes,
    s: &mut Lanes,
    t: &mut Lanes,
    u: &mut Lanes,
    v: &mut Lanes,
    w: &[[f32; 2]; 3],
) {
    for i in 0..LANES {
        let [p, q, r, z] = four([at(a, i), at(b, i), at(c, i), at(d, i)]);
        put(s, i, p);
        put(t, i, times(q, w[0]));
        put(u, i, times(r, w[1]));
        put(v, i, times(z, w[2]));
    }
}

#[inline(always)]
fn four([a, b, c, d]: [Complex; 4]) -> [Complex; 4] {
    let (ac, bd) = (add(a, c), add(b, d));
    let (a_c, b_d) = (sub(a, c), turn(sub(b, d)));
    [add(ac, bd), add(a_c, b_d), sub(ac, bd), sub(a_c, b_d)]
}

/// Cosines and sines of 72 and 144 degrees.
const COS_72: f32 = 0.309_017;
const COS_144: f32 = -0.809_017;
const SIN_72: f32 = 0.951_056_5;
const SIN_144: f32 = 0.587_785_25;

#[inline(always)]
fn butterfly_5(
    a: &Lanes,
    b: &Lanes,
    c: &Lanes,
    d: &Lanes,
    e: &Lanes,
    s: &mut Lanes,
    t: &mut Lanes,
    u: &mut Lanes,
    v: &mut Lanes,
    x: &mut Lanes,
    w: &[[f32; 2]; 4],
) {
    for i in 0..LANES {
        let (a, b, c, d, e) = (at(a, i), at(b, i), at(c, i), at(d, i), at(e, i));
        let (be, cd) = (add(b, e), add(c, d));
        let (b_e, c_d) = (turn(sub(b, e)), turn(sub(c, d)));
        let near = (a.0 + (COS_72 * be.0 + COS_144 * cd.0), a.1 + (COS_72 * be.1 + COS_144 * cd.1));
        let far = (a.0 + (COS_144 * be.0 + COS_72 * cd.0), a.1 + (COS_144 * be.1 + COS_72 * cd.1));
        let near_side = (SIN_72 * b_e.0 + SIN_144 * c_d.0, SIN_72 * b_e.1 + SIN_144 * c_d.1);
        let far_side = (SIN_144 * b_e.0 - SIN_72 * c_d.0, SIN_144 * b_e.1 - SIN_72 * c_d.1);
        put(s, i, add(a, add(be, cd)));
        put(t, i, times(add(near, near_side), w[0]));
        put(u, i, times(add(far, far_side), w[1]));
        put(v, i, times(sub(far, far_side), w[2]));
        put(x, i, times(sub(near, near_side), w[3]));
    }
}

#[inline(always)]
fn butterfly_8(
    a: &Lanes,
    b: &Lanes,
    c: &Lanes,
    d: &Lanes,
    e: &Lanes,
    f: &Lanes,
    g: &Lanes,
    h: &Lanes,
    s: &mut Lanes,
    t: &mut Lanes,
    u: &mut Lanes,
    v: &mut Lanes,
    k: &mut Lanes,
    l: &mut Lanes,
    m: &mut Lanes,
    n: &mut Lanes,
    w: &[[f32; 2]; 7],
) {
    const ROOT: f32 = std::f32::consts::FRAC_1_SQRT_2;
    for i in 0..LANES {
        let even = four([at(a, i), at(c, i), at(e, i), at(g, i)]);
        let odd = four([at(b, i), at(d, i), at(f, i), at(h, i)]);
        // exp(-2 pi i j / 8) of the odd half
        let odd = [
            odd[0],
            (ROOT * (odd[1].0 + odd[1].1), ROOT * (odd[1].1 - odd[1].0)),
            turn(odd[2]),
            (ROOT * (odd[3].1 - odd[3].0), -ROOT * (odd[3].0 + odd[3].1)),
        ];
        put(s, i, add(even[0], odd[0]));
        put(t, i, times(add(even[1], odd[1]), w[0]));
        put(u, i, times(add(even[2], odd[2]), w[1]));
        put(v, i, times(add(even[3], odd[3]), w[2]));
        put(k, i, times(sub(even[0], odd[0]), w[3]));
        put(l, i, times(sub(even[1], odd[1]), w[4]));
        put(m, i, times(sub(even[2], odd[2]), w[5]));
        put(n, i, times(sub(even[3], odd[3]), w[6]));
    }
}
