//! Edges.

use ndarray::{Array2, ArrayView2};

/// tan 22.5°: between it and its inverse, a gradient is diagonal.
const TAN_22: f32 = 0.414_213_57;

/// Finds edge pixels `(y, x)` by Canny's method: Sobel gradients (edge pixels repeated outside), local maxima of their
/// length across the edge, and of these what exceeds `low` and is 8-connected to what exceeds `high`.
pub(super) fn canny(image: ArrayView2<'_, u8>, low: f32, high: f32) -> Vec<[usize; 2]> {
    let (height, width) = image.dim();
    let (low, high) = (low.min(high), low.max(high));
    let gradient = gradients(image);
    let square = |y: usize, x: usize, dy: isize, dx: isize| -> i32 {
        let (y, x) = (y.wrapping_add_signed(dy), x.wrapping_add_signed(dx));
        gradient.get([y, x]).map_or(0, |[gx, gy]| gx * gx + gy * gy)
    };
    let is_ridge = |y: usize, x: usize| {
        let [gx, gy] = gradient[[y, x]];
        let here = gx * gx + gy * gy;
        let (ax, ay) = (gx.abs() as f32, gy.abs() as f32);
        if ay < ax * TAN_22 {
            here > square(y, x, 0, -1) && here >= square(y, x, 0, 1)
        } else if ax < ay * TAN_22 {
            here > square(y, x, -1, 0) && here >= square(y, x, 1, 0)
        } else {
            let side = if (gx < 0) != (gy < 0) { -1 } else { 1 };
            here > square(y, x, -1, -side) && here > square(y, x, 1, side)
        }
    };
    let mut kind = Array2::from_elem((height, width), 0_u8);
    let mut edges = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let length = (square(y, x, 0, 0) as f32).sqrt();
            if length > low && is_ridge(y, x) {
                kind[[y, x]] = 1;
                if length > high {
                    kind[[y, x]] = 2;
                    edges.push([y, x]);
                }
            }
        }
    }
    let mut next = 0;
    while let Some(&[y, x]) = edges.get(next) {
        next += 1;
        for ny in y.saturating_sub(1)..height.min(y + 2) {
            for nx in x.saturating_sub(1)..width.min(x + 2) {
                if kind[[ny, nx]] == 1 {
                    kind[[ny, nx]] = 2;
                    edges.push([ny, nx]);
                }
            }
        }
    }
    edges
}

/// Sobel's gradients (x, y).
fn gradients(image: ArrayView2<'_, u8>) -> Array2<[i32; 2]> {
    let (height, width) = image.dim();
    Array2::from_shape_fn((height, width), |(y, x)| {
        let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
        let columns = [x.saturating_sub(1), x, (x + 1).min(width - 1)];
        let at = |row: usize, column: usize| i32::from(image[[rows[row], columns[column]]]);
        let gx = at(0, 2) + 2 * at(1, 2) + at(2, 2) - at(0, 0) - 2 * at(1, 0) - at(2, 0);
        let gy = at(2, 0) + 2 * at(2, 1) + at(2, 2) - at(0, 0) - 2 * at(0, 1) - at(0, 2);
        [gx, gy]
    })
}
