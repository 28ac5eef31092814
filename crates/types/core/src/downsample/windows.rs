//! Rows of windows to one row of voxels.

use super::{Downsample, Reduce};

/// Buffers of one line of windows, kept from line to line.
pub(super) struct Line<T: Reduce> {
    pub sums: Vec<T::Sum>,
    pub window: Vec<T>,
}

/// Reduces the rows of one line of windows to one row.
pub(super) fn reduce_rows<T: Reduce>(
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
