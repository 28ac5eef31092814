//! Costes' thresholds: where what lies below them is no longer correlated.

use std::ops::{AddAssign, Mul, Sub};

use super::joint::JointHistogram;

/// Thresholds along the line of orthogonal regression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costes {
    /// Of the first and the second channel.
    pub thresholds: [f64; 2],
}

/// A number that sums are made of: exact for integers.
trait Number:
    Copy + Default + PartialOrd + AddAssign + Sub<Output = Self> + Mul<Output = Self>
{
    fn of_count(n: u64) -> Self;
    /// Whether a variance is none, `scale` being what it is the difference of.
    fn is_nothing(self, scale: Self) -> bool;
}

impl Number for i128 {
    fn of_count(n: u64) -> Self {
        n.into()
    }
    fn is_nothing(self, _: Self) -> bool {
        self <= 0
    }
}

impl Number for f64 {
    fn of_count(n: u64) -> Self {
        n as f64
    }
    fn is_nothing(self, scale: Self) -> bool {
        self <= 1e-13 * scale
    }
}

/// `n`, `Σa`, `Σb`, `Σa²`, `Σb²`, `Σab`.
type Sums<N> = [N; 6];

impl JointHistogram {
    /// Costes' thresholds, exactly; `None` unless the covariance is positive.
    ///
    /// `b = m a + c` is the line of orthogonal regression. Over the values `t` of the first channel
    /// from the largest down, the correlation of the voxels with `a < t` or `b < m t + c` is looked
    /// at; the first `t` where it is not positive, or undefined, is the threshold, and `m t + c`
    /// that of the second channel. If there is none it is the lowest value.
    ///
    /// # Cost
    /// `O(cells + levels)`: each voxel leaves that set at one `t`, so running sums over `t` give
    /// all of them.
    ///
    /// # Reference
    /// Costes et al. (2004), doi:10.1529/biophysj.103.038422.
    pub fn costes(&self) -> Option<Costes> {
        let line = self.moments.regression()?;
        let at = |t: f64| line.slope * t + line.intercept;
        let level = match self.moments.integer_sums {
            Some(_) => {
                let whole = |levels: &Vec<f64>| levels.iter().map(|v| *v as i128).collect();
                self.uncorrelated_level::<i128>(
                    [whole(&self.levels[0]), whole(&self.levels[1])],
                    at,
                )
            }
            None => {
                let central = |channel: usize| {
                    let mean = self.moments.mean[channel];
                    self.levels[channel].iter().map(|v| v - mean).collect()
                };
                self.uncorrelated_level::<f64>([central(0), central(1)], at)
            }
        };
        let t = *self.levels[0].get(level)?;
        Some(Costes { thresholds: [t, at(t)] })
    }

    /// Number of the first level, from the largest down, below which there is no correlation.
    fn uncorrelated_level<N: Number>(
        &self,
        values: [Vec<N>; 2],
        line: impl Fn(f64) -> f64,
    ) -> usize {
        let n_levels = self.levels[0].len();
        // Of every value of b, how many levels t of a have `m t + c <= b`.
        let mut reached = Vec::with_capacity(self.levels[1].len());
        let mut limit = 0;
        for b in &self.levels[1] {
            while self.levels[0].get(limit).is_some_and(|t| line(*t) <= *b) {
                limit += 1;
            }
            reached.push(limit);
        }
        // A voxel is among those below the thresholds for level `first` and all above it.
        let mut sums = vec![Sums::<N>::default(); n_levels + 1];
        for cell in &self.cells {
            let first = (cell.a as usize + 1).min(reached[cell.b as usize]);
            let (a, b) = (values[0][cell.a as usize], values[1][cell.b as usize]);
            let n = N::of_count(cell.n);
            let terms = [n, n * a, n * b, n * a * a, n * b * b, n * a * b];
            sums[first].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        let mut running = Sums::<N>::default();
        for level in sums.iter_mut() {
            running.iter_mut().zip(&*level).for_each(|(sum, term)| *sum += *term);
            *level = running;
        }
        (0..n_levels).rev().find(|level| !is_correlated(&sums[*level])).unwrap_or(0)
    }
}

fn is_correlated<N: Number>([n, a, b, aa, bb, ab]: &Sums<N>) -> bool {
    let central = |square: N, x: N, y: N| *n * square - x * y;
    *n >= N::of_count(3)
        && !central(*aa, *a, *a).is_nothing(*n * *aa)
        && !central(*bb, *b, *b).is_nothing(*n * *bb)
        && central(*ab, *a, *b) > N::default()
}
