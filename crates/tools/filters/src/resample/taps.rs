//! Separable sums with the same few weights at every pixel: what a constant shift needs.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::Border;

/// Weights of the pixels `first + i .. first + i + T` for pixel `i` of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps<const T: usize> {
    pub first: isize,
    pub value: [f32; T],
    /// Weights of the derivative, per pixel. All zero where it is not wanted.
    pub slope: [f32; T],
}

/// One output, or the value and its derivatives along z, y and x.
pub(super) enum Outputs<'a> {
    Value(&'a mut [f32]),
    All([&'a mut [f32]; 4]),
}

/// Output rows per parallel task. Rows above are summed again at the start of each task.
const TASK_ROWS: usize = 64;

/// Sums `src` under `taps` at every pixel of an output of `out_shape`.
///
/// Sums along z, then y, then x. Of the sums along z, those under the y taps are kept in a ring of
/// rows, so each is computed once per task.
pub(super) fn sum_taps<const T: usize>(
    src: &[f32],
    shape: [usize; 3],
    taps: [Taps<T>; 3],
    border: Border,
    out_shape: [usize; 3],
    outputs: Outputs<'_>,
) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    let len: usize = out_shape.iter().product();
    if len == 0 {
        return;
    }
    assert!(!shape.contains(&0), "a source of shape {shape:?} has nothing to sample");
    let source = Source { src, shape, taps, border };
    let [_, height, width] = out_shape;
    // A task never crosses planes: each plane is cut on its own.
    let tasks = height.div_ceil(TASK_ROWS);
    let place = |task: usize| [task / tasks, task % tasks * TASK_ROWS];
    match outputs {
        Outputs::Value(out) => {
            assert_eq!(out.len(), len, "length of the output");
            let parts: Vec<_> = cut(out, height * width, width).collect();
            parts.into_par_iter().enumerate().for_each_init(
                || Rings::new(1, &source, width),
                |rings, (task, out)| source.value_task(place(task), rings, out),
            );
        }
        Outputs::All([value, dz, dy, dx]) => {
            let parts: Vec<_> = [value, dz, dy, dx]
                .map(|out| {
                    assert_eq!(out.len(), len, "length of an output");
                    cut(out, height * width, width)
                })
                .into_iter()
                .fold(Vec::new(), |mut parts: Vec<Vec<&mut [f32]>>, cuts| {
                    for (i, cut) in cuts.enumerate() {
                        if i == parts.len() {
                            parts.push(Vec::with_capacity(4));
                        }
                        parts[i].push(cut);
                    }
                    parts
                });
            parts.into_par_iter().enumerate().for_each_init(
                || Rings::new(2, &source, width),
                |rings, (task, outs)| {
                    let outs = <[_; 4]>::try_from(outs).expect("four outputs were cut alike");
                    source.gradient_task(place(task), rings, outs);
                },
            );
        }
    }
}

fn cut(out: &mut [f32], plane: usize, width: usize) -> impl Iterator<Item = &mut [f32]> {
    out.chunks_mut(plane).flat_map(move |plane| plane.chunks_mut(width * TASK_ROWS))
}

struct Source<'a, const T: usize> {
    src: &'a [f32],
    shape: [usize; 3],
    taps: [Taps<T>; 3],
    border: Border,
}

/// Working memory of one task.
struct Rings {
    /// Sums along z with the weights of the value (and of the slope): `T` rows each.
    rings: [Vec<f32>; 2],
    /// Columns of the source that the x taps touch.
    columns: std::ops::Range<usize>,
    /// One row summed along z and y, over `columns`, then extended as the x taps need it.
    sums: Vec<f32>,
    extended: Vec<f32>,
}

impl Rings {
    fn new<const T: usize>(rings: usize, source: &Source<'_, T>, width: usize) -> Self {
        let first = source.taps[2].first;
        let inside = |i: usize| source.border.index(first + i as isize, source.shape[2]);
        let touched = || (0..width + T - 1).map(inside);
        let columns = touched().min().unwrap_or(0)..touched().max().map_or(0, |last| last + 1);
        let row = columns.len();
        let ring = |wanted: bool| vec![0.0; if wanted { row * T } else { 0 }];
        Self {
            rings: [ring(true), ring(rings > 1)],
            columns,
            sums: vec![0.0; row],
            extended: vec![0.0; width + T - 1],
        }
    }

    fn row<const T: usize>(&self, ring: usize, y: usize) -> &[f32] {
        let len = self.columns.len();
        &self.rings[ring][y % T * len..][..len]
    }
}

