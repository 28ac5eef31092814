//! Other sizes for pictures, labels and masks.

use hooke_filters::Border;
use hooke_filters::fir::convolve_symmetric_into;
use hooke_filters::gaussian::gaussian_half_kernel;
use ndarray::{Array2, ArrayView2, Zip};

use super::{Interpolation, detect_touching_cells, label_seg};
use crate::LineageError;
use crate::contour::{cell_contours, fill_polygon};

/// Whether a picture of `shape` may be resized to `target` (both `(y, x)`) rather than cut into windows: each axis
/// below `factor` times the target.
pub fn resize_fits(shape: [usize; 2], target: [usize; 2], factor: f64) -> bool {
    (0..2).all(|axis| (shape[axis] as f64 / target[axis] as f64) < factor)
}

fn check(found: [usize; 2], wanted: [usize; 2]) -> Result<(), LineageError> {
    if found.contains(&0) || wanted.contains(&0) {
        let reason = format!("cannot resize {found:?} to {wanted:?}: an axis has no pixels");
        return Err(LineageError::Parameter { name: "shape", reason });
    }
    Ok(())
}

/// Resizes a picture to `shape` `(y, x)`: bilinear, pixel centres at (i + ½)·s − ½, the edge goes on outside.
///
/// It does not smooth before it shrinks: [`resize_antialiased`] does.
///
/// # Errors
/// When an axis of either has no pixels.
pub fn resize_image(
    image: ArrayView2<'_, f32>,
    shape: [usize; 2],
) -> Result<Array2<f32>, LineageError> {
    let (height, width) = image.dim();
    check([height, width], shape)?;
    let line = |n: usize, len: usize| -> Vec<(usize, usize, f32)> {
        let place = |i: usize| {
            let at = (i as f64 + 0.5) * n as f64 / len as f64 - 0.5;
            let at = at.clamp(0.0, (n - 1) as f64);
            (at as usize, (at as usize + 1).min(n - 1), at.fract() as f32)
        };
        (0..len).map(place).collect()
    };
    Ok(interpolate(image, &line(height, shape[0]), &line(width, shape[1])))
}

/// For each place along rows and columns: the pixels before and after, and the share of the latter.
fn interpolate(
    image: ArrayView2<'_, f32>,
    rows: &[(usize, usize, f32)],
    columns: &[(usize, usize, f32)],
) -> Array2<f32> {
    Array2::from_shape_fn((rows.len(), columns.len()), |(y, x)| {
        let ((y0, y1, fy), (x0, x1, fx)) = (rows[y], columns[x]);
        let upper = image[[y0, x0]] * (1.0 - fx) + image[[y0, x1]] * fx;
        let lower = image[[y1, x0]] * (1.0 - fx) + image[[y1, x1]] * fx;
        upper * (1.0 - fy) + lower * fy
    })
}

/// Resizes a picture to `shape` `(y, x)`, smoothed before along axes that shrink.
///
/// A Gaussian of σ = (factor − 1)/2, then interpolation at (i + ½)·s − ½; outside, the picture is mirrored about its
/// outermost pixels. As `resize` of scikit-image with anti-aliasing.
///
/// # Errors
/// When an axis of either has no pixels.
pub fn resize_antialiased(
    image: ArrayView2<'_, f32>,
    shape: [usize; 2],
    interpolation: Interpolation,
) -> Result<Array2<f32>, LineageError> {
    let (height, width) = image.dim();
    check([height, width], shape)?;
    let kernel = |n: usize, len: usize| {
        let sigma = (n as f64 / len as f64 - 1.0) / 2.0;
        (sigma > 0.0).then(|| gaussian_half_kernel(sigma)).filter(|k| k.len() > 1)
    };
    let kernels = [None, kernel(height, shape[0]), kernel(width, shape[1])];
    let source: Vec<f32> = image.iter().copied().collect();
    let mut smooth = Array2::zeros((height, width));
    let Some(out) = smooth.as_slice_mut() else { return Ok(smooth) };
    let kernels = kernels.each_ref().map(Option::as_deref);
    convolve_symmetric_into(&source, [1, height, width], kernels, Border::Mirror, out);

    let line = |n: usize, len: usize| -> Vec<(usize, usize, f32)> {
        let last = (n - 1) as f64;
        let place = |i: usize| {
            let at = ((i as f64 + 0.5) * n as f64 / len as f64 - 0.5).abs();
            let at = if at > last { (2.0 * last - at).max(0.0) } else { at };
            match interpolation {
                Interpolation::Bilinear => {
                    (at as usize, (at as usize + 1).min(n - 1), at.fract() as f32)
                }
                Interpolation::Nearest => ((at + 0.5) as usize, (at + 0.5) as usize, 0.0),
            }
        };
        (0..len).map(place).collect()
    };
    Ok(interpolate(smooth.view(), &line(height, shape[0]), &line(width, shape[1])))
}

/// Puts a picture at the top left of zeros, `target` or its own size, whichever is larger per axis.
pub fn pad_to(image: ArrayView2<'_, f32>, target: [usize; 2]) -> Array2<f32> {
    let (height, width) = image.dim();
    let mut out = Array2::zeros((height.max(target[0]), width.max(target[1])));
    out.slice_mut(ndarray::s![..height, ..width]).assign(&image);
    out
}

/// Resizes a label picture to `shape` `(y, x)` by its contours.
///
/// The contour of each label is scaled by (new − 1)/(old − 1), rounded half to even, and filled with its border, the
/// last objects in raster order first, so that earlier ones lie on top. `prevent_touching` clears pixels beside other
/// labels afterwards. DeLTA takes labels that touch for one object; here they stay apart.
///
/// # Errors
/// When an axis of either has no pixels.
pub fn resize_labels(
    labels: ArrayView2<'_, u32>,
    shape: [usize; 2],
    prevent_touching: bool,
) -> Result<Array2<u32>, LineageError> {
    let (height, width) = labels.dim();
    check([height, width], shape)?;
    let factor = |new: usize, old: usize| (new - 1) as f64 / (old.max(2) - 1) as f64;
    let (fy, fx) = (factor(shape[0], height), factor(shape[1], width));
    let scaled = |place: i32, factor: f64| (f64::from(place) * factor).round_ties_even() as i32;
    let mut out = Array2::zeros(shape);
    for (id, contour) in cell_contours(labels).iter().rev() {
        let contour: Vec<_> =
            contour.iter().map(|[x, y]| [scaled(*x, fx), scaled(*y, fy)]).collect();
        fill_polygon(&contour, shape, |y, x| out[[y, x]] = *id);
    }
    if prevent_touching {
        let touching = detect_touching_cells(out.view());
        Zip::from(&mut out).and(&touching).for_each(|label, touches| {
            if *touches {
                *label = 0;
            }
        });
    }
    Ok(out)
}

/// Resizes a mask to `shape` `(y, x)` by the contours of its objects, holes filled.
///
/// # Errors
/// As [`resize_labels`].
pub fn resize_mask(
    mask: ArrayView2<'_, u8>,
    shape: [usize; 2],
    prevent_touching: bool,
) -> Result<Array2<u8>, LineageError> {
    let labels = label_seg(mask, None)?;
    let labels = resize_labels(labels.view(), shape, prevent_touching)?;
    Ok(labels.mapv(|label| u8::from(label > 0)))
}
