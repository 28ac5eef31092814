//! Of blobs that are one the strongest is kept.

use crate::point_grid::PointGrid;

/// A blob as suppression sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sphere {
    /// Centre, µm, over `z, y, x`.
    pub centre: [f64; 3],
    /// Radius, µm.
    pub radius: f64,
    /// The higher one stays.
    pub score: f32,
}

/// Decides which spheres stay: each in turn, by score and then by `z, y, x`, unless it overlaps one
/// that stays by more than `overlap` of the smaller of the two.
///
/// * `dimensions`: 3 for spheres, 2 for discs, 1 for intervals.
///
/// The order of `spheres` does not matter, but for equal ones, of which the first stays. About
/// linear time unless most radii are far below the largest.
pub fn suppress(spheres: &[Sphere], overlap: f64, dimensions: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..spheres.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&spheres[*a], &spheres[*b]);
        let by_place = (0..3).map(|d| a.centre[d].total_cmp(&b.centre[d]));
        by_place.fold(b.score.total_cmp(&a.score), std::cmp::Ordering::then)
    });
    let largest = spheres.iter().map(|s| s.radius).fold(0.0, f64::max);
    let mut kept = PointGrid::new(2.0 * largest);
    let mut stays = vec![false; spheres.len()];
    for i in order {
        let sphere = &spheres[i];
        stays[i] = kept
            .near(sphere.centre, sphere.radius + largest)
            .all(|j| shared_part(sphere, &spheres[j], dimensions) <= overlap);
        if stays[i] {
            kept.insert(sphere.centre, i);
        }
    }
    stays
}

/// Part of the smaller of two spheres (discs, intervals) that lies in the other, 0 to 1.
pub(crate) fn shared_part(a: &Sphere, b: &Sphere, dimensions: usize) -> f64 {
    let distance = (0..3).map(|d| (a.centre[d] - b.centre[d]).powi(2)).sum::<f64>().sqrt();
    let (small, large) = (a.radius.min(b.radius), a.radius.max(b.radius));
    if distance + small <= large {
        return 1.0;
    }
    if distance >= small + large {
        return 0.0;
    }
    // Distance of the plane of intersection from the centre of each, and what lies beyond it.
    let from_small = (distance * distance + small * small - large * large) / (2.0 * distance);
    let from_large = distance - from_small;
    cap(small, from_small, dimensions)
        + cap(large, from_large, dimensions) * (large / small).powi(dimensions as i32)
}

/// Part of a sphere of radius `r` beyond a plane at distance `h` from its centre.
fn cap(r: f64, h: f64, dimensions: usize) -> f64 {
    let c = (h / r).clamp(-1.0, 1.0);
    match dimensions {
        3 => (1.0 - c).powi(2) * (2.0 + c) / 4.0,
        2 => (c.acos() - c * (1.0 - c * c).sqrt()) / std::f64::consts::PI,
        _ => (1.0 - c) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sphere(z: f64, radius: f64, score: f32) -> Sphere {
        Sphere { centre: [z, 0.0, 0.0], radius, score }
    }

    #[test]
    fn parts_are_those_of_the_textbook() {
        let part = |d: f64, r: f64, n| shared_part(&sphere(0.0, 1.0, 0.0), &sphere(d, r, 0.0), n);
        // Equal balls: 1 - 3d/4 + d³/16.
        assert!((part(1.0, 1.0, 3) - 0.3125).abs() < 1e-12);
        assert!((part(1.0, 1.0, 1) - 0.5).abs() < 1e-12);
        assert!((part(1.0, 1.0, 2) - 0.391_002_218_955_771).abs() < 1e-12);
        assert_eq!((part(0.4, 0.5, 3), part(0.0, 1.0, 3), part(2.0, 1.0, 3)), (1.0, 1.0, 0.0));
        // By the sum of slices: what a small ball whose centre is on a large one's surface shares.
        let slices = 100_000;
        let sum: f64 = (0..slices)
            .map(|i| -0.5 + (f64::from(i) + 0.5) / f64::from(slices))
            .map(|x| (0.25 - x * x).min(1.0 - (1.0 + x).powi(2)).max(0.0))
            .sum();
        let expected = sum / f64::from(slices) / (4.0 / 3.0 * 0.125);
        assert!((part(1.0, 0.5, 3) - expected).abs() < 1e-4, "{expected}");
    }

    #[test]
    fn a_dropped_blob_drops_no_other() {
        // The middle one overlaps both, and goes; the ends are apart.
        let chain = [sphere(0.0, 2.0, 3.0), sphere(1.5, 2.0, 2.0), sphere(3.0, 2.0, 1.0)];
        assert_eq!(suppress(&chain, 0.3, 3), [true, false, true]);
        let reversed: Vec<Sphere> = chain.iter().rev().copied().collect();
        assert_eq!(suppress(&reversed, 0.3, 3), [true, false, true]);
        assert_eq!(suppress(&chain, 1.0, 3), [true; 3]);
        assert_eq!(suppress(&[sphere(1.0, 0.0, 1.0); 2], 0.5, 3), [true, false]);
    }

    #[test]
    fn the_grid_changes_nothing() {
        let spheres: Vec<Sphere> = (0..300)
            .map(|i| Sphere {
                centre: [f64::from(i * 7 % 40), f64::from(i * 13 % 37), f64::from(i * 29 % 43)],
                radius: 1.0 + f64::from(i % 5),
                score: ((i * 31) % 17) as f32,
            })
            .collect();
        let stays = suppress(&spheres, 0.2, 3);
        for (i, sphere) in spheres.iter().enumerate() {
            let beaten = spheres.iter().enumerate().any(|(j, other)| {
                let place = |s: &Sphere| s.centre.map(|c| c as i64);
                let first = other.score > sphere.score
                    || (other.score == sphere.score && place(other) < place(sphere));
                stays[j] && first && shared_part(sphere, other, 3) > 0.2
            });
            assert_eq!(stays[i], !beaten, "{i}");
        }
    }
}
