//! Where a section touches the specimen: the first bright voxel of every column.

use hooke_core::{LayoutRegion, Sample, TilePixels};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::TilesetError;
use crate::percentile::lerp;
use crate::read::read_box;

/// Bytes of the columns, or planes, that one thread holds.
const SLAB_BYTES: usize = 32 << 20;

/// From which side the columns are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// From z = 0 upwards.
    #[default]
    Bottom,
    /// From the last plane downwards.
    Top,
}

/// What counts as bright.
#[derive(Debug, Clone, PartialEq)]
pub enum Threshold {
    /// Per column `fraction` of its percentile `percent`.
    Column {
        /// Percentile, 0 to 100.
        percent: f64,
        /// Factor on the percentile.
        fraction: f64,
    },
    /// One for all columns.
    Value(f64),
    /// One per column, over `(y, x)`.
    Image(Array2<f64>),
}

impl Default for Threshold {
    fn default() -> Threshold {
        Threshold::Column { percent: 99.0, fraction: 1.0 / 3.0 }
    }
}

/// The contact surface, over `(y, x)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    /// Plane of the first contact; -1 where there is none.
    pub index: Array2<i32>,
    /// The column's own intensity in that plane; NaN where there is none.
    pub intensity: Array2<f32>,
    /// The threshold used.
    pub threshold: Array2<f64>,
}

/// Finds the contact surface of an image over `(z, y, x)`, read as tile 0.
///
/// Walks the planes from one side. In each, `S` is where the intensity exceeds the threshold,
/// dilated by a square of `2 reach + 1` pixels; outside the image nothing is bright. Columns in `S`
/// without contact get their contact there, and their own intensity, bright or not.
///
/// NaN is never bright and is left out of percentiles; a column of NaN has the threshold NaN.
/// Parallel over bands of columns and rows; the result does not depend on them.
///
/// # Errors
/// [`TilesetError::Shape`] for an empty image or more than 2^31 planes;
/// [`TilesetError::ShapeMismatch`] for a threshold image of another shape;
/// [`TilesetError::Parameter`]; what reading gives.
///
/// # Cost
/// Two passes: columns for the percentile (not with a given threshold), planes for the walk, which
/// ends when every column has its contact. Memory: 32 MiB or one row of columns per thread, and a
/// few planes.
///
/// # Reference
/// ExM-Toolbox `get_contact_surface`, whose five dilations by 3 x 3 are `reach` 5; it takes a
/// contact in plane 0 for none and cannot tell none from plane 0.
pub fn contact_surface<T: Sample>(
    image: &dyn TilePixels<T>,
    shape: [u64; 3],
    from: From,
    threshold: &Threshold,
    reach: usize,
) -> Result<Surface, TilesetError> {
    if shape.contains(&0) || i32::try_from(shape[0]).is_err() {
        return Err(TilesetError::Shape { tile: 0, shape });
    }
    let [depth, height, width] = shape.map(|n| n as usize);
    let threshold = match threshold {
        Threshold::Column { percent, fraction } => {
            column_thresholds(image, [depth, height, width], *percent, *fraction)?
        }
        Threshold::Value(value) => Array2::from_elem((height, width), *value),
        Threshold::Image(given) if given.dim() == (height, width) => given.clone(),
        Threshold::Image(given) => {
            return Err(TilesetError::ShapeMismatch {
                what: "the threshold image".to_owned(),
                expected: shape[1..].to_vec(),
                found: given.shape().iter().map(|n| *n as u64).collect(),
            });
        }
    };
    let mut surface = Surface {
        index: Array2::from_elem((height, width), -1),
        intensity: Array2::from_elem((height, width), f32::NAN),
        threshold,
    };
    walk(image, depth, from, reach, &mut surface)?;
    Ok(surface)
}

/// `fraction` times the percentile of every column, without NaN.
fn column_thresholds<T: Sample>(
    image: &dyn TilePixels<T>,
    [depth, height, width]: [usize; 3],
    percent: f64,
    fraction: f64,
) -> Result<Array2<f64>, TilesetError> {
    let parameter = |name, found: f64, wanted| TilesetError::Parameter {
        name,
        found: found.to_string(),
        wanted,
    };
    if !(0.0..=100.0).contains(&percent) {
        return Err(parameter("percentile", percent, "a number from 0 to 100"));
    }
    if !fraction.is_finite() {
        return Err(parameter("fraction", fraction, "a finite number"));
    }
    let rows = (SLAB_BYTES / (depth * width * size_of::<T>())).clamp(1, height);
    let mut out = Array2::zeros((height, width));
    out.as_slice_mut()
        .expect("a new array is contiguous")
        .par_chunks_mut(rows * width)
        .enumerate()
        .try_for_each_init(
            || (Vec::new(), Vec::new()),
            |(buffer, column), (i, out)| {
                let n = out.len() / width;
                let start = [0, (i * rows) as i64, 0];
                let region = LayoutRegion::new(start, [depth, n, width].map(|n| n as i64));
                read_box(image, 0, &region, buffer)?;
                for (at, threshold) in out.iter_mut().enumerate() {
                    column.clear();
                    let values = buffer[at..].iter().step_by(n * width);
                    column.extend(values.map(|v| v.to_f64()).filter(|v| !v.is_nan()));
                    *threshold = fraction * percentile(column, percent);
                }
                Ok::<(), TilesetError>(())
            },
        )?;
    Ok(out)
}

