//! Curvature along a contour, and the poles of a rod: its two most bent ends.

use super::Point;
use crate::LineageError;

/// Computes the curvature at every point of a closed contour, in 1/px; convex parts are negative.
///
/// κ = (x′y″ − y′x″) / max((x′² + y′²)^1.5, 1e−6), the derivatives of the parabola fitted to the `stride` points on
/// either side (Savitzky & Golay 1964). `stride` is a fourth of the points, at most 5, unless given.
///
/// # Errors
/// Fewer than 4 points; a stride of 0, or of more than a fourth of the points.
pub fn contour_curvature(
    contour: &[Point],
    stride: Option<usize>,
) -> Result<Vec<f64>, LineageError> {
    let bad = |name, reason| Err(LineageError::Parameter { name, reason });
    let n = contour.len();
    if n < 4 {
        return bad("contour", format!("has {n} points, curvature needs at least 4"));
    }
    let stride = stride.unwrap_or((n / 4).min(5));
    if stride == 0 || stride > n / 4 {
        return bad("stride", format!("is {stride}, wanted 1 to {} for {n} points", n / 4));
    }
    // Sums of whole numbers, so that points which are mirror images have the same curvature to the bit:
    // the first of equal ones is a pole, on every machine.
    let s = stride as i64;
    let points = 2 * s + 1;
    let square_sum = s * (s + 1) * points / 3;
    let fourth_sum = square_sum * (3 * s * s + 3 * s - 1) / 5;
    let first_scale = square_sum as f64;
    let second_scale = (points * fourth_sum - square_sum * square_sum) as f64 / 2.0;

    let mut curvature = Vec::with_capacity(n);
    for i in 0..n {
        let centre = contour[i].map(i64::from);
        let (mut first, mut second) = ([0_i64; 2], [0_i64; 2]);
        for k in 1..=stride {
            let ahead = contour[(i + k) % n];
            let behind = contour[(i + n - k) % n];
            let k = k as i64;
            for axis in 0..2 {
                // Relative to the centre: the sums stay small.
                let ahead = i64::from(ahead[axis]) - centre[axis];
                let behind = i64::from(behind[axis]) - centre[axis];
                first[axis] += k * (ahead - behind);
                second[axis] += (points * k * k - square_sum) * (ahead + behind);
            }
        }
        let cross = i128::from(first[0]) * i128::from(second[1])
            - i128::from(first[1]) * i128::from(second[0]);
        let speed: i128 = first.iter().map(|v| i128::from(*v) * i128::from(*v)).sum();
        let speed = speed as f64 / (first_scale * first_scale);
        curvature.push(cross as f64 / (first_scale * second_scale) / speed.powf(1.5).max(1e-6));
    }
    Ok(curvature)
}

/// Finds the poles `(y, x)` of a rod: the most bent point, and the most bent one of the half contour opposite to it.
///
/// Of equally bent points the first is taken. Of fewer than 4 points the two farthest apart are the poles; no point at
/// all has `(0, 0)` twice.
pub fn find_poles(contour: &[Point]) -> [[i32; 2]; 2] {
    let yx = |[x, y]: Point| [y, x];
    let n = contour.len();
    let Ok(curvature) = contour_curvature(contour, None) else {
        return farthest(contour).map(yx);
    };
    let most_bent = |from: usize, count: usize| {
        let mut best = from % n;
        for i in (from..from + count).map(|i| i % n) {
            if curvature[i] < curvature[best] {
                best = i;
            }
        }
        best
    };
    let first = most_bent(0, n);
    let second = most_bent(first + n / 4, 2 * (n / 4) + 1);
    [yx(contour[first]), yx(contour[second])]
}

/// The two points farthest from each other, the first of equal pairs.
fn farthest(contour: &[Point]) -> [Point; 2] {
    let square = |[ax, ay]: Point, [bx, by]: Point| {
        let (dx, dy) = (i64::from(ax) - i64::from(bx), i64::from(ay) - i64::from(by));
        i128::from(dx) * i128::from(dx) + i128::from(dy) * i128::from(dy)
    };
    let first = contour.first().copied().unwrap_or_default();
    let mut best = [first, first];
    for (i, &a) in contour.iter().enumerate() {
        for &b in &contour[i + 1..] {
            if square(a, b) > square(best[0], best[1]) {
                best = [a, b];
            }
        }
    }
    best
}
