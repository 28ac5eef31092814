//! Correlations of ranks.

use super::joint::{Cell, JointHistogram};
use super::{pairwise, quotient};

/// Spearman's correlation on mid-ranks.
pub(super) fn spearman(joint: &JointHistogram) -> Option<f64> {
    let [a, b] = [0, 1].map(|channel: usize| central_ranks(&joint.counts[channel]));
    let covariance =
        pairwise(&joint.cells, &|c: &Cell| [c.n as f64 * a[c.a as usize] * b[c.b as usize]]);
    let [va, vb] = [(&a, 0), (&b, 1)].map(|(ranks, channel): (&Vec<f64>, usize)| {
        let ranked: Vec<(f64, u64)> =
            ranks.iter().copied().zip(joint.counts[channel].iter().copied()).collect();
        pairwise(&ranked, &|(rank, n)| [*n as f64 * rank * rank])[0]
    });
    quotient(covariance[0], va.sqrt() * vb.sqrt()).map(|r| r.clamp(-1.0, 1.0))
}

/// The mean rank of every value, less the mean of all ranks.
fn central_ranks(counts: &[u64]) -> Vec<f64> {
    let n: u64 = counts.iter().sum();
    let mut below = 0;
    let rank = |count: &u64| {
        // Twice the rank is an integer: below + 1 + below + count - (n + 1).
        let twice = 2 * i128::from(below) + i128::from(*count) - i128::from(n);
        below += count;
        twice as f64 / 2.0
    };
    counts.iter().map(rank).collect()
}

/// Kendall's tau-b, after Knight (1966), doi:10.1080/01621459.1966.10480879, on weighted cells.
pub(super) fn kendall(joint: &JointHistogram) -> Option<f64> {
    let mut seen = Fenwick::new(joint.levels[1].len());
    let mut balance = 0i128;
    for row in joint.cells.chunk_by(|x, y| x.a == y.a) {
        for cell in row {
            let below = seen.sum_below(cell.b as usize);
            let above = seen.total - seen.sum_below(cell.b as usize + 1);
            balance += i128::from(cell.n) * (i128::from(below) - i128::from(above));
        }
        row.iter().for_each(|cell| seen.add(cell.b as usize, cell.n));
    }
    let pairs = |n: &u64| i128::from(*n) * (i128::from(*n) - 1) / 2;
    let [untied_a, untied_b] = [0, 1].map(|channel: usize| {
        let tied: i128 = joint.counts[channel].iter().map(pairs).sum();
        (pairs(&joint.n) - tied) as f64
    });
    quotient(balance as f64, untied_a.sqrt() * untied_b.sqrt()).map(|tau| tau.clamp(-1.0, 1.0))
}

/// Running sums over the values of one channel (Fenwick 1994, doi:10.1002/spe.4380240306).
struct Fenwick {
    sums: Vec<u64>,
    total: u64,
}

impl Fenwick {
    fn new(n: usize) -> Self {
        Self { sums: vec![0; n + 1], total: 0 }
    }

    fn add(&mut self, at: usize, n: u64) {
        self.total += n;
        let mut i = at + 1;
        while i < self.sums.len() {
            self.sums[i] += n;
            i += i & i.wrapping_neg();
        }
    }

    /// Sum of the first `end` values.
    fn sum_below(&self, end: usize) -> u64 {
        let (mut i, mut sum) = (end, 0);
        while i > 0 {
            sum += self.sums[i];
            i &= i - 1;
        }
        sum
    }
}
