//! The stage model: where a tile belongs by its nominal position alone.

use super::link::Link;
use crate::layout::{Matrix3, StageModel, Vector3};

/// Prior standard deviation of a stage slope about 1 (or 0 off the diagonal): a pixel size
/// wrong by half a percent. Many tiles overrule it; few do not send far tiles astray. Directions that the data do not see keep the nominal step.
const SLOPE_SD: f64 = 0.005;
/// Smallest standard deviation of a stage, voxels.
const SIGMA_FLOOR: f64 = 0.5;
/// Standard deviation assumed while there are fewer links than this to estimate it from.
const FEW_LINKS: usize = 6;
const SIGMA_OF_FEW: f64 = 5.0;

/// Median absolute deviation to standard deviation, 1/Phi^-1(3/4), for normal noise.
const MAD_TO_SIGMA: f64 = 1.4826;

/// An affine map of nominal positions, with the spread of the tiles about it.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// Slopes minus the identity.
    slope: [[f64; 3]; 3],
    /// A nominal position that the offset belongs to; keeps numbers small.
    centre: [f64; 3],
    /// Position minus nominal position there.
    offset: [f64; 3],
    /// Standard deviation of a tile about the model.
    pub sigma: [f64; 3],
    /// Covariance of the slopes of one axis, in units of its `sigma` squared, per axis.
    slope_covariance: [[[f64; 3]; 3]; 3],
}

impl Stage {
    /// The stage taken at its word.
    pub fn nominal(sigma: [f64; 3]) -> Stage {
        Stage {
            slope: [[0.0; 3]; 3],
            centre: [0.0; 3],
            offset: [0.0; 3],
            sigma,
            slope_covariance: [[[0.0; 3]; 3]; 3],
        }
    }

    /// Fits slopes and spread to the shifts of links, robustly; the offset stays 0.
    ///
    /// Iteratively reweighted least squares with Cauchy weights and a scale from the median
    /// absolute residual, so up to half of the links may be wrong. `given` replaces the
    /// estimated spread where it is above 0.
    pub fn from_links(links: &[Link], nominal: &[[f64; 3]], given: Option<[f64; 3]>) -> Stage {
        let mut stage = Stage::nominal([SIGMA_OF_FEW; 3]);
        for d in 0..3 {
            let samples: Vec<([f64; 3], f64)> = links
                .iter()
                .filter(|l| l.measured[d])
                .map(|l| {
                    let step: [f64; 3] = std::array::from_fn(|k| nominal[l.b][k] - nominal[l.a][k]);
                    (step, l.candidates[0][d] - step[d])
                })
                .collect();
            if samples.is_empty() {
                continue;
            }
            let mut spread = SIGMA_OF_FEW;
            for _ in 0..20 {
                let slope = stage.slope[d];
                let residual = |(step, shift): &([f64; 3], f64)| shift - dot(slope, *step);
                if samples.len() >= FEW_LINKS {
                    let mut sizes: Vec<f64> = samples.iter().map(|s| residual(s).abs()).collect();
                    sizes.sort_unstable_by(f64::total_cmp);
                    // The displacement of two tiles spreads sqrt(2) as much as one tile.
                    let deviation = MAD_TO_SIGMA * sizes[sizes.len() / 2];
                    spread = (deviation / 2f64.sqrt()).max(SIGMA_FLOOR);
                }
                let two = 2.0 * spread * spread;
                let weighted = samples.iter().map(|s| {
                    let r = residual(s);
                    (s.0, s.1, 1.0 / (two + r * r))
                });
                stage.slope[d] = ridge(weighted).0;
            }
            stage.sigma[d] = spread;
        }
        if let Some(given) = given {
            (0..3).filter(|d| given[*d] > 0.0).for_each(|d| stage.sigma[d] = given[d]);
        }
        stage
    }

    /// Fits slopes to the positions of placed islands, each about its own mean; the offset is that
    /// of the first island, which should be the largest. The spread is kept.
    pub fn refit(&self, islands: &[Vec<usize>], nominal: &[[f64; 3]], at: &[[f64; 3]]) -> Stage {
        let mut stage = self.clone();
        let centres: Vec<_> = islands.iter().map(|i| (mean(i, nominal), mean(i, at))).collect();
        for d in 0..3 {
            let weight = 1.0 / (self.sigma[d] * self.sigma[d]);
            let samples = islands.iter().zip(&centres).flat_map(|(island, (n0, p0))| {
                island.iter().map(move |&t| {
                    let from = minus(nominal[t], *n0);
                    (from, at[t][d] - p0[d] - from[d], weight)
                })
            });
            (stage.slope[d], stage.slope_covariance[d]) = ridge(samples);
        }
        if let Some((n0, p0)) = centres.first() {
            stage.centre = *n0;
            stage.offset = minus(*p0, *n0);
        }
        stage
    }

    /// Moves the model with the layout.
    pub fn moved(mut self, by: [f64; 3]) -> Stage {
        (0..3).for_each(|d| self.offset[d] += by[d]);
        self
    }