/// numpy's linear percentile; NaN of nothing. Orders the values anew.
fn percentile(values: &mut [f64], percent: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let place = (values.len() - 1) as f64 * (percent / 100.0);
    let below = place.floor() as usize;
    let (_, low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = rest.iter().copied().fold(f64::INFINITY, f64::min);
    lerp(low, if rest.is_empty() { low } else { high }, place - place.floor())
}

fn walk<T: Sample>(
    image: &dyn TilePixels<T>,
    depth: usize,
    from: From,
    reach: usize,
    surface: &mut Surface,
) -> Result<(), TilesetError> {
    let (height, width) = surface.index.dim();
    let mut bright = vec![false; height * width];
    let mut wide = vec![false; height * width];
    let mut open = height * width;
    let planes = (SLAB_BYTES / (height * width * size_of::<T>())).clamp(1, depth);
    let index = surface.index.as_slice_mut().expect("made in standard layout");
    let intensity = surface.intensity.as_slice_mut().expect("made in standard layout");
    let threshold = surface.threshold.as_standard_layout();
    let threshold = threshold.as_slice().expect("in standard layout");
    let mut buffer = Vec::new();
    for first in (0..depth).step_by(planes) {
        let n = planes.min(depth - first);
        let start = if from == From::Bottom { first } else { depth - first - n };
        let shape = [n, height, width].map(|n| n as i64);
        read_box(image, 0, &LayoutRegion::new([start as i64, 0, 0], shape), &mut buffer)?;
        for step in 0..n {
            if open == 0 {
                return Ok(());
            }
            let z = if from == From::Bottom { step } else { n - 1 - step };
            let plane = &buffer[z * height * width..(z + 1) * height * width];
            bright
                .par_iter_mut()
                .zip(plane)
                .zip(threshold)
                .with_min_len(1 << 14)
                .for_each(|((bright, value), threshold)| *bright = value.to_f64() > *threshold);
            dilate(&mut bright, &mut wide, width, reach);
            for (i, value) in plane.iter().enumerate() {
                if bright[i] && index[i] < 0 {
                    (index[i], intensity[i]) = ((start + z) as i32, value.to_f32());
                    open -= 1;
                }
            }
        }
    }
    Ok(())
}

/// Grows what is true by a square of `2 reach + 1` pixels, first along x, then along y.
fn dilate(mask: &mut [bool], scratch: &mut [bool], width: usize, reach: usize) {
    if reach == 0 {
        return;
    }
    for (row, out) in mask.chunks(width).zip(scratch.chunks_mut(width)) {
        grow(row.len(), reach, |i| row[i], |i, on| out[i] = on);
    }
    let height = mask.len() / width;
    for x in 0..width {
        let at = |y: usize| y * width + x;
        let mask = std::cell::Cell::from_mut(&mut *mask).as_slice_of_cells();
        grow(height, reach, |y| scratch[at(y)], |y, on| mask[at(y)].set(on));
    }
}

/// Sets position `i` to whether any of `i - reach ..= i + reach` is set in a line of `n`.
fn grow(n: usize, reach: usize, is_set: impl Fn(usize) -> bool, mut set: impl FnMut(usize, bool)) {
    // The last position set among those seen; positions up to `i + reach` are looked ahead.
    let mut last: Option<usize> = (0..reach.min(n)).rev().find(|i| is_set(*i));
    for i in 0..n {
        if i + reach < n && is_set(i + reach) {
            last = Some(i + reach);
        }
        set(i, last.is_some_and(|l| l + reach >= i));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_grows_from_every_pixel_and_stops_at_the_border() {
        let (height, width, reach) = (9, 13, 2);
        let source: Vec<bool> = (0..height * width).map(|i| [0, 55, 90, 91].contains(&i)).collect();
        let (mut mask, mut scratch) = (source.clone(), vec![false; source.len()]);
        dilate(&mut mask, &mut scratch, width, reach);
        for (i, found) in mask.iter().enumerate() {
            let near = |j: usize| {
                (i / width).abs_diff(j / width) <= reach && (i % width).abs_diff(j % width) <= reach
            };
            assert_eq!(*found, (0..source.len()).any(|j| source[j] && near(j)), "{i}");
        }
    }

    #[test]
    fn percentiles_of_a_column_are_numpys() {
        assert_eq!(percentile(&mut [4.0, 1.0, 3.0, 2.0], 50.0), 2.5);
        assert_eq!(percentile(&mut [7.0], 99.0), 7.0);
        assert_eq!(percentile(&mut [1.0, 2.0], 100.0), 2.0);
        assert!(percentile(&mut [], 50.0).is_nan());
    }
}
