//! The shape of an event seen along time.

use std::f64::consts::{PI, SQRT_2};

use super::hull2::{diameter, hull, row_ends, row_intervals, with_edges};
use super::moments::{Ellipse, Moments};

/// What is measured on a footprint. Lengths in pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FootprintShape {
    pub area: u64,
    /// Mean `(row, column)`.
    pub centroid: [f64; 2],
    pub ellipse: Ellipse,
    pub perimeter: f64,
    pub area_convex: u64,
    pub feret: f64,
    pub equivalent_diameter: f64,
}

/// Measures a mask `(rows, columns)` that is not empty.
pub(super) fn footprint_shape(mask: &[bool], shape: [usize; 2]) -> FootprintShape {
    let width = shape[1].max(1);
    let mut moments = Moments::<2>::default();
    for (x, row) in mask.chunks_exact(width).enumerate() {
        let mut y = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] {
                moments.add_run([x as i64, y], run.len() as u64);
            }
            y += run.len() as i64;
        }
    }
    let centres = hull(&row_ends(mask, width));
    let rows = row_intervals(&with_edges(&centres), shape);
    let spans = rows.iter().flatten();
    let area_convex = spans.map(|(lo, hi)| (hi - lo + 1) as u64).sum();
    FootprintShape {
        area: moments.count(),
        centroid: moments.mean(),
        ellipse: moments.ellipse(centres.len() < 3),
        perimeter: perimeter(mask, shape),
        area_convex,
        feret: feret(&rows),
        equivalent_diameter: (4.0 * moments.count() as f64 / PI).sqrt(),
    }
}

/// The largest distance of two points of the outline, at level 1/2, of the pixels `rows`.
///
/// That outline passes the midpoints of the pixels' edges, so the largest distance is that of two
/// corners of their hull.
fn feret(rows: &[Option<(i64, i64)>]) -> f64 {
    let ends = |(x, row): (usize, &Option<(i64, i64)>)| {
        row.map(|(lo, hi)| [[x as i64, lo], [x as i64, hi]])
    };
    let mut points: Vec<[i64; 2]> = rows.iter().enumerate().filter_map(ends).flatten().collect();
    points.dedup();
    diameter(&with_edges(&hull(&points))) / 2.0
}

/// The length of the border of a mask, from the neighbours each border pixel has among border pixels.
///
/// Borders are pixels with a side neighbour outside. A pixel counts 1, a side neighbour 2, a corner
/// neighbour 10; sums 5, 7, 15, 17, 25, 27 weigh 1, 21 and 33 sqrt(2), 13 and 23 (1 + sqrt(2)) / 2
/// (Benkrid & Crookes 2000, as in scikit-image).
fn perimeter(mask: &[bool], [height, width]: [usize; 2]) -> f64 {
    let get = |image: &[bool], x: isize, y: isize| {
        let is_in = (0..height as isize).contains(&x) && (0..width as isize).contains(&y);
        is_in && image[x as usize * width + y as usize]
    };
    let places = || (0..height as isize).flat_map(|x| (0..width as isize).map(move |y| (x, y)));
    let is_border = |(x, y): (isize, isize)| {
        let sides = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
        get(mask, x, y) && !sides.iter().all(|(x, y)| get(mask, *x, *y))
    };
    let border: Vec<bool> = places().map(is_border).collect();
    let mut counts = [0_u64; 3];
    for (x, y) in places().filter(|(x, y)| get(&border, *x, *y)) {
        let mut code = 1;
        for (dx, dy) in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy))) {
            if (dx, dy) != (0, 0) && get(&border, x + dx, y + dy) {
                code += if dx == 0 || dy == 0 { 2 } else { 10 };
            }
        }
        match code {
            5 | 7 | 15 | 17 | 25 | 27 => counts[0] += 1,
            21 | 33 => counts[1] += 1,
            13 | 23 => counts[2] += 1,
            _ => {}
        }
    }
    let [straight, diagonal, bent] = counts.map(|c| c as f64);
    straight + diagonal * SQRT_2 + bent * (1.0 + SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_of_three_by_six() {
        let shape = footprint_shape(&[true; 18], [3, 6]);
        assert_eq!((shape.area, shape.area_convex), (18, 18));
        assert!((shape.perimeter - 14.0).abs() < 1e-12);
        assert!((shape.feret - 40_f64.sqrt()).abs() < 1e-12);
        assert!((shape.ellipse.orientation - PI / 2.0).abs() < 1e-12);
    }
}
