//! The slope of the background around a blob.

use std::ops::Range;

use hooke_filters::order::median;
use ndarray::ArrayView3;

use super::solve::{cholesky, solve};
use super::window::{Optics, Start};

/// Inner and outer rim of the shell, in widths.
pub(crate) const SHELL: [f64; 2] = [2.5, 4.5];

/// Widths around other blobs that are left out.
const OTHERS: f64 = 3.0;

/// Residuals larger than so many standard deviations are left out.
const CLIP: f64 = 2.5;

const ROUNDS: usize = 3;

/// Voxels that a plane needs.
const FEWEST: usize = 50;

/// A sloping background.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Plane {
    /// Rise per voxel over `z, y, x`.
    pub(crate) slope: [f64; 3],
    /// Level at the blob; `None` if too little of the background is seen to tell.
    pub(crate) level: Option<f64>,
}

/// Fits a plane to the shell around a blob, by least squares without what sticks out of it.
///
/// Within the window of a blob its place and a slope can hardly be told apart (a slope there would
/// double the error of the place); further out they can.
///
/// * `voxels`: intensities of a block that starts at `start` of the image.
/// * `peak`: the voxel that `blob` and `others` are relative to.
pub(crate) fn plane_around(
    voxels: ArrayView3<'_, f32>,
    start: [usize; 3],
    peak: [usize; 3],
    blob: &Start,
    others: &[Start],
    optics: &Optics,
) -> Plane {
    // Squared distance in widths along each axis, over the ranges of the shell.
    let range = |a: usize| {
        let low = start[a] as i64 - peak[a] as i64;
        let high = low + voxels.shape()[a] as i64;
        let half = SHELL[1] * optics.width(blob.sigma_um)[a];
        let from = ((blob.centre[a] - half).ceil() as i64).clamp(low, high);
        from..((blob.centre[a] + half).floor() as i64 + 1).clamp(from, high)
    };
    let ranges: [Range<i64>; 3] = std::array::from_fn(range);
    let tables = |of: &Start| -> [Vec<f64>; 3] {
        let width = optics.width(of.sigma_um);
        std::array::from_fn(|a| {
            let along = |p: i64| match optics.shape[a] {
                1 => 0.0,
                _ => ((p as f64 - of.centre[a]) / width[a]).powi(2),
            };
            ranges[a].clone().map(along).collect()
        })
    };
    let own = tables(blob);
    let others: Vec<[Vec<f64>; 3]> = others.iter().map(tables).collect();
    let (inner, outer) = (SHELL[0].powi(2), SHELL[1].powi(2));
    let mut samples = Samples::default();
    for (iz, z) in ranges[0].clone().enumerate() {
        for (iy, y) in ranges[1].clone().enumerate() {
            let rim = own[0][iz] + own[1][iy];
            if rim > outer {
                continue;
            }
            for (ix, x) in ranges[2].clone().enumerate() {
                let rim = rim + own[2][ix];
                let is_other = |o: &[Vec<f64>; 3]| o[0][iz] + o[1][iy] + o[2][ix] < OTHERS * OTHERS;
                if rim < inner || rim > outer || others.iter().any(is_other) {
                    continue;
                }
                let at: [usize; 3] = std::array::from_fn(|a| {
                    ([z, y, x][a] + peak[a] as i64 - start[a] as i64) as usize
                });
                let value = voxels[at];
                if value.is_finite() {
                    samples.places.push([z, y, x].map(|p| p as f64));
                    samples.values.push(value);
                }
            }
        }
    }
    robust_plane(&samples, optics).unwrap_or_default()
}

/// Voxels of the shell.
#[derive(Default)]
struct Samples {
    places: Vec<[f64; 3]>,
    values: Vec<f32>,
}

fn robust_plane(samples: &Samples, optics: &Optics) -> Option<Plane> {
    if samples.values.len() < FEWEST {
        return None;
    }
    let long: Vec<usize> = (0..3).filter(|a| optics.shape[*a] > 1).collect();
    let n = 1 + long.len();
    // Level and slopes; those of short axes stay 0.
    let mut plane = [f64::from(median(&mut samples.values.clone())?), 0.0, 0.0, 0.0];
    let mut sizes = Vec::with_capacity(samples.values.len());
    for _ in 0..ROUNDS {
        let residual = |p: &[f64; 3], v: &f32| {
            f64::from(*v) - plane[0] - plane[1] * p[0] - plane[2] * p[1] - plane[3] * p[2]
        };
        let all = || samples.places.iter().zip(&samples.values);
        sizes.clear();
        sizes.extend(all().map(|(p, v)| residual(p, v).abs() as f32));
        let spread = 1.4826 * f64::from(median(&mut sizes)?);
        let limit = CLIP * spread.max(optics.noise.variance(plane[0]).sqrt());
        let (mut sums, mut right, mut count) = ([[0.0; 4]; 4], [0.0; 4], 0);
        for (p, v) in all().filter(|(p, v)| residual(p, v).abs() <= limit) {
            let row = [1.0, p[0], p[1], p[2]];
            for i in 0..4 {
                right[i] += row[i] * f64::from(*v);
                for j in 0..=i {
                    sums[i][j] += row[i] * row[j];
                }
            }
            count += 1;
        }
        if count < FEWEST {
            return None;
        }
        let used: Vec<usize> = std::iter::once(0).chain(long.iter().map(|a| a + 1)).collect();
        let entry = |k: usize| {
            let (i, j) = (used[k / n], used[k % n]);
            sums[i.max(j)][i.min(j)]
        };
        let matrix: Vec<f64> = (0..n * n).map(entry).collect();
        let mut solution: Vec<f64> = used.iter().map(|i| right[*i]).collect();
        solve(&cholesky(&matrix, n)?, n, &mut solution);
        plane = [0.0; 4];
        used.iter().zip(solution).for_each(|(i, s)| plane[*i] = s);
    }
    Some(Plane { slope: [plane[1], plane[2], plane[3]], level: Some(plane[0]) })
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::noise::SensorNoise;

    #[test]
    fn the_slope_comes_back_beside_a_bright_stranger() {
        let noise = SensorNoise { alpha: 1.0, beta: 0.0, floor: 0.1 };
        let shape = [16, 32, 32];
        let optics = Optics { shape, voxel_um: [3.0, 1.0, 1.0], psf_um: [0.0; 3], noise };
        let mut image = Array3::from_shape_fn(shape, |(z, y, x)| {
            (300.0 + 2.0 * z as f64 - 0.5 * y as f64 + 0.25 * x as f64) as f32
        });
        image.slice_mut(ndarray::s![8..11, 24..28, 14..18]).fill(900.0);
        let blob = Start { centre: [0.0; 3], sigma_um: 2.5 };
        let plane = plane_around(image.view(), [0; 3], [8, 16, 16], &blob, &[], &optics);
        let expected = [2.0, -0.5, 0.25];
        assert!((0..3).all(|a| (plane.slope[a] - expected[a]).abs() < 1e-3), "{plane:?}");
        assert!(plane.level.is_some_and(|l| (l - 312.0).abs() < 0.01));
        let small = image.slice(ndarray::s![..2, ..4, ..4]);
        let none = plane_around(small, [7, 15, 15], [8, 16, 16], &blob, &[], &optics);
        assert_eq!(none, Plane::default());
    }
}
