//! Gaussians on a constant background, fitted to the intensities by weighted least squares.

use multiversion::multiversion;
use ndarray::ArrayView3;
use serde::{Deserialize, Serialize};

use super::solve::{cholesky, solve};
use super::window::{Data, Optics, Start};

/// Blobs that are fitted together at most.
pub(crate) const GROUP: usize = 6;

const ITERATIONS: usize = 20;

/// Steps that end the iteration, in widths.
const CONVERGED: f64 = 1e-4;

/// Widths by which a fit may move at a face.
const AT_FACE: f64 = 3.0;

/// Largest factor between sigma found and sigma of the scale.
const SIGMA_FACTOR: f64 = 3.0;

/// A fitted blob.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GaussianFit {
    /// Centre in voxels, relative to the voxel of the peak.
    pub offset: [f64; 3],
    /// Sigma, the point-spread function taken out, µm.
    pub sigma_um: f64,
    /// Height above the background.
    pub amplitude: f64,
    /// Level of the background.
    pub background: f64,
    /// Covariance of the centre in µm², as `zz, yy, xx, zy, zx, yx`.
    pub covariance_um2: [f64; 6],
    /// Chi-squared per degree of freedom.
    pub chi2: f64,
}

/// Fits the first of some blobs, all of them together.
///
/// Minimises `sum (I - mu)² / variance(mu)` over the finite voxels in the ellipsoids of 2.5 widths
/// around the starts, with `mu` a constant and a Gaussian per blob (height, centre, sigma), by the
/// method of Levenberg and Marquardt with the variances of the last step: for photon noise this
/// tends to the maximum of the likelihood (Smith et al. 2010, doi:10.1038/nmeth.1449). The
/// covariance is the inverse of the Fisher matrix.
///
/// * `voxels`: intensities of a block that starts at `start` of the image and holds the windows.
/// * `peak`: voxel of the first blob's peak.
/// * `slope`: of the background, per voxel; taken as given.
///
/// `None` if the fit leaves the image, moves by more than a width (three towards the inside at a face,
/// where a blob and its mirror image peak together), turns the blob into a hole, or
/// has no unique solution.
pub(crate) fn fit_gaussian(
    voxels: ArrayView3<'_, f32>,
    start: [usize; 3],
    peak: [usize; 3],
    blobs: &[Start],
    slope: [f64; 3],
    optics: &Optics,
) -> Option<GaussianFit> {
    let data = Data::gather(voxels, start, peak, blobs, slope, optics);
    let mut problem = Problem::new(&data, optics, blobs.len());
    let mut state = problem.begin(blobs)?;
    if data.values.len() <= state.len() {
        return None;
    }
    let mut damping = 1e-3;
    let mut converged = false;
    let mut chi2 = problem.linearise(&state);
    for _ in 0..ITERATIONS {
        let step = problem.step(damping)?;
        // At rest rounding decides whether chi-squared falls; a damped step is small for another reason.
        converged = damping < 1.0 && problem.is_small(&step, &state);
        let next: Vec<f64> = state.iter().zip(&step).map(|(s, d)| s + d).collect();
        let improved = problem.is_sound(&next) && problem.chi2(&next) <= chi2;
        if improved {
            state = next;
            chi2 = problem.linearise(&state);
        }
        if converged {
            break;
        }
        damping = if improved { (damping * 0.1).max(1e-9) } else { damping * 10.0 };
    }
    converged.then(|| problem.result(&state, chi2, peak, &blobs[0]))?
}

/// Normal equations of one fit. Parameters are the background and, for each blob, height, centre
/// along the axes longer than 1, and sigma.
struct Problem<'a> {
    data: &'a Data,
    optics: &'a Optics,
    long: Vec<usize>,
    blobs: usize,
    matrix: Vec<f64>,
    gradient: Vec<f64>,
    weights: Vec<f64>,
    /// What the model says of every voxel.
    model: Vec<f64>,
    /// Derivatives of the model: one row of voxels per parameter.
    rows: Vec<f64>,
    /// One row times the weights.
    weighted: Vec<f64>,
    sigma_um: f64,
}

/// One blob at some parameters: its profile along each axis and what its derivatives need.
struct Profile {
    height: f64,
    centre: [f64; 3],
    /// `1 / width²` along the axes longer than 1, else 0.
    curve: [f64; 3],
    /// Factor of `d²` in the derivative by sigma.
    growth: [f64; 3],
    along: [Vec<f64>; 3],
}

