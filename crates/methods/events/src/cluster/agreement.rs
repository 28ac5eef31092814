//! How well two partitions of the same items agree.

use std::collections::BTreeMap;

use crate::EventsError;

/// Scores of agreement, as scikit-learn defines them. 1 is equal up to names; adjusted ones are about
/// 0 by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Adjusted Rand index (Hubert & Arabie 1985, doi:10.1007/BF01908075).
    pub adjusted_rand: f64,
    /// Mutual information above what chance gives, over the mean entropy (Vinh, Epps & Bailey 2010).
    pub adjusted_mutual_info: f64,
    /// Mutual information over the mean entropy.
    pub normalized_mutual_info: f64,
    /// Whether clusters hold one class only.
    pub homogeneity: f64,
    /// Whether classes lie in one cluster.
    pub completeness: f64,
    /// Harmonic mean of homogeneity and completeness.
    pub v_measure: f64,
    /// Geometric mean of precision and recall of pairs (1983, doi:10.2307/2288117).
    pub fowlkes_mallows: f64,
}

/// Compares a partition `found` with the classes `truth`.
///
/// # Errors
/// When they differ in length.
pub fn agreement(truth: &[i64], found: &[i64]) -> Result<Agreement, EventsError> {
    if truth.len() != found.len() {
        let (expected, found) = (vec![truth.len()], vec![found.len()]);
        return Err(EventsError::Shape { what: "labels", expected, found });
    }
    let table = Table::of(truth, found);
    let (h_truth, h_found) = (table.entropy(&table.rows), table.entropy(&table.columns));
    let shared = table.mutual_information();
    let homogeneity = if h_truth == 0.0 { 1.0 } else { shared / h_truth };
    let completeness = if h_found == 0.0 { 1.0 } else { shared / h_found };
    let both = homogeneity + completeness;
    Ok(Agreement {
        adjusted_rand: table.adjusted_rand(),
        adjusted_mutual_info: table.adjusted_mutual_info(shared, (h_truth + h_found) / 2.0),
        normalized_mutual_info: match (table.is_trivial(), shared <= f64::EPSILON) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => shared / ((h_truth + h_found) / 2.0),
        },
        homogeneity,
        completeness,
        v_measure: if both == 0.0 { 0.0 } else { 2.0 * homogeneity * completeness / both },
        fowlkes_mallows: table.fowlkes_mallows(),
    })
}

/// How many items each class and cluster share.
struct Table {
    n: f64,
    rows: Vec<f64>,
    columns: Vec<f64>,
    /// Row, column, items; only where there are any.
    cells: Vec<(usize, usize, f64)>,
}

impl Table {
    fn of(truth: &[i64], found: &[i64]) -> Self {
        let names = |labels: &[i64]| -> BTreeMap<i64, usize> {
            let mut sorted = labels.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.into_iter().zip(0..).collect()
        };
        let (row_names, column_names) = (names(truth), names(found));
        let mut rows = vec![0.0; row_names.len()];
        let mut columns = vec![0.0; column_names.len()];
        let mut cells: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for (t, f) in truth.iter().zip(found) {
            let (row, column) = (row_names[t], column_names[f]);
            rows[row] += 1.0;
            columns[column] += 1.0;
            *cells.entry((row, column)).or_default() += 1.0;
        }
        let cells = cells.into_iter().map(|((r, c), n)| (r, c, n)).collect();
        Self { n: truth.len() as f64, rows, columns, cells }
    }

    /// One class and one cluster, or nothing at all.
    fn is_trivial(&self) -> bool {
        self.rows.len() <= 1 && self.columns.len() <= 1
    }

    fn entropy(&self, sizes: &[f64]) -> f64 {
        if sizes.len() < 2 {
            0.0
        } else {
            -sizes.iter().map(|a| a / self.n * (a / self.n).ln()).sum::<f64>()
        }
    }

    fn mutual_information(&self) -> f64 {
        let cell = |(r, c, n): &(usize, usize, f64)| {
            n / self.n * (self.n * n / (self.rows[*r] * self.columns[*c])).ln()
        };
        self.cells.iter().map(cell).sum::<f64>().max(0.0)
    }

    /// Ordered pairs of different items: together in both, in the class, in the cluster.
    fn pairs(&self) -> (f64, f64, f64) {
        let squares =
            |sizes: &mut dyn Iterator<Item = f64>| sizes.map(|a| a * a).sum::<f64>() - self.n;
        (
            squares(&mut self.cells.iter().map(|c| c.2)),
            squares(&mut self.rows.iter().copied()),
            squares(&mut self.columns.iter().copied()),
        )
    }

    fn adjusted_rand(&self) -> f64 {
        let (both, class, cluster) = self.pairs();
        let all = self.n * (self.n - 1.0);
        // Pairs: true positive, false negative, false positive, true negative.
        let (tp, missed, wrong) = (both, class - both, cluster - both);
        let apart = all - tp - missed - wrong;
        if missed == 0.0 && wrong == 0.0 {
            return 1.0;
        }
        2.0 * (tp * apart - missed * wrong)
            / ((tp + missed) * (missed + apart) + (tp + wrong) * (wrong + apart))
    }

    fn fowlkes_mallows(&self) -> f64 {
        let (both, class, cluster) = self.pairs();
        if both == 0.0 { 0.0 } else { (both / class).sqrt() * (both / cluster).sqrt() }
    }

    fn adjusted_mutual_info(&self, shared: f64, mean_entropy: f64) -> f64 {
        if self.is_trivial() {
            return 1.0;
        }
        let chance = self.expected_mutual_information();
        let room = mean_entropy - chance;
        let room = if room < 0.0 { room.min(-f64::EPSILON) } else { room.max(f64::EPSILON) };
        (shared - chance) / room
    }

    /// The mean mutual information of partitions with these sizes at random (hypergeometric).
    fn expected_mutual_information(&self) -> f64 {
        let n = self.n as usize;
        let mut factorial = vec![0.0; n + 1];
        for i in 1..=n {
            factorial[i] = factorial[i - 1] + (i as f64).ln();
        }
        let mut sum = 0.0;
        for (a, b) in self.rows.iter().flat_map(|a| self.columns.iter().map(move |b| (*a, *b))) {
            let (ia, ib) = (a as usize, b as usize);
            let common = factorial[ia] + factorial[ib] + factorial[n - ia] + factorial[n - ib]
                - factorial[n];
            for k in (ia + ib).saturating_sub(n).max(1)..=ia.min(ib) {
                let ways = factorial[k]
                    + factorial[ia - k]
                    + factorial[ib - k]
                    + factorial[n + k - ia - ib];
                let shared = k as f64;
                sum += shared / self.n * (self.n * shared / (a * b)).ln() * (common - ways).exp();
            }
        }
        sum
    }
}
