//! Frames made ready to be compared: only structures of the size of cells are left.

use hooke_filters::gaussian::difference_of_gaussians_into;
use ndarray::ArrayView2;

use crate::EventsError;

/// Filters a frame into `out`, `(y, x)` in row order.
///
/// `band`: sigmas of the two Gaussians whose difference is taken, pixels; `None` copies. The edge is
/// mirrored.
pub(crate) fn filtered(
    frame: ArrayView2<'_, f32>,
    band: Option<[f64; 2]>,
    out: &mut Vec<f32>,
    scratch: &mut Vec<f32>,
) {
    let (height, width) = frame.dim();
    let frame = frame.as_standard_layout();
    let src = frame.as_slice().expect("in standard layout");
    out.resize(src.len(), 0.0);
    match band {
        Some([narrow, wide]) => difference_of_gaussians_into(
            src,
            [1, height, width],
            [0.0, narrow, narrow],
            [0.0, wide, wide],
            out,
            scratch,
        ),
        None => out.copy_from_slice(src),
    }
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
        // A sum is not finite if a pixel is not; finite pixels that overflow it are counted as none.
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
    !(norm > rounding)
}
