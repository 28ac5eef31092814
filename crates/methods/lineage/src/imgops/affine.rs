//! Rotation, zoom and shift of pictures.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// How values between pixels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel, for masks and labels.
    Nearest,
    /// Linear along both axes.
    Bilinear,
}

/// Rotates and zooms a picture about its centre, then shifts it; same size, the edge goes on outside.
///
/// Output pixel p shows input M⁻¹p, where M turns by `angle_deg` counter-clockwise on the screen and multiplies by
/// `zoom` about ((W−1)/2, (H−1)/2), then moves by −`shift`·`zoom`, `shift` being (x, y). A zoom that is 0 or no number
/// gives the picture unchanged. Parallel over rows.
pub fn affine_transform(
    image: ArrayView2<'_, f32>,
    zoom: f64,
    angle_deg: f64,
    shift: [f64; 2],
    interpolation: Interpolation,
) -> Array2<f32> {
    let (height, width) = image.dim();
    let finite = [zoom, angle_deg, shift[0], shift[1]].iter().all(|v| v.is_finite());
    if height == 0 || width == 0 || zoom == 0.0 || !finite {
        return image.to_owned();
    }
    let image = image.as_standard_layout();
    let (sin, cos) = angle_deg.to_radians().sin_cos();
    let (cx, cy) = ((width - 1) as f64 / 2.0, (height - 1) as f64 / 2.0);
    let place = |y: usize, x: usize| {
        let (dx, dy) = (x as f64 + shift[0] * zoom - cx, y as f64 + shift[1] * zoom - cy);
        ((sin * dx + cos * dy) / zoom + cy, (cos * dx - sin * dy) / zoom + cx)
    };
    let sample = |y: f64, x: f64| {
        let y = y.clamp(0.0, (height - 1) as f64);
        let x = x.clamp(0.0, (width - 1) as f64);
        match interpolation {
            Interpolation::Nearest => image[[y.round() as usize, x.round() as usize]],
            Interpolation::Bilinear => {
                let (y0, x0) = (y as usize, x as usize);
                let (y1, x1) = ((y0 + 1).min(height - 1), (x0 + 1).min(width - 1));
                let (fy, fx) = ((y - y0 as f64) as f32, (x - x0 as f64) as f32);
                let upper = image[[y0, x0]] * (1.0 - fx) + image[[y0, x1]] * fx;
                let lower = image[[y1, x0]] * (1.0 - fx) + image[[y1, x1]] * fx;
                upper * (1.0 - fy) + lower * fy
            }
        }
    };
    let mut out = Array2::zeros((height, width));
    let rows = out.as_slice_mut().unwrap_or_default().par_chunks_mut(width);
    rows.enumerate().for_each(|(y, row)| {
        for (x, value) in row.iter_mut().enumerate() {
            let (from_y, from_x) = place(y, x);
            *value = sample(from_y, from_x);
        }
    });
    out
}

/// Turns a picture by `angle_deg`, counter-clockwise on the screen, about its centre, linearly interpolated.
pub fn rotate(image: ArrayView2<'_, f32>, angle_deg: f64) -> Array2<f32> {
    affine_transform(image, 1.0, angle_deg, [0.0; 2], Interpolation::Bilinear)
}

/// Moves a picture by −`drift` (x, y), linearly interpolated: content that moved by `drift` is back where it was.
pub fn correct_drift(image: ArrayView2<'_, f32>, drift: [f64; 2]) -> Array2<f32> {
    affine_transform(image, 1.0, 0.0, drift, Interpolation::Bilinear)
}
