//! Standard deviations of positions.

use rayon::prelude::*;

use super::error::PlaceError;
use super::robust::Robust;
use super::settle::Verdicts;

/// The links' own uncertainties count as much as this many residuals.
const PRIOR_RESIDUALS: f64 = 20.0;

impl Robust {
    /// Standard deviation of every tile's position, per axis, voxels; NaN on axes not solved.
    ///
    /// Exact variances of the solution (the diagonal of the inverse normal matrix, Takahashi's
    /// recurrence), about the mean of the tile's island, with the links' uncertainties rescaled by
    /// the residuals. Tiles outside the largest island add the uncertainty of their island's
    /// place by the stage model.
    pub fn deviations(
        &self,
        verdicts: &Verdicts,
        stage_spread: [f64; 3],
    ) -> Result<Vec<[f64; 3]>, PlaceError> {
        let tiles = self.problem.nominal.len();
        let graph = self.graph.column_wise()?;
        let per_axis: Vec<Vec<f64>> = (0..3)
            .into_par_iter()
            .map(|d| {
                if !self.problem.axes[d] {
                    return Ok(vec![f64::NAN; tiles]);
                }
                let scale = self.residual_scale(verdicts, d);
                let factors: Vec<f64> = verdicts
                    .rejected
                    .iter()
                    .map(|r| if r.is_none() { 1.0 / scale } else { 0.0 })
                    .collect();
                let pull = 1.0 / self.stage.sigma[d].powi(2);
                let factor = graph.factor(&self.weights(&factors, d), &vec![pull; tiles])?;
                Ok(self.spread_to_islands(verdicts, d, &factor.variances(), stage_spread[d]))
            })
            .collect::<Result<_, PlaceError>>()?;
        Ok((0..tiles).map(|t| std::array::from_fn(|d| per_axis[d][t])).collect())
    }

    fn spread_to_islands(
        &self,
        verdicts: &Verdicts,
        d: usize,
        variances: &[f64],
        stage_spread: f64,
    ) -> Vec<f64> {
        let mut sd = vec![0.0; variances.len()];
        let nominal = &self.problem.nominal;
        let centre = |island: &[usize]| -> [f64; 3] {
            let n = island.len() as f64;
            std::array::from_fn(|k| island.iter().map(|t| nominal[*t][k]).sum::<f64>() / n)
        };
        let main = &verdicts.islands[0];
        for (number, island) in verdicts.islands.iter().enumerate() {
            let n = island.len() as f64;
            // The pull is equal for all tiles, so the variance of an island's mean is sigma^2/n.
            let of_mean = self.stage.sigma[d].powi(2) / n;
            let of_place = if number == 0 {
                0.0
            } else {
                let steps = self.stage.step_variance(centre(main), centre(island), d);
                stage_spread.powi(2) * (1.0 / n + 1.0 / main.len() as f64) + steps
            };
            for &t in island {
                sd[t] = ((variances[t] - of_mean).max(0.0) + of_place).sqrt();
            }
        }
        sd
    }

    /// By how much the residuals of kept links exceed the links' variances along an axis.
    fn residual_scale(&self, verdicts: &Verdicts, d: usize) -> f64 {
        let kept: Vec<f64> =
            verdicts.rejected.iter().map(|r| if r.is_none() { 1.0 } else { 0.0 }).collect();
        let weights = self.weights(&kept, d);
        let (mut squares, mut measured) = (0.0, 0.0);
        for (k, w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            let link = &self.problem.links[k];
            let r =
                self.offset[d][link.b] - self.offset[d][link.a] - self.wanted(k, self.chosen[k])[d];
            squares += w * r * r;
            measured += 1.0;
        }
        let free: usize = verdicts.islands.iter().map(|i| i.len() - 1).sum();
        let checks = (measured - free as f64).max(0.0);
        (PRIOR_RESIDUALS + squares) / (PRIOR_RESIDUALS + checks)
    }
}
