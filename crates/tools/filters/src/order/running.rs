use multiversion::multiversion;
use rayon::prelude::*;

use crate::column_blocks::column_blocks;

/// Columns that are filtered side by side.
const COLUMNS: usize = 64;

/// Finds the minimum of a window sliding along one axis.
///
/// Output `i` is the least of the `window` pixels from `i - window / 2` on. The window is cut at the
/// ends, which for a minimum is the same as mirroring the image there (SciPy's `minimum_filter1d`).
///
/// * `src`, `out`: `(z, y, x)` of `shape`. `axis`: 0, 1 or 2. `window`: pixels.
///
/// The time does not depend on `window` (van Herk 1992; Gil & Werman 1993). NaN: which of the values
/// of a window with a NaN is returned is not specified. Parallel, same bits for any thread count.
///
/// # Panics
/// If a length does not fit `shape`, `axis` exceeds 2 or `window` is 0.
///
/// # Reference
/// van Herk (1992), doi:10.1016/0167-8655(92)90069-C.
pub fn running_minimum_into(
    src: &[f32],
    shape: [usize; 3],
    axis: usize,
    window: usize,
    out: &mut [f32],
) {
    running(src, shape, axis, window, out, 1.0);
}

/// Finds the maximum of a window sliding along one axis. As [`running_minimum_into`].
///
/// # Panics
/// As [`running_minimum_into`].
pub fn running_maximum_into(
    src: &[f32],
    shape: [usize; 3],
    axis: usize,
    window: usize,
    out: &mut [f32],
) {
    running(src, shape, axis, window, out, -1.0);
}

/// `sign` -1 finds maxima as minima of the negated values.
fn running(src: &[f32], shape: [usize; 3], axis: usize, window: usize, out: &mut [f32], sign: f32) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    assert!(window > 0, "a window has at least one pixel");
    if src.is_empty() {
        return;
    }
    let len = shape[axis];
    // Along x whole lines take the place of columns.
    let lines_are_contiguous = shape[axis + 1..].iter().product::<usize>() == 1;
    let mut tasks: Vec<(usize, Vec<&mut [f32]>)> = if lines_are_contiguous {
        let block = len * COLUMNS;
        let blocks = out.chunks_mut(block).enumerate();
        blocks.map(|(i, out)| (i * block, out.chunks_mut(len).collect())).collect()
    } else {
        column_blocks(out, shape, axis, COLUMNS)
    };
    let width = if lines_are_contiguous { len } else { shape[axis + 1..].iter().product() };
    tasks.par_iter_mut().for_each_init(
        || Columns::new(len, window),
        |columns, (start, parts)| {
            let copy = |columns: &mut Columns, part: usize, count: usize| {
                let from = &src[*start + part * width..][..count];
                for (i, &value) in from.iter().enumerate() {
                    let (t, lane) = if lines_are_contiguous { (i, part) } else { (part, i) };
                    columns.values[columns.before + t][lane] = sign * value;
                }
            };
            for part in 0..parts.len() {
                copy(columns, part, parts[part].len());
            }
            columns.filter(window);
            for (part, out) in parts.iter_mut().enumerate() {
                for (i, value) in out.iter_mut().enumerate() {
                    let (t, lane) = if lines_are_contiguous { (i, part) } else { (part, i) };
                    *value = sign * columns.prefix[t][lane];
                }
            }
        },
    );
}

/// Some lines side by side, padded so that every window lies inside.
struct Columns {
    before: usize,
    len: usize,
    values: Vec<[f32; COLUMNS]>,
    prefix: Vec<[f32; COLUMNS]>,
    suffix: Vec<[f32; COLUMNS]>,
}

impl Columns {
    fn new(len: usize, window: usize) -> Self {
        let rows = vec![[f32::INFINITY; COLUMNS]; len + window - 1];
        Self { before: window / 2, len, values: rows.clone(), prefix: rows.clone(), suffix: rows }
    }

    /// Leaves the minimum of `window` values from `t` on in `prefix[t]`.
    fn filter(&mut self, window: usize) {
        sweep(&self.values, &mut self.prefix, &mut self.suffix, window, self.len);
    }
}

/// Minima from the start of each block of `window` rows, and to its end; any window is the end of
/// one block and the start of the next.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn sweep(
    values: &[[f32; COLUMNS]],
    prefix: &mut [[f32; COLUMNS]],
    suffix: &mut [[f32; COLUMNS]],
    window: usize,
    len: usize,
) {
    let rows = values.len();
    for t in 0..rows {
        prefix[t] = if t % window == 0 { values[t] } else { least(&prefix[t - 1], &values[t]) };
    }
    for t in (0..rows).rev() {
        let last = t + 1 == rows || (t + 1) % window == 0;
        suffix[t] = if last { values[t] } else { least(&suffix[t + 1], &values[t]) };
    }
    for t in 0..len {
        prefix[t] = least(&suffix[t], &prefix[t + window - 1]);
    }
}

#[inline(always)]
fn least(a: &[f32; COLUMNS], b: &[f32; COLUMNS]) -> [f32; COLUMNS] {
    let mut out = [0.0; COLUMNS];
    for i in 0..COLUMNS {
        out[i] = if a[i] < b[i] { a[i] } else { b[i] };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_and_even_windows_along_a_row() {
        let src = [3.0, 1.0, 4.0, 1.5, 5.0, 9.0];
        let mut out = [0.0; 6];
        running_minimum_into(&src, [1, 1, 6], 2, 3, &mut out);
        assert_eq!(out, [1.0, 1.0, 1.0, 1.5, 1.5, 5.0]);
        running_maximum_into(&src, [1, 1, 6], 2, 2, &mut out);
        assert_eq!(out, [3.0, 3.0, 4.0, 4.0, 5.0, 9.0]);
        running_minimum_into(&src, [6, 1, 1], 0, 100, &mut out);
        assert_eq!(out, [1.0; 6]);
        running_maximum_into(&src, [1, 6, 1], 1, 1, &mut out);
        assert_eq!(out, src);
    }
}
