//! Centroids and axes of sets of voxels from exact integer sums.

/// Sums over voxels of `N` coordinates and of their products.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments<const N: usize> {
    count: i128,
    sums: [i128; N],
    products: [[i128; N]; N],
}

impl<const N: usize> Default for Moments<N> {
    fn default() -> Self {
        Self { count: 0, sums: [0; N], products: [[0; N]; N] }
    }
}

impl<const N: usize> Moments<N> {
    /// Adds `length` voxels that follow each other along the last axis, from `first` on.
    pub fn add_run(&mut self, first: [i64; N], length: u64) {
        let n = i128::from(length);
        let start = first.map(i128::from);
        let last = N - 1;
        // Sums of 0..n and of its squares.
        let (s1, s2) = (n * (n - 1) / 2, n * (n - 1) * (2 * n - 1) / 6);
        self.count += n;
        for a in 0..N {
            let sum = |axis: usize| n * start[axis] + if axis == last { s1 } else { 0 };
            self.sums[a] += sum(a);
            for b in 0..=a {
                self.products[a][b] += match (a == last, b == last) {
                    (true, true) => n * start[a] * start[a] + 2 * start[a] * s1 + s2,
                    (true, false) => start[b] * sum(a),
                    _ => n * start[a] * start[b],
                };
            }
        }
    }

    /// The voxels.
    pub fn count(&self) -> u64 {
        self.count as u64
    }

    /// The mean coordinates, 0 of nothing.
    pub fn mean(&self) -> [f64; N] {
        self.sums.map(|s| s as f64 / self.count.max(1) as f64)
    }

    /// `n` squared times the covariance (divided by n) of two axes.
    fn scaled_covariance(&self, a: usize, b: usize) -> i128 {
        self.count * self.products[a.max(b)][a.min(b)] - self.sums[a] * self.sums[b]
    }

    /// The covariance matrix, divided by n.
    fn covariance(&self) -> [[f64; N]; N] {
        let n = self.count.max(1) as f64;
        std::array::from_fn(|a| {
            std::array::from_fn(|b| self.scaled_covariance(a, b) as f64 / n / n)
        })
    }
}

/// Ellipse of a footprint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ellipse {
    pub major: f64,
    pub minor: f64,
    pub eccentricity: f64,
    pub orientation: f64,
}

impl Moments<2> {
    /// The ellipse of equal second moments; `is_line` when the pixels' centres are in one line.
    ///
    /// With the inertia tensor `[[a, b], [b, c]]` (`a` the variance of columns, `c` of rows, `b` minus
    /// their covariance): axes `4 sqrt(l)` of its eigenvalues, orientation `atan2(-2 b, c - a) / 2`,
    /// and `+-pi/4` by the sign of `b` when `a = c`.
    pub fn ellipse(&self, is_line: bool) -> Ellipse {
        let [[c, ab], [_, a]] = self.covariance();
        let b = -ab;
        let root = (4.0 * b * b + (a - c).powi(2)).sqrt();
        let large = (a + c + root) / 2.0;
        let small = if is_line { 0.0 } else { ((a + c - root) / 2.0).max(0.0) };
        let is_balanced = self.scaled_covariance(0, 0) == self.scaled_covariance(1, 1);
        let quarter = std::f64::consts::FRAC_PI_4;
        Ellipse {
            major: 4.0 * large.sqrt(),
            minor: 4.0 * small.sqrt(),
            eccentricity: if large == 0.0 { 0.0 } else { (1.0 - small / large).sqrt() },
            orientation: match (is_balanced, b < 0.0) {
                (true, true) => quarter,
                (true, false) => -quarter,
                // Adding 0 makes a negative zero positive: it would turn the angle round.
                (false, _) => 0.5 * (-2.0 * b + 0.0).atan2(c - a),
            },
        }
    }
}

impl Moments<3> {
    /// Major and minor axis of the ellipsoid of equal second moments; `is_flat` when the centres are
    /// in one plane.
    ///
    /// scikit-image takes `sqrt(10 (l1 + l2 - l3))` and `sqrt(10 (-l1 + l2 + l3))` of the eigenvalues
    /// of the inertia tensor `tr(C) - C`. These are `20` times the largest and the smallest eigenvalue
    /// of the covariance `C`, which is never negative.
    pub fn axes(&self, is_flat: bool) -> (f64, f64) {
        let [small, _, large] = eigenvalues(self.covariance());
        let small = if is_flat { 0.0 } else { small };
        ((20.0 * large.max(0.0)).sqrt(), (20.0 * small.max(0.0)).sqrt())
    }
}

/// The eigenvalues of a symmetric matrix, ascending (Jacobi's method: also small ones are exact).
fn eigenvalues(mut m: [[f64; 3]; 3]) -> [f64; 3] {
    // It converges quadratically; seven sweeps are already beyond what doubles hold.
    for _ in 0..12 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if m[p][q] == 0.0 {
                continue;
            }
            let theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
            let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let cos = 1.0 / t.hypot(1.0);
            let sin = t * cos;
            let r = 3 - p - q;
            let (pp, qq, pq, pr, qr) = (m[p][p], m[q][q], m[p][q], m[p][r], m[q][r]);
            m[p][p] = pp - t * pq;
            m[q][q] = qq + t * pq;
            (m[p][q], m[q][p]) = (0.0, 0.0);
            (m[p][r], m[r][p]) = (cos * pr - sin * qr, cos * pr - sin * qr);
            (m[q][r], m[r][q]) = (sin * pr + cos * qr, sin * pr + cos * qr);
        }
    }
    let mut values = [m[0][0], m[1][1], m[2][2]];
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up_to_the_voxels_they_hold() {
        let mut runs = Moments::<3>::default();
        let mut voxels = Moments::<3>::default();
        for (first, length) in [([0, 2, 5], 4), ([7, 1, 0], 3)] {
            runs.add_run(first, length);
            for k in 0..length as i64 {
                voxels.add_run([first[0], first[1], first[2] + k], 1);
            }
        }
        assert_eq!((runs.sums, runs.products, runs.count()), (voxels.sums, voxels.products, 7));
    }

    #[test]
    fn eigenvalues_of_a_matrix_worked_by_hand() {
        // (2 1 0; 1 2 0; 0 0 5) has 1, 3, 5.
        let found = eigenvalues([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 5.0]]);
        for (f, e) in found.iter().zip([1.0, 3.0, 5.0]) {
            assert!((f - e).abs() < 1e-14, "{found:?}");
        }
    }
}