impl<const T: usize> Source<'_, T> {
    /// Fills the ring rows that output row `y` needs beyond those of the row before.
    fn advance(&self, z: usize, y: usize, fresh: bool, rings: &mut Rings) {
        let [_, height, width] = self.shape;
        let len = rings.columns.len();
        for y in if fresh { y..y + T } else { y + T - 1..y + T } {
            let from = self.border.index(self.taps[1].first + y as isize, height);
            let rows: [&[f32]; T] = std::array::from_fn(|k| {
                let z = self.border.index(self.taps[0].first + (z + k) as isize, self.shape[0]);
                &self.src[(z * height + from) * width..][rings.columns.clone()]
            });
            let slot = y % T * len..(y % T + 1) * len;
            weigh(&mut rings.rings[0][slot.clone()], rows, self.taps[0].value);
            if !rings.rings[1].is_empty() {
                weigh(&mut rings.rings[1][slot], rows, self.taps[0].slope);
            }
        }
    }

    /// Sums a ring along y, and extends the sum by the border so that x taps can run over it.
    fn sum_and_extend(&self, ring: usize, y: usize, weights: [f32; T], rings: &mut Rings) {
        let mut sums = std::mem::take(&mut rings.sums);
        weigh(&mut sums, std::array::from_fn(|k| rings.row::<T>(ring, y + k)), weights);
        let first = self.taps[2].first;
        let columns = &rings.columns;
        // The straight middle part in one copy, the rest by the border's rule.
        let begin = (columns.start as isize - first).max(0) as usize;
        let begin = begin.min(rings.extended.len());
        let from = (first + begin as isize) as usize;
        let straight = columns.end.saturating_sub(from).min(rings.extended.len() - begin);
        if straight > 0 {
            let at = from - columns.start;
            rings.extended[begin..begin + straight].copy_from_slice(&sums[at..at + straight]);
        }
        for i in (0..begin).chain(begin + straight..rings.extended.len()) {
            let x = self.border.index(first + i as isize, self.shape[2]);
            rings.extended[i] = sums[x - columns.start];
        }
        rings.sums = sums;
    }

    fn value_task(&self, [z, top]: [usize; 2], rings: &mut Rings, out: &mut [f32]) {
        let width = rings.extended.len() + 1 - T;
        for (i, out) in out.chunks_mut(width).enumerate() {
            self.advance(z, top + i, i == 0, rings);
            self.sum_and_extend(0, top + i, self.taps[1].value, rings);
            weigh_along(out, &rings.extended, self.taps[2].value);
        }
    }

    fn gradient_task(&self, [z, top]: [usize; 2], rings: &mut Rings, outs: [&mut [f32]; 4]) {
        let width = rings.extended.len() + 1 - T;
        let [_, along_y, along_x] = self.taps;
        let [value, dz, dy, dx] = outs.map(|out| out.chunks_mut(width));
        for (i, (((value, dz), dy), dx)) in value.zip(dz).zip(dy).zip(dx).enumerate() {
            let y = top + i;
            self.advance(z, y, i == 0, rings);
            self.sum_and_extend(0, y, along_y.value, rings);
            weigh_along(value, &rings.extended, along_x.value);
            weigh_along(dx, &rings.extended, along_x.slope);
            self.sum_and_extend(0, y, along_y.slope, rings);
            weigh_along(dy, &rings.extended, along_x.value);
            self.sum_and_extend(1, y, along_y.value, rings);
            weigh_along(dz, &rings.extended, along_x.value);
        }
    }
}

/// Sums rows with weights. A single weight of 1 copies, so whole shifts are exact even beside
/// infinities and NaN.
fn weigh<const T: usize>(out: &mut [f32], rows: [&[f32]; T], weights: [f32; T]) {
    match only_tap(weights) {
        Some(k) => out.copy_from_slice(rows[k]),
        None => weigh_simd(out, rows.as_slice(), &weights),
    }
}

fn weigh_along<const T: usize>(out: &mut [f32], row: &[f32], weights: [f32; T]) {
    match only_tap(weights) {
        Some(k) => out.copy_from_slice(&row[k..k + out.len()]),
        None => {
            let rows: [&[f32]; T] = std::array::from_fn(|k| &row[k..k + out.len()]);
            weigh_simd(out, rows.as_slice(), &weights);
        }
    }
}

fn only_tap<const T: usize>(weights: [f32; T]) -> Option<usize> {
    let k = weights.iter().position(|&w| w == 1.0)?;
    (weights.iter().filter(|&&w| w != 0.0).count() == 1).then_some(k)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn weigh_simd(out: &mut [f32], rows: &[&[f32]], weights: &[f32]) {
    let len = out.len();
    match (rows, weights) {
        (&[a, b], &[u, v]) => {
            let (a, b) = (&a[..len], &b[..len]);
            for i in 0..len {
                out[i] = u * a[i] + v * b[i];
            }
        }
        (&[a, b, c, d], &[u, v, s, t]) => {
            let (a, b, c, d) = (&a[..len], &b[..len], &c[..len], &d[..len]);
            for i in 0..len {
                out[i] = (u * a[i] + v * b[i]) + (s * c[i] + t * d[i]);
            }
        }
        _ => unreachable!("interpolation uses two or four pixels per axis"),
    }
}
