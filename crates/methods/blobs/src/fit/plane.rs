//! The slope of the background around a blob.

use hooke_filters::order::median;
use ndarray::ArrayView3;

use super::gaussian::{Optics, Start};
use super::solve::{cholesky, solve};

/// Inner and outer rim of the shell, in widths.
pub(crate) const SHELL: [f64; 2] = [2.5, 4.5];

/// Widths around other blobs that are left out.
const OTHERS: f64 = 3.0;

/// Residuals larger than so many standard deviations are left out.
const CLIP: f64 = 2.5;

const ROUNDS: usize = 4;

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
    let distance2 = |of: &Start, p: [f64; 3]| -> f64 {
        let width = optics.width(of.sigma_um);
        let along = |a: usize| ((p[a] - of.centre[a]) / width[a]).powi(2);
        (0..3).filter(|a| optics.shape[*a] > 1).map(along).sum()
    };
    let range = |a: usize| {
        let low = start[a] as i64 - peak[a] as i64;
        let high = low + voxels.shape()[a] as i64;
        let half = SHELL[1] * optics.width(blob.sigma_um)[a];
        let from = ((blob.centre[a] - half).ceil() as i64).clamp(low, high);
        from..((blob.centre[a] + half).floor() as i64 + 1).clamp(from, high)
    };
    let mut samples: Vec<([f64; 3], f64)> = Vec::new();
    for z in range(0) {
        for y in range(1) {
            for x in range(2) {
                let p = [z, y, x].map(|p| p as f64);
                let rim = distance2(blob, p);
                if rim < SHELL[0].powi(2)
                    || rim > SHELL[1].powi(2)
                    || others.iter().any(|o| distance2(o, p) < OTHERS * OTHERS)
                {
                    continue;
                }
                let at: [usize; 3] = std::array::from_fn(|a| {
                    ([z, y, x][a] + peak[a] as i64 - start[a] as i64) as usize
                });
                let value = voxels[at];
                if value.is_finite() {
                    samples.push((p, f64::from(value)));
                }
            }
        }
    }
    robust_plane(&samples, optics).unwrap_or_default()
}

fn robust_plane(samples: &[([f64; 3], f64)], optics: &Optics) -> Option<Plane> {
    if samples.len() < FEWEST {
        return None;
    }
    let long: Vec<usize> = (0..3).filter(|a| optics.shape[*a] > 1).collect();
    let n = 1 + long.len();
    let mut values: Vec<f32> = samples.iter().map(|(_, v)| *v as f32).collect();
    let mut plane = vec![0.0; n];
    plane[0] = f64::from(median(&mut values)?);
    let height = |plane: &[f64], p: &[f64; 3]| {
        plane[0] + long.iter().zip(&plane[1..]).map(|(a, s)| s * p[*a]).sum::<f64>()
    };
    for _ in 0..ROUNDS {
        let residual = |s: &([f64; 3], f64)| s.1 - height(&plane, &s.0);
        values.clear();
        values.extend(samples.iter().map(|s| residual(s).abs() as f32));
        let spread = 1.4826 * f64::from(median(&mut values)?);
        let limit = CLIP * spread.max(optics.noise.variance(plane[0]).sqrt());
        let (mut matrix, mut right, mut count) = (vec![0.0; n * n], vec![0.0; n], 0);
        for sample in samples.iter().filter(|s| residual(s).abs() <= limit) {
            let row: Vec<f64> =
                std::iter::once(1.0).chain(long.iter().map(|a| sample.0[*a])).collect();
            for i in 0..n {
                right[i] += row[i] * sample.1;
                (0..n).for_each(|j| matrix[i * n + j] += row[i] * row[j]);
            }
            count += 1;
        }
        if count < FEWEST {
            return None;
        }
        solve(&cholesky(&matrix, n)?, n, &mut right);
        plane = right;
    }
    let mut slope = [0.0; 3];
    long.iter().zip(&plane[1..]).for_each(|(a, s)| slope[*a] = *s);
    Some(Plane { slope, level: Some(plane[0]) })
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
