//! The vertex of a parabola through the response around its peak.

use hooke_filters::Border;

use super::solve::{cholesky, solve};
use crate::voxel_box::VoxelBox;

/// How far a vertex may lie from the middle voxel.
const FARTHEST: f64 = 0.6;

/// How far from the middle of a voxel at a face: no blob lies outside the image.
const FACE: f64 = 0.499;

/// Times that the middle may move by a voxel.
pub(crate) const MOVES: usize = 3;

/// Finds the vertex by least squares over the 27 voxels around the peak (9 in two dimensions), as an
/// offset from the voxel `at` in voxels.
///
/// Where it lies more than half a voxel off, the next voxel becomes the middle, at most three times.
/// Beyond the faces of the image the response is mirrored; axes of length 1 have an offset of 0.
///
/// * `response`: contiguous volume of the box `held` of an image of `shape`, which holds the four
///   voxels around `at`, or the faces.
pub(crate) fn vertex(
    response: &[f32],
    held: VoxelBox,
    shape: [usize; 3],
    at: [usize; 3],
) -> [f64; 3] {
    let mut middle = at.map(|p| p as isize);
    let mut moves = 0;
    loop {
        let step = step(response, held, shape, middle);
        let next: [isize; 3] = std::array::from_fn(|a| {
            let moved = middle[a] + isize::from(step[a] > 0.5) - isize::from(step[a] < -0.5);
            moved.clamp(0, shape[a] as isize - 1)
        });
        if next == middle || moves == MOVES {
            return std::array::from_fn(|a| {
                // The mirrored response of a blob at a face often peaks beyond it.
                let low = if middle[a] == 0 { -FACE } else { -FARTHEST };
                let high = if middle[a] + 1 == shape[a] as isize { FACE } else { FARTHEST };
                (middle[a] - at[a] as isize) as f64 + step[a].clamp(low, high)
            });
        }
        middle = next;
        moves += 1;
    }
}

/// The vertex relative to the middle, not clamped.
fn step(response: &[f32], held: VoxelBox, shape: [usize; 3], middle: [isize; 3]) -> [f64; 3] {
    let long: Vec<usize> = (0..3).filter(|a| shape[*a] > 1).collect();
    let value = |offset: [isize; 3]| {
        let place: [usize; 3] = std::array::from_fn(|a| {
            Border::Reflect.index(middle[a] + offset[a], shape[a]) - held.start[a]
        });
        let [_, height, width] = held.shape();
        f64::from(response[(place[0] * height + place[1]) * width + place[2]])
    };
    let range = |a: usize| if shape[a] > 1 { -1..=1 } else { 0..=0 };
    let (mut slope, mut curve) = ([0.0; 3], [[0.0; 3]; 3]);
    for z in range(0) {
        for y in range(1) {
            for x in range(2) {
                let (offset, v) = ([z, y, x], value([z, y, x]));
                let d = offset.map(|o| o as f64);
                for a in 0..3 {
                    slope[a] += d[a] * v;
                    curve[a][a] += (d[a] * d[a] - 2.0 / 3.0) * v;
                    for b in 0..a {
                        curve[a][b] += d[a] * d[b] * v;
                    }
                }
            }
        }
    }
    // Norms of the polynomials x, x² - 2/3 (twice its factor is the curvature) and x y.
    let others = |n: usize| 3.0_f64.powi(long.len() as i32 - n as i32);
    let slope = slope.map(|s| s / (2.0 * others(1)));
    let at = |a: usize, b: usize| match a.cmp(&b) {
        std::cmp::Ordering::Equal => -2.0 * curve[a][a] / (2.0 / 3.0 * others(1)),
        std::cmp::Ordering::Greater => -curve[a][b] / (4.0 * others(2)),
        std::cmp::Ordering::Less => -curve[b][a] / (4.0 * others(2)),
    };
    let n = long.len();
    let matrix: Vec<f64> = (0..n * n).map(|i| at(long[i / n], long[i % n])).collect();
    let mut result = [0.0; 3];
    if let Some(factor) = cholesky(&matrix, n) {
        let mut solution: Vec<f64> = long.iter().map(|a| slope[*a]).collect();
        solve(&factor, n, &mut solution);
        long.iter().zip(solution).for_each(|(a, s)| result[*a] = s);
    } else {
        for &a in long.iter().filter(|&&a| at(a, a) > 0.0) {
            result[a] = slope[a] / at(a, a);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(shape: [usize; 3], f: impl Fn([f64; 3]) -> f64) -> Vec<f32> {
        (0..shape.iter().product())
            .map(|i| [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]])
            .map(|p| f(p.map(|v| v as f64)) as f32)
            .collect()
    }

    #[test]
    fn a_parabola_gives_its_vertex() {
        let shape = [9, 9, 9];
        let at = |c: [f64; 3]| {
            move |p: [f64; 3]| {
                let d: [f64; 3] = std::array::from_fn(|a| p[a] - c[a]);
                50.0 - d[0] * d[0] - 2.0 * d[1] * d[1] - 1.5 * d[2] * d[2] - 0.8 * d[0] * d[1]
            }
        };
        let whole = VoxelBox::whole(shape);
        for centre in [[4.2, 3.7, 4.0], [4.0, 4.4, 6.3]] {
            let found = vertex(&volume(shape, at(centre)), whole, shape, [4, 4, 4]);
            assert!((0..3).all(|a| (found[a] + 4.0 - centre[a]).abs() < 1e-4), "{found:?}");
        }
        // Too far: clamped after three moves.
        let found = vertex(&volume(shape, at([4.0, 4.0, 8.0])), whole, shape, [4, 4, 4]);
        assert!((found[2] - 3.6).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn planes_lines_and_flat_responses_work() {
        let shape = [1, 7, 7];
        let plane = volume(shape, |p| -(p[1] - 3.25).powi(2) - (p[2] - 2.9).powi(2));
        let found = vertex(&plane, VoxelBox::whole(shape), shape, [0, 3, 3]);
        assert!(found[0] == 0.0 && (found[1] - 0.25).abs() < 1e-5 && (found[2] + 0.1).abs() < 1e-5);
        assert_eq!(vertex(&[1.0; 27], VoxelBox::whole([3; 3]), [3; 3], [1; 3]), [0.0; 3]);
    }
}