impl<'a> Problem<'a> {
    fn new(data: &'a Data, optics: &'a Optics, blobs: usize) -> Self {
        let long: Vec<usize> = (0..3).filter(|a| optics.shape[*a] > 1).collect();
        let n = 1 + blobs * (long.len() + 2);
        let voxels = data.values.len();
        Self {
            data,
            optics,
            long,
            blobs,
            matrix: vec![0.0; n * n],
            gradient: vec![0.0; n],
            weights: vec![0.0; voxels],
            model: vec![0.0; voxels],
            // The first row is the derivative by the background.
            rows: vec![1.0; n * voxels],
            weighted: vec![0.0; voxels],
            sigma_um: 1.0,
        }
    }

    /// Number of parameters of a blob.
    fn per_blob(&self) -> usize {
        self.long.len() + 2
    }

    fn begin(&mut self, blobs: &[Start]) -> Option<Vec<f64>> {
        self.sigma_um = blobs.first()?.sigma_um;
        let mut state = vec![self.data.background];
        for (blob, height) in blobs.iter().zip(&self.data.heights) {
            state.push(*height);
            state.extend(self.long.iter().map(|a| blob.centre[*a]));
            state.push(blob.sigma_um);
        }
        Some(state)
    }

    fn profile(&self, state: &[f64], blob: usize) -> Profile {
        let own = &state[1 + blob * self.per_blob()..][..self.per_blob()];
        let sigma = own[own.len() - 1];
        let width = self.optics.width(sigma);
        let mut profile = Profile {
            height: own[0],
            centre: [0.0; 3],
            curve: [0.0; 3],
            growth: [0.0; 3],
            along: std::array::from_fn(|a| {
                vec![1.0; (self.data.bounds[a].end - self.data.bounds[a].start) as usize]
            }),
        };
        for (i, &a) in self.long.iter().enumerate() {
            let curve = 1.0 / (width[a] * width[a]);
            // In the frame of the places.
            let centre = own[1 + i] - self.data.bounds[a].start as f64;
            profile.centre[a] = centre;
            profile.curve[a] = curve;
            profile.growth[a] = sigma * (curve / self.optics.voxel_um[a]).powi(2);
            for (k, value) in profile.along[a].iter_mut().enumerate() {
                *value = (-0.5 * curve * (k as f64 - centre).powi(2)).exp();
            }
        }
        profile
    }

    /// Sets weights and normal equations at `state`, and returns its chi-squared.
    fn linearise(&mut self, state: &[f64]) -> f64 {
        let (n, per, voxels) = (self.gradient.len(), self.per_blob(), self.data.values.len());
        self.model.iter_mut().zip(&self.data.tilts).for_each(|(m, tilt)| *m = state[0] + tilt);
        for blob in 0..self.blobs {
            let profile = self.profile(state, blob);
            let own = &mut self.rows[(1 + blob * per) * voxels..][..per * voxels];
            let (shapes, others) = own.split_at_mut(voxels);
            let (centres, growths) = others.split_at_mut(self.long.len() * voxels);
            for (v, place) in self.data.places.iter().enumerate() {
                shapes[v] = profile.at(*place);
                self.model[v] += profile.height * shapes[v];
                let mut growth = 0.0;
                for (i, &a) in self.long.iter().enumerate() {
                    let d = place[a] as f64 - profile.centre[a];
                    centres[i * voxels + v] = profile.height * shapes[v] * profile.curve[a] * d;
                    growth += profile.growth[a] * d * d;
                }
                growths[v] = profile.height * shapes[v] * growth;
            }
        }
        for (weight, model) in self.weights.iter_mut().zip(&self.model) {
            *weight = 1.0 / self.optics.noise.variance(*model);
        }
        // From here on residuals.
        self.model.iter_mut().zip(&self.data.values).for_each(|(m, value)| *m = value - *m);
        for (i, row) in self.rows.chunks_exact(voxels).enumerate() {
            let weighted = self.weighted.iter_mut().zip(row).zip(&self.weights);
            weighted.for_each(|((weighted, d), weight)| *weighted = d * weight);
            self.gradient[i] = dot(&self.weighted, &self.model);
            for (j, other) in self.rows.chunks_exact(voxels).take(i + 1).enumerate() {
                let sum = dot(&self.weighted, other);
                self.matrix[i * n + j] = sum;
                self.matrix[j * n + i] = sum;
            }
        }
        let weighted = self.weighted.iter_mut().zip(&self.model).zip(&self.weights);
        weighted.for_each(|((weighted, residual), weight)| *weighted = residual * weight);
        dot(&self.weighted, &self.model)
    }

