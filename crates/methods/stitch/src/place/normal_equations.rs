//! Weighted least squares over a graph: `sum w (u_b - u_a - s)^2 + sum prior u^2`, one axis.
//!
//! The normal matrix is a graph Laplacian plus a diagonal. It is factored by sparse Cholesky with
//! an approximate minimum degree order (faer); the pattern is analysed once, since only weights
//! change between rounds and axes. Everything runs in a fixed order, so results do not depend on
//! the number of threads.

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::llt::factor::LltRegularization;
use faer::sparse::linalg::SupernodalThreshold;
use faer::sparse::linalg::cholesky::{
    CholeskySymbolicParams, LltRef, SymbolicCholesky, SymbolicCholeskyRaw, SymmetricOrdering,
    factorize_symbolic_cholesky,
};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMatRef};
use faer::{Conj, MatMut, Par, Side};

use super::error::PlaceError;

/// The pattern of the normal equations of a set of links.
pub(crate) struct LinkGraph {
    nodes: usize,
    links: Vec<(usize, usize)>,
    /// Upper triangle, by columns.
    col_ptr: Vec<usize>,
    row_idx: Vec<usize>,
    /// Where each link's off-diagonal entry lies; a column's last entry is its diagonal.
    slot: Vec<usize>,
    symbolic: SymbolicCholesky<usize>,
}

impl LinkGraph {
    /// Analyses the pattern of `links` over the nodes `0..nodes`. Links may repeat.
    pub fn new(nodes: usize, links: Vec<(usize, usize)>) -> Result<LinkGraph, PlaceError> {
        LinkGraph::with_threshold(nodes, links, SupernodalThreshold::AUTO)
    }

    fn with_threshold(
        nodes: usize,
        links: Vec<(usize, usize)>,
        supernodal: SupernodalThreshold,
    ) -> Result<LinkGraph, PlaceError> {
        let mut entries: Vec<(usize, usize)> =
            links.iter().map(|(a, b)| (*a.max(b), *a.min(b))).collect();
        entries.extend((0..nodes).map(|n| (n, n)));
        entries.sort_unstable();
        entries.dedup();
        let mut col_ptr = vec![0; nodes + 1];
        entries.iter().for_each(|(col, _)| col_ptr[col + 1] += 1);
        (0..nodes).for_each(|c| col_ptr[c + 1] += col_ptr[c]);
        let row_idx: Vec<usize> = entries.iter().map(|(_, row)| *row).collect();
        let slot = links
            .iter()
            .map(|(a, b)| {
                entries
                    .binary_search(&(*a.max(b), *a.min(b)))
                    .expect("every link was entered above")
            })
            .collect();
        let params = CholeskySymbolicParams {
            supernodal_flop_ratio_threshold: supernodal,
            ..CholeskySymbolicParams::default()
        };
        let pattern = SymbolicSparseColMatRef::new_checked(nodes, nodes, &col_ptr, None, &row_idx);
        let symbolic =
            factorize_symbolic_cholesky(pattern, Side::Upper, SymmetricOrdering::Amd, params)
                .map_err(|e| PlaceError::Solve { reason: e.to_string() })?;
        Ok(LinkGraph { nodes, links, col_ptr, row_idx, slot, symbolic })
    }

    /// The same graph with a factor stored column by column, as [`Factor::variances`] needs it.
    pub fn column_wise(&self) -> Result<LinkGraph, PlaceError> {
        let links = self.links.clone();
        LinkGraph::with_threshold(self.nodes, links, SupernodalThreshold::FORCE_SIMPLICIAL)
    }

    /// Factors the normal matrix for one weight per link (not negative) and one prior weight for
    /// every node (positive in every connected set).
    pub fn factor(&self, weights: &[f64], prior: &[f64]) -> Result<Factor<'_>, PlaceError> {
        let mut values = vec![0.0; self.row_idx.len()];
        for (node, p) in prior.iter().enumerate() {
            values[self.col_ptr[node + 1] - 1] = *p;
        }
        for ((&(a, b), &slot), &w) in self.links.iter().zip(&self.slot).zip(weights) {
            values[slot] -= w;
            values[self.col_ptr[a + 1] - 1] += w;
            values[self.col_ptr[b + 1] - 1] += w;
        }
        let pattern = SymbolicSparseColMatRef::new_checked(
            self.nodes,
            self.nodes,
            &self.col_ptr,
            None,
            &self.row_idx,
        );
        let matrix = SparseColMatRef::new(pattern, &values);
        let mut factor = vec![0.0; self.symbolic.len_val()];
        let need = StackReq::or(
            self.symbolic.factorize_numeric_llt_scratch::<f64>(Par::Seq, Default::default()),
            self.symbolic.solve_in_place_scratch::<f64>(1, Par::Seq),
        );
        let mut memory = MemBuffer::new(need);
        self.symbolic
            .factorize_numeric_llt(
                &mut factor,
                matrix,
                Side::Upper,
                LltRegularization::default(),
                Par::Seq,
                MemStack::new(&mut memory),
                Default::default(),
            )
            .map_err(|e| PlaceError::Solve { reason: e.to_string() })?;
        Ok(Factor { graph: self, values: factor, memory })
    }

    /// The right-hand side of links that each want `u_b - u_a = s`.
    pub fn right_hand_side(&self, weights: &[f64], wanted: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut rhs = vec![0.0; self.nodes];
        for ((&(a, b), &w), s) in self.links.iter().zip(weights).zip(wanted) {
            if w > 0.0 {
                rhs[a] -= w * s;
                rhs[b] += w * s;
            }
        }
        rhs
    }
}

