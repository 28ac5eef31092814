//! How fast a movie bleaches.

use crate::delta::quantile::Bins;

/// Time constants that are tried, over the length of the movie: from quick to nearly straight.
const FASTEST: f64 = 0.05;
const STEP: f64 = 1.3;
const TRIED: usize = 24;

/// Rounds of reweighting towards the least sum of absolute deviations.
const ROUNDS: usize = 12;

/// The course of bleaching, `exp(-t / tau)`, the same for all pixels; how much of it a pixel has is the
/// pixel's own matter (its light over the unknown grey level of darkness).
#[derive(Debug, Clone)]
pub(super) struct Decay {
    /// Frames; `None` for a movie too short to tell.
    tau: Option<f64>,
}

impl Decay {
    /// Fits `a + b exp(-t / tau)` to the levels of the frames with the least absolute deviations, so
    /// that frames in which much of the image is active weigh no more than others.
    pub(super) fn fit(levels: &[f32], bin: usize) -> Self {
        let bins = Bins::new(levels.len(), bin);
        if bins.count < 3 {
            return Self { tau: None };
        }
        let means: Vec<f64> = (0..bins.count)
            .map(|i| {
                let of_bin = &levels[bins.frames(i)];
                of_bin.iter().map(|v| f64::from(*v)).sum::<f64>() / of_bin.len() as f64
            })
            .collect();
        let tried = (0..TRIED).map(|k| {
            let tau = levels.len() as f64 * FASTEST * STEP.powi(k as i32);
            (tau, deviation(&means, &bins, tau))
        });
        let best = tried.min_by(|a, b| a.1.total_cmp(&b.1));
        Self { tau: best.map(|(tau, _)| tau) }
    }

    /// The course at the middle of each bin, its mean taken out; `None` if there is none.
    pub(super) fn course(&self, bins: &Bins) -> Option<Vec<f32>> {
        let tau = self.tau?;
        let course: Vec<f64> = (0..bins.count).map(|i| (-bins.middle(i) / tau).exp()).collect();
        let mean = course.iter().sum::<f64>() / course.len().max(1) as f64;
        Some(course.into_iter().map(|v| (v - mean) as f32).collect())
    }
}

/// Sum of absolute deviations of the best `a + b exp(-t / tau)`.
fn deviation(means: &[f64], bins: &Bins, tau: f64) -> f64 {
    let course: Vec<f64> = (0..means.len()).map(|i| (-bins.middle(i) / tau).exp()).collect();
    let mut weights = vec![1.0; means.len()];
    let mut sum = f64::INFINITY;
    for _ in 0..ROUNDS {
        let total: f64 = weights.iter().sum();
        let mean =
            |values: &[f64]| values.iter().zip(&weights).map(|(v, w)| v * w).sum::<f64>() / total;
        let (mx, my) = (mean(&course), mean(means));
        let (mut xx, mut xy) = (0.0, 0.0);
        for ((x, y), w) in course.iter().zip(means).zip(&weights) {
            xx += w * (x - mx) * (x - mx);
            xy += w * (x - mx) * (y - my);
        }
        let slope = if xx > 0.0 { xy / xx } else { 0.0 };
        let residuals: Vec<f64> =
            course.iter().zip(means).map(|(x, y)| (y - my - slope * (x - mx)).abs()).collect();
        sum = residuals.iter().sum();
        // A part of the typical residual: weights must stay finite, in any units.
        let small = 1e-3 * sum / residuals.len() as f64;
        if small <= 0.0 {
            break;
        }
        weights = residuals.iter().map(|r| 1.0 / r.max(small)).collect();
    }
    sum
}