    /// Chi-squared at `state` with the weights of the last linearisation.
    fn chi2(&mut self, state: &[f64]) -> f64 {
        let data = self.data.values.iter().zip(&self.data.tilts);
        let residuals = data.map(|(value, tilt)| value - state[0] - tilt);
        self.model.iter_mut().zip(residuals).for_each(|(model, r)| *model = r);
        for blob in 0..self.blobs {
            let profile = self.profile(state, blob);
            for (model, place) in self.model.iter_mut().zip(&self.data.places) {
                *model -= profile.height * profile.at(*place);
            }
        }
        let weighted = self.weighted.iter_mut().zip(&self.model).zip(&self.weights);
        weighted.for_each(|((weighted, residual), weight)| *weighted = residual * weight);
        dot(&self.weighted, &self.model)
    }

    /// The damped step; `None` if the equations have no solution even so.
    fn step(&self, damping: f64) -> Option<Vec<f64>> {
        let n = self.gradient.len();
        let mut damped = self.matrix.clone();
        (0..n).for_each(|i| damped[i * n + i] *= 1.0 + damping);
        let mut step = self.gradient.clone();
        solve(&cholesky(&damped, n)?, n, &mut step);
        Some(step)
    }

    /// Whether every number is finite and every sigma one that could be.
    fn is_sound(&self, state: &[f64]) -> bool {
        let allowed = self.sigma_um / (2.0 * SIGMA_FACTOR)..2.0 * SIGMA_FACTOR * self.sigma_um;
        state.iter().all(|s| s.is_finite())
            && state[1..].chunks(self.per_blob()).all(|own| allowed.contains(&own[own.len() - 1]))
    }

    /// Whether the first blob has come to rest.
    fn is_small(&self, step: &[f64], state: &[f64]) -> bool {
        let per = self.per_blob();
        let sigma = state[per];
        let width = self.optics.width(sigma);
        let still = |(i, a): (usize, &usize)| step[2 + i].abs() <= CONVERGED * width[*a];
        self.long.iter().enumerate().all(still) && step[per].abs() <= CONVERGED * sigma
    }

    fn result(
        &self,
        state: &[f64],
        chi2: f64,
        peak: [usize; 3],
        start: &Start,
    ) -> Option<GaussianFit> {
        let (n, per) = (self.gradient.len(), self.per_blob());
        let (amplitude, sigma_um) = (state[1], state[per]);
        let mut offset = [0.0; 3];
        self.long.iter().enumerate().for_each(|(i, a)| offset[*a] = state[2 + i]);
        let width = self.optics.width(start.sigma_um);
        let moved = |a: &usize| {
            let farthest =
                if at_face(peak[*a], self.optics.shape[*a], width[*a]) { AT_FACE } else { 1.0 };
            ((offset[*a] - start.centre[*a]) / (farthest * width[*a])).powi(2)
        };
        let is_inside = |a: &usize| {
            let place = peak[*a] as f64 + offset[*a];
            (-0.5..self.optics.shape[*a] as f64 - 0.5).contains(&place)
        };
        let sane = amplitude > 0.0
            && self.long.iter().all(is_inside)
            && self.long.iter().map(moved).sum::<f64>() <= 1.0
            && (start.sigma_um / SIGMA_FACTOR..=start.sigma_um * SIGMA_FACTOR).contains(&sigma_um);
        if !sane {
            return None;
        }
        let factor = cholesky(&self.matrix, n)?;
        let mut covariance = [[0.0; 3]; 3];
        for (i, &a) in self.long.iter().enumerate() {
            let mut column = vec![0.0; n];
            column[2 + i] = 1.0;
            solve(&factor, n, &mut column);
            for (j, &b) in self.long.iter().enumerate() {
                covariance[a][b] =
                    column[2 + j] * self.optics.voxel_um[a] * self.optics.voxel_um[b];
            }
        }
        let c = &covariance;
        Some(GaussianFit {
            offset,
            sigma_um,
            amplitude,
            background: state[0],
            covariance_um2: [c[0][0], c[1][1], c[2][2], c[1][0], c[2][0], c[2][1]],
            chi2: chi2 / (self.data.values.len() - n) as f64,
        })
    }
}

