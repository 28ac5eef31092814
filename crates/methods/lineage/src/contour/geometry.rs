//! Centroid, area, perimeter of the polygon through a contour's pixels; which borders of the picture it touches.

use super::Point;
use crate::tree::Edges;

/// Pairs of neighbouring points of a closed contour, from last to first around.
fn sides(contour: &[Point]) -> impl Iterator<Item = ([i64; 2], [i64; 2])> + '_ {
    let wide = |p: &Point| p.map(i64::from);
    contour.iter().map(wide).zip(contour.iter().cycle().skip(1).map(wide))
}

/// Finds the centroid `(x, y)` of the polygon through the points, its fractions cut off.
///
/// A polygon without an area, and up to two points, have the mean of the points instead (DeLTA answers `(0, 0)` for the
/// former). `(0, 0)` for no points.
pub fn centroid(contour: &[Point]) -> Point {
    // Relative to the first point sums stay small, and exact.
    let Some(&[x0, y0]) = contour.first() else { return [0, 0] };
    let (x0, y0) = (i64::from(x0), i64::from(y0));
    let (mut m00, mut m10, mut m01) = (0_i128, 0_i128, 0_i128);
    for ([ax, ay], [bx, by]) in sides(contour) {
        let (ax, ay, bx, by) = (ax - x0, ay - y0, bx - x0, by - y0);
        let cross = i128::from(ax) * i128::from(by) - i128::from(bx) * i128::from(ay);
        m00 += cross;
        m10 += cross * i128::from(ax + bx);
        m01 += cross * i128::from(ay + by);
    }
    let mean = |axis: usize| {
        let sum: i64 = contour.iter().map(|p| i64::from(p[axis])).sum();
        (sum / contour.len() as i64) as i32
    };
    if contour.len() <= 2 || m00 == 0 {
        return [mean(0), mean(1)];
    }
    // One division of whole numbers: what is an integer stays one, whatever the size of the picture.
    let at = |moment: i128, from: i64| {
        let whole = 3 * m00;
        ((moment + i128::from(from) * whole) / whole) as i32
    };
    [at(m10, x0), at(m01, y0)]
}

/// Returns the area of the polygon through the pixel centres, in px²; 0.1 where that is nothing.
///
/// It leaves out half of every border pixel: a square of 5 × 5 pixels has 16.
pub fn cell_area(contour: &[Point]) -> f64 {
    let area = polygon_area(contour);
    if area == 0.0 { 0.1 } else { area }
}

/// The area of the polygon through the pixel centres, 0 for lines.
pub(crate) fn polygon_area(contour: &[Point]) -> f64 {
    let twice: i128 = sides(contour)
        .map(|([ax, ay], [bx, by])| {
            i128::from(ax) * i128::from(by) - i128::from(bx) * i128::from(ay)
        })
        .sum();
    twice.unsigned_abs() as f64 / 2.0
}

/// Returns the length of the closed line through the pixel centres, in pixels.
pub fn cell_perimeter(contour: &[Point]) -> f64 {
    sides(contour).map(|([ax, ay], [bx, by])| ((bx - ax) as f64).hypot((by - ay) as f64)).sum()
}

/// Tells which borders of a picture of `shape` `(height, width)` any point of the contour lies on.
pub fn image_edges(contour: &[Point], shape: [usize; 2]) -> Edges {
    let on = |axis: usize, place: i64| contour.iter().any(|p| i64::from(p[axis]) == place);
    let [height, width] = shape.map(|n| n as i64 - 1);
    Edges::from_flags([on(0, 0), on(0, width), on(1, 0), on(1, height)])
}
