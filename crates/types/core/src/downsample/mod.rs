//! One step of an image pyramid: every window of voxels becomes one voxel.
//!
//! Level `n + 1` is computed from level `n`. A window at the end of an axis may be partial; then
//! only the voxels that are there count.
//!
//! | module | holds |
//! |---|---|
//! | `steps` | which axes a step halves, and the shape after it |
//! | `windows` | rows of windows to one row |
//! | `reduce` | sums and means of each sample type |

mod reduce;
mod steps;
#[cfg(test)]
mod tests;
mod windows;

use ndarray::{ArrayView1, ArrayView5, ArrayViewMut5, s};
use serde::{Deserialize, Serialize};

use crate::pixels::Pixels;
use windows::{Line, reduce_rows};

pub use reduce::{Reduce, largest_window};
pub use steps::{halving_steps, pyramid_factors, shape_after};

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
