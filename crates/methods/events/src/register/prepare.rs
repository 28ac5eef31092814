//! Frames made ready to be compared: only structures of the size of cells are left.

use hooke_filters::Border;
use hooke_filters::gaussian::gaussian_into;
use ndarray::ArrayView2;

use crate::EventsError;

/// Memory of [`filtered`].
#[derive(Debug, Default)]
pub(crate) struct BandMemory {
    wide: Vec<f32>,
    bins: Vec<f32>,
    smooth: Vec<f32>,
    rows: Vec<f32>,
}

/// Filters a frame into `out`, `(y, x)` in row order.
///
/// `band`: sigmas of the two Gaussians whose difference is taken, pixels; `None` copies. The edge is
/// mirrored.
pub(crate) fn filtered(
    frame: ArrayView2<'_, f32>,
    band: Option<[f64; 2]>,
    out: &mut Vec<f32>,
    memory: &mut BandMemory,
) {
    let (height, width) = frame.dim();
    let frame = frame.as_standard_layout();
    let src = frame.as_slice().expect("in standard layout");
    out.resize(src.len(), 0.0);
    let Some([narrow, wide]) = band else {
        out.copy_from_slice(src);
        return;
    };
    gaussian_into(src, [1, height, width], [0.0, narrow, narrow], out);
    memory.smooth_wide(src, [height, width], wide);
    out.iter_mut().zip(&memory.wide).for_each(|(v, wide)| *v -= wide);
}

impl BandMemory {
    /// Smooths with a wide Gaussian, into `wide`: on bins of a quarter of its full width, between whose
    /// centres the result is linear. The filter is of the same variance as the Gaussian and differs from
    /// it by less than 1 % of its height, at a tenth of the cost.
    fn smooth_wide(&mut self, src: &[f32], [height, width]: [usize; 2], sigma: f64) {
        let bin = ((sigma / 2.0) as usize).clamp(1, height.min(width));
        let side = (bin * bin) as f64;
        // Variances of the bin itself and of the linear interpolation.
        let left = sigma * sigma - (side - 1.0) / 12.0 - if bin > 1 { side / 6.0 } else { 0.0 };
        let sigma = (left.max(0.0) / side).sqrt();
        // Bins beyond the edges, too: their own mirror would not lie at the frame's edge.
        let beyond = (4.0 * sigma).ceil() as usize;
        let (rows, columns) = (height.div_ceil(bin) + 2 * beyond, width.div_ceil(bin) + 2 * beyond);
        let mirrored =
            |i: usize, n: usize| Border::Reflect.index(i as isize - (beyond * bin) as isize, n);
        let places: Vec<usize> = (0..columns * bin).map(|i| mirrored(i, width)).collect();
        let inner = beyond * bin..beyond * bin + width;
        self.bins.clear();
        self.bins.resize(rows * columns, 0.0);
        let mut line = vec![0.0; columns * bin];
        for y in 0..rows * bin {
            let row = &src[mirrored(y, height) * width..][..width];
            line[inner.clone()].copy_from_slice(row);
            for outer in [0..inner.start, inner.end..places.len()] {
                for (v, place) in line[outer.clone()].iter_mut().zip(&places[outer]) {
                    *v = row[*place];
                }
            }
            let sums = &mut self.bins[y / bin * columns..][..columns];
            for (sum, part) in sums.iter_mut().zip(line.chunks_exact(bin)) {
                *sum += part.iter().sum::<f32>();
            }
        }
        self.bins.iter_mut().for_each(|v| *v /= side as f32);
        self.smooth.resize(self.bins.len(), 0.0);
        gaussian_into(&self.bins, [1, rows, columns], [0.0, sigma, sigma], &mut self.smooth);
        self.rows.clear();
        for row in self.smooth.chunks(columns) {
            self.rows.extend((0..width).map(|x| {
                let (i, k, t) = between(x + inner.start, bin, columns);
                row[i] + t * (row[k] - row[i])
            }));
        }
        self.wide.clear();
        for y in 0..height {
            let (i, k, t) = between(y + inner.start, bin, rows);
            let (row, next) = (&self.rows[i * width..][..width], &self.rows[k * width..][..width]);
            self.wide.extend(row.iter().zip(next).map(|(a, b)| a + t * (b - a)));
        }
    }
}

/// The bins whose centres lie around a pixel, and how far it is from the first to the second.
fn between(p: usize, bin: usize, bins: usize) -> (usize, usize, f32) {
    let place = (p as f32 + 0.5) / bin as f32 - 0.5;
    let first = place.max(0.0) as usize;
    (first, (first + 1).min(bins - 1), (place - first as f32).max(0.0))
}

/// Refuses frames with pixels that are no numbers.
///
/// * `first`: number of the first of `frames`, for the message.
///
/// # Errors
/// [`EventsError::NotFinite`] with the first such pixel and the count of them all.
pub(crate) fn check_finite<'a>(
    frames: impl Iterator<Item = ArrayView2<'a, f32>>,
    first: usize,
) -> Result<(), EventsError> {
    let mut found = None;
    let mut count = 0_u64;
    for (i, frame) in frames.enumerate() {
        if frame.iter().all(|v| v.is_finite()) {
            continue;
        }
        for ((y, x), _) in frame.indexed_iter().filter(|(_, v)| !v.is_finite()) {
            found.get_or_insert((first + i, y, x));
            count += 1;
        }
    }
    match found {
        Some((frame, y, x)) => Err(EventsError::NotFinite { frame, row: y, column: x, count }),
        None => Ok(()),
    }
}

/// Whether a filtered frame holds nothing but rounding errors: black, or saturated all over.
pub(crate) fn is_flat(frame: ArrayView2<'_, f32>, norm: f64) -> bool {
    let largest = frame.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let rounding = 1e-6 * f64::from(largest) * (frame.len() as f64).sqrt();
    norm.is_nan() || norm <= rounding
}

#[cfg(test)]
mod tests {
    use hooke_filters::gaussian::difference_of_gaussians;
    use ndarray::{Array2, Axis};

    use super::*;

    #[test]
    fn the_binned_filter_is_near_the_difference_of_gaussians() {
        let frame = Array2::from_shape_fn((61, 70), |(y, x)| {
            let (y, x) = (y as f32, x as f32);
            100.0 + 30.0 * (0.9 * y).sin() * (0.7 * x).cos() + 40.0 * (0.1 * x + 0.15 * y).sin()
        });
        let volume = frame.view().insert_axis(Axis(0));
        let exact = difference_of_gaussians(volume, [0.0, 1.0, 1.0], [0.0, 8.0, 8.0]);
        let mut found = Vec::new();
        filtered(frame.view(), Some([1.0, 8.0]), &mut found, &mut BandMemory::default());
        for ((place, exact), found) in exact.indexed_iter().zip(&found) {
            assert!((exact - found).abs() < 0.4, "{exact} {found} at {place:?}");
        }
    }

    #[test]
    fn a_constant_frame_is_filtered_to_nothing() {
        let frame = Array2::from_elem((33, 18), 1000.0);
        for band in [[1.0, 8.0], [0.0, 1.5], [2.0, 100.0]] {
            let mut found = Vec::new();
            filtered(frame.view(), Some(band), &mut found, &mut BandMemory::default());
            assert!(found.iter().all(|v| v.abs() < 1e-2), "{band:?}");
        }
    }
}