/// Whether a face lies within a width of a voxel.
fn at_face(at: usize, len: usize, width: f64) -> bool {
    (at.min(len.saturating_sub(at + 1)) as f64) < width
}

/// The sum of products, in eight running sums whatever the processor: the same bits everywhere.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, rest_a) = a.as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

impl Profile {
    fn at(&self, place: [usize; 3]) -> f64 {
        let [z, y, x] = place;
        self.along[0][z] * self.along[1][y] * self.along[2][x]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::Array3;

    use super::*;
    use crate::noise::SensorNoise;

    fn optics(shape: [usize; 3]) -> Optics {
        let noise = SensorNoise { alpha: 1.0, beta: 36.0, floor: 0.1 };
        Optics { shape, voxel_um: [3.0, 1.0, 1.0], psf_um: [1.5, 0.4, 0.4], noise }
    }

    /// Heights, centres and sigmas on a background of 200, without noise.
    fn image(optics: &Optics, blobs: &[(f64, [f64; 3], f64)]) -> Array3<f32> {
        Array3::from_shape_fn(optics.shape, |(z, y, x)| {
            let light = blobs.iter().map(|(height, centre, sigma)| {
                let width = optics.width(*sigma);
                let q: f64 = [z, y, x]
                    .iter()
                    .enumerate()
                    .map(|(a, p)| ((*p as f64 - centre[a]) / width[a]).powi(2))
                    .sum();
                height * (-0.5 * q).exp()
            });
            (200.0 + light.sum::<f64>()) as f32
        })
    }

    #[test]
    fn without_noise_the_truth_comes_back() {
        let optics = optics([16, 32, 32]);
        let image = image(&optics, &[(300.0, [7.3, 15.6, 16.2], 2.8)]);
        let start = Start { centre: [0.0, 0.2, 0.0], sigma_um: 2.3 };
        let fit =
            fit_gaussian(image.view(), [0; 3], [7, 16, 16], &[start], [0.0; 3], &optics).unwrap();
        let expected = [0.3, -0.4, 0.2];
        assert!((0..3).all(|a| (fit.offset[a] - expected[a]).abs() < 1e-4), "{fit:?}");
        assert!((fit.sigma_um - 2.8).abs() < 1e-3 && (fit.amplitude - 300.0).abs() < 0.1);
        assert!((fit.background - 200.0).abs() < 0.1 && fit.chi2 < 1e-4);
        assert!(fit.covariance_um2[..3].iter().all(|c| *c > 0.0));
    }

    #[test]
    fn a_bright_neighbour_is_fitted_with_it() {
        let optics = optics([16, 40, 40]);
        let (weak, bright) = ((100.0, [8.0, 16.0, 15.6], 2.8), (800.0, [8.2, 16.0, 23.7], 2.6));
        let image = image(&optics, &[weak, bright]);
        let starts = [
            Start { centre: [0.0; 3], sigma_um: 2.5 },
            Start { centre: [0.0, 0.0, 8.0], sigma_um: 2.5 },
        ];
        let fit = |n: usize| {
            fit_gaussian(image.view(), [0; 3], [8, 16, 16], &starts[..n], [0.0; 3], &optics)
        };
        let both = fit(2).unwrap();
        assert!((both.offset[2] + 0.4).abs() < 1e-2 && (both.amplitude - 100.0).abs() < 1.0);
        assert!(fit(1).is_none_or(|alone| (alone.offset[2] + 0.4).abs() > 0.1));
    }

    #[test]
    fn no_blob_and_no_voxels_give_no_fit() {
        let optics = optics([16, 32, 32]);
        let start = [Start { centre: [0.0; 3], sigma_um: 2.8 }];
        let hole = image(&optics, &[(-90.0, [8.0, 16.0, 16.0], 2.8)]);
        assert_eq!(fit_gaussian(hole.view(), [0; 3], [8, 16, 16], &start, [0.0; 3], &optics), None);
        let nothing = Array3::from_elem((16, 32, 32), f32::NAN);
        assert_eq!(
            fit_gaussian(nothing.view(), [0; 3], [8, 16, 16], &start, [0.0; 3], &optics),
            None
        );
        assert_eq!(fit_gaussian(hole.view(), [0; 3], [8, 16, 16], &[], [0.0; 3], &optics), None);
    }
}
