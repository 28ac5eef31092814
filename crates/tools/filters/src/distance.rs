//! Exact Euclidean distance transforms.
//!
//! Each axis in turn takes the least of `f(q) + (s (p - q))²` over all `q` of a line, the lower envelope of
//! parabolas, where `f` are the squares found along the axes before and `s` is the sampling (Felzenszwalb &
//! Huttenlocher 2012, doi:10.4086/toc.2012.v008a019). Nothing reaches across a voxel of distance 0, so lines
//! are taken in parts between those; this also makes the form for labels as fast as that for masks.
//!
//! Squares are kept as `f32`: exact for whole samplings while they stay below 2²⁴, else rounded once per axis.

use rayon::prelude::*;

use crate::column_blocks::column_blocks;

/// Columns of one parallel task.
const COLUMNS: usize = 32;

/// Computes the distance of each voxel of a mask to the nearest background voxel.
///
/// * `src`, `out`: `(z, y, x)` of `shape`. Foreground is what differs from `T::default()`.
/// * `sampling`: extent of a voxel along z, y and x; distances have its unit.
/// * `border_is_outside`: the voxels just beyond the ends count as background, but for axes of length 1, so
///   that an image is seen as such.
///
/// Background voxels get 0. Without background anywhere in reach all is `f32::INFINITY`. Distances are
/// those between centres of voxels. Parallel, same bits for any thread count.
///
/// # Panics
/// If a length does not fit `shape` or a sampling is not positive and finite.
///
/// # Examples
/// ```
/// use hooke_filters::distance::distance_into;
/// let mut out = [0.0; 6];
/// distance_into(&[false, true, true, true, true, true], [1, 2, 3], [1.0; 3], false, &mut out);
/// assert_eq!(out, [0.0, 1.0, 2.0, 1.0, 2_f32.sqrt(), 5_f32.sqrt()]);
/// ```
pub fn distance_into<T>(
    src: &[T],
    shape: [usize; 3],
    sampling: [f64; 3],
    border_is_outside: bool,
    out: &mut [f32],
) where
    T: Copy + PartialEq + Default + Sync,
{
    let is_foreground = |v: T| v != T::default();
    transform(src, shape, sampling, border_is_outside, is_foreground, out);
}

/// Computes the distance of each voxel to the nearest voxel of another label.
///
/// As [`distance_into`], but of each label for itself: a voxel of a neighbouring label is as good as
/// background. Voxels of label `T::default()` get 0.
///
/// # Panics
/// As [`distance_into`].
pub fn label_distance_into<T>(
    src: &[T],
    shape: [usize; 3],
    sampling: [f64; 3],
    border_is_outside: bool,
    out: &mut [f32],
) where
    T: Copy + PartialEq + Default + Sync,
{
    transform(src, shape, sampling, border_is_outside, |v: T| v, out);
}

fn transform<T: Copy + Sync, C: PartialEq + Default>(
    src: &[T],
    shape: [usize; 3],
    sampling: [f64; 3],
    border_is_outside: bool,
    class: impl Fn(T) -> C + Sync,
    out: &mut [f32],
) {
    assert_eq!(src.len(), shape.iter().product::<usize>(), "length of the source");
    assert_eq!(out.len(), src.len(), "length of the output");
    assert!(sampling.iter().all(|s| *s > 0.0 && s.is_finite()), "sampling {sampling:?}");
    if src.is_empty() {
        return;
    }
    let width = shape[2];
    let border = |axis: usize| border_is_outside && shape[axis] > 1;
    out.par_chunks_mut(width).zip(src.par_chunks(width)).with_min_len(16).for_each(|(out, src)| {
        squares_of_row(src, sampling[2], border(2), &class, out);
    });
    for axis in [1, 0] {
        if shape[axis] > 1 {
            along_columns(src, shape, axis, sampling[axis], border(axis), &class, out);
        }
    }
    out.par_chunks_mut(1 << 14).for_each(|out| out.iter_mut().for_each(|v| *v = v.sqrt()));
}

