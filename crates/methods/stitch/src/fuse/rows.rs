//! The inner loops, over rows of at most [`CHUNK`] voxels that stay in the first cache.
//!
//! Every operation is on one voxel, in f64 and in a fixed order, so neither the instruction set nor
//! the place where a row is cut shows in the result.

use hooke_core::Sample;
use multiversion::multiversion;

/// Longest row.
pub(crate) const CHUNK: usize = 512;
/// Taps beside a row.
const MARGIN: usize = 4;
/// Bytes of [`RowBuffers`].
pub(crate) const ROW_BYTES: u64 = (5 * (CHUNK + MARGIN) * 8) as u64;

/// Rows between the tiles and the output.
#[derive(Debug, Clone)]
pub(crate) struct RowBuffers {
    /// Sum over the taps along z and y.
    pub taps: Vec<f64>,
    /// Values of one tile.
    pub values: Vec<f64>,
    /// Weights of one tile.
    pub weights: Vec<f64>,
    /// Sum of weight times value, or the value selected.
    pub total: Vec<f64>,
    /// Sum of weights, or the weight of the value selected.
    pub total_weight: Vec<f64>,
}

impl Default for RowBuffers {
    fn default() -> RowBuffers {
        let row = || vec![0.0; CHUNK + MARGIN];
        RowBuffers { taps: row(), values: row(), weights: row(), total: row(), total_weight: row() }
    }
}

/// Whether a sample counts: NaN and infinite samples are masked.
#[inline(always)]
fn counts<S: Sample>(v: S) -> bool {
    !S::DTYPE.is_float() || v.to_f64().is_finite()
}

/// `sum += weight * row`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn add_tap<S: Sample>(row: &[S], weight: f64, sum: &mut [f64]) {
    for (sum, v) in sum.iter_mut().zip(row) {
        *sum += weight * v.to_f64();
    }
}

/// `sum += weight * (row - dark) / flat`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn add_shaded_tap<S: Sample>(
    row: &[S],
    dark: Option<&[f32]>,
    flat: Option<&[f32]>,
    weight: f64,
    sum: &mut [f64],
) {
    for (i, (sum, v)) in sum.iter_mut().zip(row).enumerate() {
        let v = v.to_f64() - dark.map_or(0.0, |d| f64::from(d[i]));
        *sum += weight * (v / flat.map_or(1.0, |f| f64::from(f[i])));
    }
}

/// `out[i] = sum over j of taps[j] * row[i + j]`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn combine(row: &[f64], taps: &[f64], out: &mut [f64]) {
    match *taps {
        [_] => out.copy_from_slice(&row[..out.len()]),
        [a, b] => {
            for ((out, v), w) in out.iter_mut().zip(row).zip(&row[1..]) {
                *out = a * v + b * w;
            }
        }
        [a, b, c, d] => {
            let four = row.iter().zip(&row[1..]).zip(row[2..].iter().zip(&row[3..]));
            for (out, ((p, q), (r, s))) in out.iter_mut().zip(four) {
                *out = a * p + b * q + c * r + d * s;
            }
        }
        _ => unreachable!("an axis has one, two or four taps"),
    }
}

/// `row = gain * row + offset`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn apply_gain(gain: f64, offset: f64, row: &mut [f64]) {
    for v in row {
        *v = gain * *v + offset;
    }
}

/// `out = min(limit, along_x)`: the `linear` weights of a row.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn linear_weights(limit: f64, along_x: &[f64], out: &mut [f64]) {
    for (out, w) in out.iter_mut().zip(along_x) {
        *out = if *w < limit { *w } else { limit };
    }
}

/// `out = factor * along_x`: the `cosine` weights of a row.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn cosine_weights(factor: f64, along_x: &[f64], out: &mut [f64]) {
    for (out, w) in out.iter_mut().zip(along_x) {
        *out = factor * w;
    }
}

/// `total += weight * row`, `total_weight += weight`, where the sample counts.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn add_weighted<S: Sample>(
    row: &[S],
    weights: &[f64],
    total: &mut [f64],
    total_weight: &mut [f64],
) {
    let sums = total.iter_mut().zip(total_weight);
    for ((v, w), (total, total_weight)) in row.iter().zip(weights).zip(sums) {
        let (v, w) = if counts(*v) { (v.to_f64(), *w) } else { (0.0, 0.0) };
        *total += w * v;
        *total_weight += w;
    }
}