/// A factored normal matrix.
pub(crate) struct Factor<'a> {
    graph: &'a LinkGraph,
    values: Vec<f64>,
    memory: MemBuffer,
}

impl Factor<'_> {
    /// Solves in place.
    pub fn solve(&mut self, rhs: &mut [f64]) {
        let n = self.graph.nodes;
        LltRef::new(&self.graph.symbolic, &self.values).solve_in_place_with_conj(
            Conj::No,
            MatMut::from_column_major_slice_mut(rhs, n, 1),
            Par::Seq,
            MemStack::new(&mut self.memory),
        );
    }

    /// The diagonal of the inverse: the variance of every node.
    ///
    /// Takahashi's recurrence over the pattern of the factor, exact, without forming the inverse:
    /// from the last column to the first, `Z_ij = -sum_k Z_ik L_kj / L_jj` for the rows `i` of
    /// column `j`, and `Z_jj = 1 / L_jj^2 - sum_k Z_kj L_kj / L_jj`.
    ///
    /// # Panics
    /// When the graph is not [`LinkGraph::column_wise`].
    ///
    /// # Reference
    /// Takahashi, Fagan & Chin (1973); Erisman & Tinney (1975), doi:10.1145/360680.360704.
    pub fn variances(&self) -> Vec<f64> {
        let SymbolicCholeskyRaw::Simplicial(pattern) = self.graph.symbolic.raw() else {
            panic!("variances need a column-wise factor");
        };
        let (ptr, rows, l) = (pattern.col_ptr(), pattern.row_idx(), &self.values);
        let n = self.graph.nodes;
        let mut z = vec![0.0; l.len()];
        // L_ij / L_jj of the column at work, 0 for rows outside it; what `sum` collects for rows
        // outside the column is cleared before those rows are used.
        let (mut ratio, mut sum) = (vec![0.0; n], vec![0.0; n]);
        for j in (0..n).rev() {
            // A column starts with its diagonal; its rows are sorted.
            let below = ptr[j] + 1..ptr[j + 1];
            let pivot = l[ptr[j]];
            for at in below.clone() {
                (sum[rows[at]], ratio[rows[at]]) = (0.0, l[at] / pivot);
            }
            for &k in &rows[below.clone()] {
                let of_k = ratio[k];
                let mut dot = z[ptr[k]] * of_k;
                for at in ptr[k] + 1..ptr[k + 1] {
                    let i = rows[at];
                    sum[i] += z[at] * of_k;
                    dot += z[at] * ratio[i];
                }
                sum[k] += dot;
            }
            let mut diagonal = 1.0 / (pivot * pivot);
            for at in below {
                z[at] = -sum[rows[at]];
                diagonal -= z[at] * ratio[rows[at]];
                ratio[rows[at]] = 0.0;
            }
            z[ptr[j]] = diagonal;
        }
        let mut variances = vec![0.0; n];
        let order = self.graph.symbolic.perm().map(|p| p.arrays().0);
        for j in 0..n {
            variances[order.map_or(j, |o| o[j])] = z[ptr[j]];
        }
        variances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dense inverse by Gauss-Jordan.
    fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let n = a.len();
        for (i, row) in a.iter_mut().enumerate() {
            row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
        }
        for p in 0..n {
            let pivot = a[p].clone();
            for (i, row) in a.iter_mut().enumerate() {
                let scale = if i == p { 1.0 / pivot[p] - 1.0 } else { -row[p] / pivot[p] };
                row.iter_mut().zip(&pivot).for_each(|(v, q)| *v += scale * q);
            }
        }
        a.into_iter().map(|row| row[n..].to_vec()).collect()
    }

    #[test]
    fn solution_and_variances_are_those_of_the_dense_matrix() {
        // A 5x4 grid with diagonals, uneven weights, one unused link and a repeated one.
        let at = |y: usize, x: usize| y * 4 + x;
        let mut links = Vec::new();
        for y in 0..5 {
            for x in 0..4 {
                links.extend((x < 3).then(|| (at(y, x), at(y, x + 1))));
                links.extend((y < 4).then(|| (at(y, x), at(y + 1, x))));
                links.extend((x < 3 && y < 4).then(|| (at(y, x + 1), at(y + 1, x))));
            }
        }
        links.push((1, 0));
        let mut weights: Vec<f64> = (0..links.len()).map(|k| 0.5 + ((k * 7) % 11) as f64).collect();
        weights[3] = 0.0;
        let prior: Vec<f64> = (0..20).map(|n| 0.01 + 0.001 * n as f64).collect();
        let mut dense = vec![vec![0.0; 20]; 20];
        for (&(a, b), &w) in links.iter().zip(&weights) {
            dense[a][a] += w;
            dense[b][b] += w;
            dense[a][b] -= w;
            dense[b][a] -= w;
        }
        (0..20).for_each(|n| dense[n][n] += prior[n]);
        let want = inverse(dense);
        let graph = LinkGraph::new(20, links).expect("a small graph").column_wise().expect("same");
        let mut factor = graph.factor(&weights, &prior).expect("positive definite");
        for (n, v) in factor.variances().into_iter().enumerate() {
            assert!((v / want[n][n] - 1.0).abs() < 1e-9, "node {n}: {v} and {}", want[n][n]);
        }
        let mut u: Vec<f64> = (0..20).map(|n| (n as f64).sin()).collect();
        let rhs = u.clone();
        factor.solve(&mut u);
        for n in 0..20 {
            let x: f64 = (0..20).map(|k| want[n][k] * rhs[k]).sum();
            assert!((u[n] - x).abs() < 1e-8, "node {n}: {} and {x}", u[n]);
        }
    }
}
