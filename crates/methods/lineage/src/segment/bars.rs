//! Bars: lines that are darker, or brighter, than what is on both sides of them.

use ndarray::Array2;

/// How much each pixel is in a dark bar: `sigma^2` times the greater eigenvalue of the Hessian, 0 along the border.
///
/// * `image`: smoothed with `sigma`. Bright bars are the dark ones of the negated image.
pub(super) fn bars(image: &Array2<f32>, sigma: f64) -> Vec<f32> {
    let (rows, columns) = image.dim();
    let mut out = vec![0.0; rows * columns];
    for y in 1..rows.saturating_sub(1) {
        for x in 1..columns.saturating_sub(1) {
            let at = |dy: usize, dx: usize| image[[y + dy - 1, x + dx - 1]];
            let yy = at(0, 1) - 2.0 * at(1, 1) + at(2, 1);
            let xx = at(1, 0) - 2.0 * at(1, 1) + at(1, 2);
            let yx = 0.25 * (at(0, 0) + at(2, 2) - at(0, 2) - at(2, 0));
            let half = (0.25 * (yy - xx) * (yy - xx) + yx * yx).sqrt();
            out[y * columns + x] = (sigma * sigma) as f32 * (0.5 * (yy + xx) + half);
        }
    }
    out
}