/// Squared distances along a row: within a run, to the nearer of the voxels before and behind it.
fn squares_of_row<T: Copy, C: PartialEq + Default>(
    src: &[T],
    sampling: f64,
    border: bool,
    class: impl Fn(T) -> C,
    out: &mut [f32],
) {
    let square = |steps: usize| {
        let distance = steps as f64 * sampling;
        (distance * distance) as f32
    };
    let mut end = 0;
    for run in src.chunk_by(|&a, &b| class(a) == class(b)) {
        let start = end;
        end += run.len();
        let out = &mut out[start..end];
        if class(run[0]) == C::default() {
            out.fill(0.0);
            continue;
        }
        match (start > 0 || border, end < src.len() || border) {
            (false, false) => out.fill(f32::INFINITY),
            (true, false) => out.iter_mut().enumerate().for_each(|(i, v)| *v = square(i + 1)),
            (false, true) => out.iter_mut().rev().enumerate().for_each(|(i, v)| *v = square(i + 1)),
            (true, true) => {
                let (near, far) = out.split_at_mut(run.len().div_ceil(2));
                near.iter_mut().enumerate().for_each(|(i, v)| *v = square(i + 1));
                far.iter_mut().rev().enumerate().for_each(|(i, v)| *v = square(i + 1));
            }
        }
    }
}

fn along_columns<T: Copy + Sync, C: PartialEq + Default>(
    src: &[T],
    shape: [usize; 3],
    axis: usize,
    sampling: f64,
    border: bool,
    class: impl Fn(T) -> C + Sync,
    out: &mut [f32],
) {
    let len = shape[axis];
    let row_stride: usize = shape[axis + 1..].iter().product();
    // Columns become lines; a distance of a power of two would put them all into one set of the cache.
    let stride = len.next_multiple_of(8) + 8;
    column_blocks(out, shape, axis, COLUMNS).par_iter_mut().for_each_init(
        || {
            (
                vec![0.0_f32; COLUMNS * stride],
                vec![false; COLUMNS * stride],
                Envelope::new(len, sampling),
            )
        },
        |(lines, starts, envelope), (first, rows)| {
            let width = rows[0].len();
            for (t, row) in rows.iter().enumerate() {
                let at = *first + t * row_stride;
                for (i, &value) in row.iter().enumerate() {
                    lines[i * stride + t] = value;
                    starts[i * stride + t] =
                        t == 0 || class(src[at + i]) != class(src[at + i - row_stride]);
                }
            }
            for i in 0..width {
                let line = &mut lines[i * stride..][..len];
                let starts = &starts[i * stride..][..len];
                let mut end = 0;
                for part in starts.chunk_by(|_, &next| !next) {
                    let start = end;
                    end += part.len();
                    // Background is 0 already, and so are all of a part or none.
                    if line[start] != 0.0 {
                        let (before, behind) = (start > 0 || border, end < len || border);
                        envelope.lower(&mut line[start..end], before, behind);
                    }
                }
            }
            for (t, row) in rows.iter_mut().enumerate() {
                for (i, value) in row.iter_mut().enumerate() {
                    *value = lines[i * stride + t];
                }
            }
        },
    );
}

/// A parabola `height + s² (p - at)²` of the envelope.
#[derive(Clone, Copy)]
struct Parabola {
    at: f64,
    height: f64,
    /// From where on it is the lowest.
    from: f64,
}

/// The lower envelope of the parabolas over one line, and the memory for it.
struct Envelope {
    square: f64,
    parabolas: Vec<Parabola>,
}

impl Envelope {
    fn new(len: usize, sampling: f64) -> Self {
        Self { square: sampling * sampling, parabolas: Vec::with_capacity(len + 2) }
    }

    /// Takes a line of squares to the envelope's values; `before` and `behind` say whether voxels of
    /// distance 0 bound the line.
    fn lower(&mut self, line: &mut [f32], before: bool, behind: bool) {
        self.parabolas.clear();
        if before {
            self.add(-1.0, 0.0);
        }
        for (i, &height) in line.iter().enumerate() {
            if height < f32::INFINITY {
                self.add(i as f64, f64::from(height));
            }
        }
        if behind {
            self.add(line.len() as f64, 0.0);
        }
        let Some((first, rest)) = self.parabolas.split_first() else { return };
        let mut lowest = *first;
        let mut rest = rest.iter();
        let mut next = rest.next();
        for (i, value) in line.iter_mut().enumerate() {
            let i = i as f64;
            while let Some(parabola) = next.filter(|p| p.from <= i) {
                lowest = *parabola;
                next = rest.next();
            }
            let apart = i - lowest.at;
            *value = (lowest.height + self.square * apart * apart) as f32;
        }
    }

    fn add(&mut self, at: f64, height: f64) {
        let mut from = f64::NEG_INFINITY;
        while let Some(last) = self.parabolas.last() {
            let apart = at - last.at;
            from = 0.5 * ((height - last.height) / (self.square * apart) + at + last.at);
            if from > last.from {
                break;
            }
            self.parabolas.pop();
            from = f64::NEG_INFINITY;
        }
        self.parabolas.push(Parabola { at, height, from });
    }
}
