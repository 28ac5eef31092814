//! First and second moments of two channels, and what follows of them.

use hooke_core::ExactSum;

use super::joint::{Cell, JointHistogram};
use super::{pairwise, quotient};

/// Integers up to here: their sums fit 128 bits for any number of voxels.
const LARGEST_INTEGER: f64 = (1u64 << 31) as f64;

/// Sums and central moments.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    pub mean: [f64; 2],
    /// `Σa²`, `Σb²`, `Σab`.
    pub squares: [f64; 2],
    pub product: f64,
    /// Of the whole, not of a sample: divided by n.
    pub variance: [f64; 2],
    pub covariance: f64,
    /// Exact sums, when all values are integers.
    pub integer_sums: Option<[i128; 2]>,
}

/// `b = slope * a + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub slope: f64,
    pub intercept: f64,
}

impl Moments {
    pub fn of(levels: &[Vec<f64>; 2], cells: &[Cell], n: u64) -> Self {
        if n == 0 {
            return Self::default();
        }
        let is_integer = |v: &f64| v.fract() == 0.0 && v.abs() < LARGEST_INTEGER;
        if levels.iter().flatten().all(is_integer) {
            return Self::of_integers(levels, cells, n);
        }
        let values = |c: &Cell| [levels[0][c.a as usize], levels[1][c.b as usize], c.n as f64];
        let count = n as f64;
        let raw = pairwise(cells, &|c| {
            let [a, b, n] = values(c);
            [n * a, n * b, n * a * a, n * b * b, n * a * b]
        });
        let mean = [raw[0] / count, raw[1] / count];
        let central = pairwise(cells, &|c| {
            let [a, b, n] = values(c);
            let (a, b) = (a - mean[0], b - mean[1]);
            [n * a * a, n * b * b, n * a * b]
        });
        Self {
            mean,
            squares: [raw[2], raw[3]],
            product: raw[4],
            variance: [central[0] / count, central[1] / count],
            covariance: central[2] / count,
            integer_sums: None,
        }
    }

    fn of_integers(levels: &[Vec<f64>; 2], cells: &[Cell], count: u64) -> Self {
        let (mut a1, mut b1, mut aa, mut bb, mut ab) = (0i128, 0i128, 0i128, 0i128, 0i128);
        for c in cells {
            let (a, b, n) =
                (levels[0][c.a as usize] as i64, levels[1][c.b as usize] as i64, i128::from(c.n));
            a1 += n * i128::from(a);
            b1 += n * i128::from(b);
            aa += n * i128::from(a * a);
            bb += n * i128::from(b * b);
            ab += n * i128::from(a * b);
        }
        let n = i128::from(count);
        let central = |square: i128, x: i128, y: i128| {
            // Divided twice: the square of a large count is no exact number.
            (n * square - x * y) as f64 / count as f64 / count as f64
        };
        Self {
            mean: [a1 as f64 / count as f64, b1 as f64 / count as f64],
            squares: [aa as f64, bb as f64],
            product: ab as f64,
            variance: [central(aa, a1, a1), central(bb, b1, b1)],
            covariance: central(ab, a1, b1),
            integer_sums: Some([a1, b1]),
        }
    }

    pub fn pearson(&self) -> Option<f64> {
        let spread = self.variance[0].sqrt() * self.variance[1].sqrt();
        quotient(self.covariance, spread).map(|r| r.clamp(-1.0, 1.0))
    }

    /// Orthogonal regression; `None` unless the covariance is positive.
    pub fn regression(&self) -> Option<Line> {
        if self.covariance <= 0.0 || self.covariance.is_nan() {
            return None;
        }
        let difference = self.variance[1] - self.variance[0];
        let root = difference.hypot(2.0 * self.covariance);
        // Two forms of one quotient; neither subtracts numbers of similar size.
        let slope = if difference < 0.0 {
            quotient(2.0 * self.covariance, root - difference)
        } else {
            quotient(root + difference, 2.0 * self.covariance)
        };
        let slope = slope.filter(|m| *m > 0.0)?;
        Some(Line { slope, intercept: self.mean[1] - slope * self.mean[0] })
    }

    pub fn overlap_coefficient(&self) -> Option<f64> {
        quotient(self.product, self.squares[0].sqrt() * self.squares[1].sqrt())
    }

    pub fn k1(&self) -> Option<f64> {
        quotient(self.product, self.squares[0])
    }

    pub fn k2(&self) -> Option<f64> {
        quotient(self.product, self.squares[1])
    }

    /// Li et al. (2004), doi:10.1523/JNEUROSCI.0346-04.2004.
    pub fn intensity_correlation_quotient(&self, joint: &JointHistogram) -> Option<f64> {
        let side = |channel: usize, value: f64| match self.integer_sums {
            Some(sums) => (i128::from(joint.n) * value as i128 - sums[channel]).signum(),
            None => i128::from(value > self.mean[channel]) - i128::from(value < self.mean[channel]),
        };
        let sides: [Vec<i128>; 2] = std::array::from_fn(|channel| {
            joint.levels[channel].iter().map(|v| side(channel, *v)).collect()
        });
        let agrees = |c: &&Cell| sides[0][c.a as usize] * sides[1][c.b as usize] > 0;
        let agreeing: u64 = joint.cells.iter().filter(agrees).map(|c| c.n).sum();
        (joint.n > 0).then(|| agreeing as f64 / joint.n as f64 - 0.5)
    }
}

/// The variance from raw moments; what is no more than rounding is 0.
fn variance(mean_square: f64, mean: f64) -> f64 {
    let variance = mean_square - mean * mean;
    if variance > 1e-13 * mean_square { variance } else { 0.0 }
}

/// Sums of voxels that are not kept, independent of their order.
#[derive(Debug, Clone, Default)]
pub(super) struct ExactMoments {
    /// Of `a`, `b`, `a²`, `b²`, `ab`.
    sums: [ExactSum; 5],
}

impl ExactMoments {
    pub fn add(&mut self, [a, b]: [f64; 2]) {
        self.add_sums([a, b, a * a, b * b, a * b]);
    }

    /// Adds sums of several voxels, in the order of the fields.
    pub fn add_sums(&mut self, terms: [f64; 5]) {
        for (sum, term) in self.sums.iter_mut().zip(terms) {
            sum.add(term, 1);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            sum.add_sum(other, 1);
        }
    }

    pub fn moments(&self, n: u64) -> Moments {
        if n == 0 {
            return Moments::default();
        }
        let [a, b, aa, bb, ab] = [0, 1, 2, 3, 4].map(|i: usize| self.sums[i].to_f64());
        let count = n as f64;
        let (mean_a, mean_b) = (a / count, b / count);
        Moments {
            mean: [mean_a, mean_b],
            squares: [aa, bb],
            product: ab,
            variance: [variance(aa / count, mean_a), variance(bb / count, mean_b)],
            covariance: ab / count - mean_a * mean_b,
            integer_sums: None,
        }
    }
}
