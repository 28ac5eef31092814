//! Convex hulls of pixels: of the midpoints of their edges, in exact integers.
//!
//! Coordinates are doubled, so that an edge's midpoint (half a pixel off the centre) is an integer.
//! The hull of the midpoints is the hull of the centres plus a diamond, so only the vertices of the
//! centres' hull are moved.

/// Pixels of one row that lie in a hull: `(first, last)`, or `None`.
pub(super) type Interval = Option<(i64, i64)>;

/// The vertices of the convex hull of points in ascending order, counter-clockwise without collinear
/// ones (Andrew 1979).
pub(super) fn hull(points: &[[i64; 2]]) -> Vec<[i64; 2]> {
    if points.len() < 3 {
        let mut points = points.to_vec();
        points.dedup();
        return points;
    }
    let mut chain: Vec<[i64; 2]> = Vec::with_capacity(16);
    let mut extend = |points: &mut dyn Iterator<Item = [i64; 2]>| {
        let start = chain.len();
        for p in points {
            while let [.., a, b] = chain[start..] {
                if turn(a, b, p) > 0 {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        // The last point begins the other chain.
        chain.pop();
    };
    extend(&mut points.iter().copied());
    extend(&mut points.iter().rev().copied());
    if chain.is_empty() {
        chain.push(points[0]);
    }
    chain
}

/// Twice the area of the triangle, positive when it turns left.
fn turn(a: [i64; 2], b: [i64; 2], c: [i64; 2]) -> i64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// The centres of the outermost pixels of each row, ascending: all that a hull can need of a mask.
pub(super) fn row_ends(mask: &[bool], width: usize) -> Vec<[i64; 2]> {
    let mut ends = Vec::new();
    for (x, row) in mask.chunks_exact(width.max(1)).enumerate() {
        let first = row.iter().position(|inside| *inside);
        let last = row.iter().rposition(|inside| *inside);
        if let (Some(first), Some(last)) = (first, last) {
            ends.push([x as i64, first as i64]);
            if last > first {
                ends.push([x as i64, last as i64]);
            }
        }
    }
    ends
}

/// The hull of the edges' midpoints of pixels whose centres have the hull `centres`, in doubled
/// coordinates.
pub(super) fn with_edges(centres: &[[i64; 2]]) -> Vec<[i64; 2]> {
    const DIAMOND: [[i64; 2]; 4] = [[-1, 0], [0, -1], [0, 1], [1, 0]];
    let moved = |c: &[i64; 2]| DIAMOND.map(|d| [2 * c[0] + d[0], 2 * c[1] + d[1]]);
    let mut points: Vec<[i64; 2]> = centres.iter().flat_map(moved).collect();
    points.sort_unstable();
    points.dedup();
    hull(&points)
}

/// For each of `height` rows the pixels whose centre lies in or on the doubled hull `vertices`.
pub(super) fn row_intervals(vertices: &[[i64; 2]], [height, width]: [usize; 2]) -> Vec<Interval> {
    let next = |i: usize| vertices[(i + 1) % vertices.len()];
    let side = |(i, a): (usize, &[i64; 2])| {
        let b = next(i);
        let normal = [b[1] - a[1], a[0] - b[0]];
        [normal[0], normal[1], normal[0] * a[0] + normal[1] * a[1]]
    };
    let sides: Vec<[i64; 3]> = vertices.iter().enumerate().map(side).collect();
    let row = |x: usize| {
        let mut interval = (0, width as i64 - 1);
        let inside = sides
            .iter()
            .all(|[nx, ny, offset]| tighten(&mut interval, 2 * ny, offset - 2 * nx * x as i64));
        inside.then_some(interval)
    };
    (0..height).map(row).collect()
}

/// Cuts `(lo, hi)` to the integers `y` with `slope * y <= limit`; false when none is left.
pub(super) fn tighten((lo, hi): &mut (i64, i64), slope: i64, limit: i64) -> bool {
    // Division only where the bound moves: that is seldom.
    if slope > 0 {
        if slope * *hi > limit {
            *hi = limit.div_euclid(slope);
        }
    } else if slope < 0 {
        if slope * *lo > limit {
            *lo = -limit.div_euclid(-slope);
        }
    } else if limit < 0 {
        return false;
    }
    lo <= hi
}

/// The largest distance of two of the points, 0 for fewer than two.
pub(super) fn diameter(points: &[[i64; 2]]) -> f64 {
    let squared = |a: &[i64; 2], b: &[i64; 2]| (a[0] - b[0]).pow(2) + (a[1] - b[1]).pow(2);
    let pairs =
        points.iter().enumerate().flat_map(|(i, a)| points[i..].iter().map(move |b| squared(a, b)));
    (pairs.max().unwrap_or(0) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_four_corners_and_a_line_two_ends() {
        let square: Vec<[i64; 2]> = (0..9).map(|i| [i / 3, i % 3]).collect();
        assert_eq!(hull(&square), [[0, 0], [2, 0], [2, 2], [0, 2]]);
        assert_eq!(hull(&[[0, 0], [1, 1], [2, 2]]), [[0, 0], [2, 2]]);
        assert_eq!(hull(&[[4, 4]]), [[4, 4]]);
    }

    #[test]
    fn the_hull_of_a_triangle_of_pixels_takes_those_whose_centre_it_holds() {
        // Pixels (0, 0), (2, 0), (2, 2): (1, 0), (2, 1) and, on the slope, (1, 1) come in.
        let vertices = with_edges(&hull(&[[0, 0], [2, 0], [2, 2]]));
        assert_eq!(row_intervals(&vertices, [3, 3]), [Some((0, 0)), Some((0, 1)), Some((0, 2))]);
    }

    #[test]
    fn bounds_round_inward() {
        let mut interval = (-9, 9);
        assert!(tighten(&mut interval, 2, 5) && tighten(&mut interval, -2, 5));
        assert_eq!(interval, (-2, 2));
        assert!(!tighten(&mut interval, 0, -1) && !tighten(&mut interval, 3, -9));
    }
}
