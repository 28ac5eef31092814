//! Filled polygons.

use super::Point;

const FRACTION_BITS: u32 = 16;
const ONE: i64 = 1 << FRACTION_BITS;

/// Calls `paint(y, x)` for every pixel of a polygon, its border included, that lies in a picture of `shape` `(y, x)`.
///
/// The border is drawn with Bresenham's lines from left to right; inside are the
/// pixels that an odd number of sides surrounds. Pixels may be painted more than once. The outer contour of an object
/// gives the object with its holes filled.
///
/// Time grows with the length of the sides, also of those outside of the picture.
pub fn fill_polygon(points: &[Point], shape: [usize; 2], mut paint: impl FnMut(usize, usize)) {
    let [height, width] = shape.map(|n| n as i64);
    let mut paint_inside = |y: i64, x: i64| {
        if (0..height).contains(&y) && (0..width).contains(&x) {
            paint(y as usize, x as usize);
        }
    };
    let Some(top) = points.iter().map(|p| i64::from(p[1])).min() else { return };
    let bottom = points.iter().map(|p| i64::from(p[1])).max().unwrap_or(top);
    let (top, bottom) = (top.max(0), bottom.min(height - 1));
    let mut crossings: Vec<Vec<i64>> = vec![Vec::new(); (bottom - top + 1).max(0) as usize];

    for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
        let (a, b) = (a.map(i64::from), b.map(i64::from));
        draw_line(a, b, &mut paint_inside);
        let (upper, lower) = if a[1] <= b[1] { (a, b) } else { (b, a) };
        if upper[1] == lower[1] {
            continue;
        }
        let slope = ((lower[0] - upper[0]) << FRACTION_BITS) / (lower[1] - upper[1]);
        for y in upper[1].max(top)..lower[1].min(bottom + 1) {
            crossings[(y - top) as usize]
                .push((upper[0] << FRACTION_BITS) + (y - upper[1]) * slope);
        }
    }
    for (y, row) in (top..).zip(&mut crossings) {
        row.sort_unstable();
        for ends in row.as_chunks::<2>().0 {
            let (from, to) = ((ends[0] + ONE - 1) >> FRACTION_BITS, ends[1] >> FRACTION_BITS);
            for x in from.max(0)..=to.min(width - 1) {
                paint_inside(y, x);
            }
        }
    }
}

/// Draws an 8-connected line (Bresenham 1965) from the left end to the right one; ties stay with the left end.
fn draw_line(a: [i64; 2], b: [i64; 2], paint: &mut impl FnMut(i64, i64)) {
    let ([x0, y0], [x1, y1]) = if a[0] <= b[0] { (a, b) } else { (b, a) };
    let (dx, dy, down) = (x1 - x0, (y1 - y0).abs(), (y1 - y0).signum());
    let (long, short) = (dx.max(dy), dx.min(dy));
    let mut error = long - 2 * short;
    let (mut x, mut y) = (x0, y0);
    for _ in 0..=long {
        paint(y, x);
        let is_diagonal = error < 0;
        error += 2 * if is_diagonal { long - short } else { -short };
        x += i64::from(dx >= dy || is_diagonal);
        y += if dx < dy || is_diagonal { down } else { 0 };
    }
}