/// `total = scale * total / total_weight`, NaN where no sample counted.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn divide(scale: f64, total_weight: &[f64], total: &mut [f64]) {
    for (total, w) in total.iter_mut().zip(total_weight) {
        // 0 / 0 where every sample is masked: NaN, which `write` fills.
        *total = scale * (*total / w);
    }
}

/// Writes values as samples; `fill` where a value is not finite.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn write<T: Sample>(values: &[f64], fill: T, out: &mut [T]) {
    for (out, v) in out.iter_mut().zip(values) {
        *out = if v.is_finite() { T::from_f64(*v) } else { fill };
    }
}

/// Copies samples; `fill` where one is masked.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn copy<T: Sample>(row: &[T], fill: T, out: &mut [T]) {
    if !T::DTYPE.is_float() {
        out.copy_from_slice(row);
        return;
    }
    for (out, v) in out.iter_mut().zip(row) {
        *out = if counts(*v) { *v } else { fill };
    }
}

/// Replaces NaN, the mark of "no sample yet", by `fill`.
pub(crate) fn fill_gaps<T: Sample>(fill: T, out: &mut [T]) {
    if T::DTYPE.is_float() {
        for v in out.iter_mut().filter(|v| v.is_nan()) {
            *v = fill;
        }
    }
}

macro_rules! selection {
    ($(#[$doc:meta])* $name:ident, $best:ident, $v:ident => $better:expr) => {
        $(#[$doc])*
        #[multiversion(targets(
            "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma",
            "x86_64+avx2+fma"
        ))]
        pub(crate) fn $name<S: Sample>(row: &[S], best: &mut [S]) {
            for ($best, $v) in best.iter_mut().zip(row) {
                // `multiversion` drops the invisible brackets around the expression.
                let take = counts(*$v) && ($better);
                *$best = if take { *$v } else { *$best };
            }
        }
    };
}

selection!(
    /// Keeps the larger of two samples; NaN in `best` is no sample.
    keep_max, best, v => *v > *best || best.is_nan()
);
selection!(
    /// Keeps the smaller of two samples; NaN in `best` is no sample.
    keep_min, best, v => *v < *best || best.is_nan()
);
selection!(
    /// Keeps what is there; NaN in `best` is no sample.
    keep_first, best, v => best.is_nan()
);
selection!(
    /// Takes the later sample.
    keep_last, best, v => true
);

/// Keeps the sample of larger weight; ties keep what is there.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
pub(crate) fn keep_closest<S: Sample>(
    row: &[S],
    weights: &[f64],
    best: &mut [S],
    best_weight: &mut [f64],
) {
    let kept = best.iter_mut().zip(best_weight);
    for ((v, w), (best, best_weight)) in row.iter().zip(weights).zip(kept) {
        let take = counts(*v) && *w > *best_weight;
        *best = if take { *v } else { *best };
        *best_weight = if take { *w } else { *best_weight };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_samples_never_win_whatever_the_length_of_the_row() {
        for len in 1..70 {
            let masked = |i: usize| i.is_multiple_of(3) || i.is_multiple_of(5);
            let row: Vec<f32> = (0..len)
                .map(|i: usize| match i {
                    _ if i.is_multiple_of(3) => f32::INFINITY,
                    _ if i.is_multiple_of(5) => f32::NAN,
                    _ => i as f32,
                })
                .collect();
            let mut copied = vec![0.0; len];
            copy(&row, -1.0, &mut copied);
            let wanted: Vec<f32> =
                (0..len).map(|i| if masked(i) { -1.0 } else { i as f32 }).collect();
            assert_eq!(copied, wanted, "copy of {len}");
            for (keep, name) in [
                (keep_max::<f32> as fn(&[f32], &mut [f32]), "max"),
                (keep_min::<f32>, "min"),
                (keep_last::<f32>, "last"),
                (keep_first::<f32>, "first"),
            ] {
                let mut best = vec![f32::NAN; len];
                keep(&row, &mut best);
                fill_gaps(-1.0, &mut best);
                assert_eq!(best, wanted, "{name} of {len}");
            }
            let (mut best, mut weight) = (vec![f32::NAN; len], vec![0.0; len]);
            keep_closest(&row, &vec![1.0; len], &mut best, &mut weight);
            fill_gaps(-1.0, &mut best);
            assert_eq!(best, wanted, "closest of {len}");
        }
    }
}