    /// Where a tile of this nominal position belongs.
    pub fn at(&self, nominal: [f64; 3]) -> [f64; 3] {
        let from = minus(nominal, self.centre);
        std::array::from_fn(|d| nominal[d] + self.offset[d] + dot(self.slope[d], from))
    }

    /// The displacement between two tiles by the stage alone.
    pub fn step(&self, a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
        let step = minus(b, a);
        std::array::from_fn(|d| step[d] + dot(self.slope[d], step))
    }

    /// Variance on axis `d` that the uncertain slopes give to the displacement between two places.
    pub fn step_variance(&self, a: [f64; 3], b: [f64; 3], d: usize) -> f64 {
        let step = minus(b, a);
        let covariance = &self.slope_covariance[d];
        dot(step, std::array::from_fn(|k| dot(covariance[k], step)))
    }

    /// Standard deviation of the tiles of islands about the model, each island about its mean;
    /// the prior spread where there are too few tiles.
    pub fn spread(
        &self,
        islands: &[Vec<usize>],
        nominal: &[[f64; 3]],
        at: &[[f64; 3]],
    ) -> [f64; 3] {
        let tiles: usize = islands.iter().map(Vec::len).sum();
        // Each island's mean and up to three slopes are fitted.
        let free = tiles as f64 - islands.len() as f64 - 3.0;
        if free < 6.0 {
            return self.sigma;
        }
        std::array::from_fn(|d| {
            let mut squares = 0.0;
            for island in islands {
                let (n0, p0) = (mean(island, nominal), mean(island, at));
                for &t in island {
                    let r = at[t][d] - p0[d] - self.step(n0, nominal[t])[d];
                    squares += r * r;
                }
            }
            (squares / free).sqrt()
        })
    }

    /// The model as it is written, `matrix * nominal + offset`.
    pub fn model(&self, sd: [f64; 3]) -> StageModel {
        let row =
            |d: usize| std::array::from_fn(|k| self.slope[d][k] + if k == d { 1.0 } else { 0.0 });
        let offset = |d: usize| self.offset[d] - dot(self.slope[d], self.centre);
        StageModel {
            matrix: Matrix3(std::array::from_fn(row)),
            offset_px: Vector3(std::array::from_fn(offset)),
            sd_px: Vector3(sd),
        }
    }
}

/// Weighted regression of a shift on a step, slopes drawn towards 0; with their covariance.
fn ridge(samples: impl Iterator<Item = ([f64; 3], f64, f64)>) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut normal = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    (0..3).for_each(|k| normal[k][k] = 1.0 / (SLOPE_SD * SLOPE_SD));
    for (step, shift, weight) in samples {
        for i in 0..3 {
            right[i] += weight * step[i] * shift;
            (0..3).for_each(|j| normal[i][j] += weight * step[i] * step[j]);
        }
    }
    let inverse = inverse(normal);
    (std::array::from_fn(|d| dot(inverse[d], right)), inverse)
}

/// Inverse of a symmetric positive matrix by cofactors.
fn inverse(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |i: usize, j: usize| {
        let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * cofactor(0, j)).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| cofactor(j, i) / determinant))
}

fn mean(tiles: &[usize], of: &[[f64; 3]]) -> [f64; 3] {
    let n = tiles.len() as f64;
    std::array::from_fn(|d| tiles.iter().map(|t| of[*t][d]).sum::<f64>() / n)
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|d| a[d] - b[d])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_tiles_in_a_row_keep_the_nominal_step_across_it() {
        let nominal = [[0.0, 0.0, 0.0], [0.0, 0.3, 900.0], [0.0, -0.2, 1800.0]];
        let at = [[0.0, 4.0, 0.0], [0.0, -3.0, 910.0], [0.0, 5.0, 1817.0]];
        let stage = Stage::nominal([2.0; 3]).refit(&[vec![0, 1, 2]], &nominal, &at);
        let far = stage.at([0.0, 5000.0, 900.0]);
        assert!((far[1] - 5002.0).abs() < 2.0, "{far:?}");
        assert!((stage.at([0.0, 0.0, 2700.0])[2] - 2726.0).abs() < 2.5, "{stage:?}");
    }

    #[test]
    fn the_slope_is_that_of_most_tiles() {
        // A pixel size wrong by 1 % along x.
        let nominal: Vec<[f64; 3]> =
            (0..16).map(|k| [0.0, (k / 4 * 500) as f64, (k % 4 * 500) as f64]).collect();
        let at: Vec<[f64; 3]> = nominal.iter().map(|p| [0.0, p[1], p[2] * 1.01 + 7.0]).collect();
        let all: Vec<usize> = (0..16).collect();
        let stage = Stage::nominal([1.0; 3]).refit(std::slice::from_ref(&all), &nominal, &at);
        let model = stage.model([1.0; 3]);
        assert!((model.matrix.0[2][2] - 1.01).abs() < 1e-4, "{model:?}");
        assert!((model.offset_px[2] - 7.0).abs() < 0.1, "{model:?}");
        assert!(stage.spread(&[all], &nominal, &at)[2] < 0.2);
    }
}
