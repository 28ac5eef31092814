//! Exact assignment of one component, by shortest augmenting paths with potentials.
//!
//! Rows are assigned one after another (Jonker & Volgenant 1987, doi:10.1007/BF02278710; after Kuhn
//! 1955): the cheapest alternating path from the new row ends at a free column, or at a row that
//! goes without a partner at the price of `penalty`. Costs are whole numbers (2^-60 of a gate), so
//! that nothing is lost to rounding and equal costs are equal. Small components find the nearest
//! column by looking at all, large ones by a heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A distance of one gate.
const GATE: f64 = (1u64 << 60) as f64;
/// Columns up to which a scan is faster than a heap.
const SCANNED_COLUMNS: usize = 64;
const NONE: u32 = u32::MAX;

/// The cost of a gate distance.
pub(super) fn cost(gate_distance: f64) -> i128 {
    (gate_distance * GATE).round() as i128
}

/// One component: its edges by row.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Where the edges of each row begin, and the end of the last.
    pub starts: Vec<u32>,
    /// Column and cost of every edge.
    pub edges: Vec<(u32, i128)>,
    pub columns: usize,
}

impl Graph {
    pub fn clear(&mut self) {
        self.starts.clear();
        self.edges.clear();
        self.columns = 0;
    }

    fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    fn edges_of(&self, row: u32) -> std::ops::Range<usize> {
        self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize
    }
}

/// Where a path ends.
#[derive(Clone, Copy)]
enum End {
    Column(u32),
    /// This row goes without a partner.
    Row(u32),
}

/// The state of one assignment, kept to be used again.
#[derive(Debug, Default)]
pub(super) struct Solver {
    row_potential: Vec<i128>,
    column_potential: Vec<i128>,
    /// The edge each row takes.
    taken: Vec<u32>,
    /// The row of each column.
    row_of: Vec<u32>,
    /// Of the search: distance of each column, and the edge and row it was reached by.
    distance: Vec<i128>,
    via: Vec<(u32, u32)>,
    is_settled: Vec<bool>,
    reached: Vec<u32>,
    heap: BinaryHeap<Reverse<(i128, u32)>>,
}

impl Solver {
    /// Solves a component; returns the edge each row takes, `u32::MAX` for none.
    ///
    /// Minimises the sum of costs plus `penalty` for every row without a partner; no edge may cost
    /// more than `penalty`.
    pub fn solve(&mut self, graph: &Graph, penalty: i128) -> &[u32] {
        self.solve_by(graph, penalty, graph.columns > SCANNED_COLUMNS)
    }

    fn solve_by(&mut self, graph: &Graph, penalty: i128, by_heap: bool) -> &[u32] {
        self.start(graph);
        let unassigned: Vec<u32> =
            (0..graph.rows() as u32).filter(|row| !self.take_free(graph, *row)).collect();
        for row in unassigned {
            self.augment(graph, penalty, row, by_heap);
        }
        &self.taken
    }

    fn start(&mut self, graph: &Graph) {
        let fill = |v: &mut Vec<u32>, n| {
            v.clear();
            v.resize(n, NONE);
        };
        fill(&mut self.taken, graph.rows());
        fill(&mut self.row_of, graph.columns);
        self.column_potential.clear();
        self.column_potential.resize(graph.columns, 0);
        self.distance.clear();
        self.distance.resize(graph.columns, i128::MAX);
        self.via.resize(graph.columns, (NONE, NONE));
        self.is_settled.clear();
        self.is_settled.resize(graph.columns, false);
        self.row_potential.clear();
        let cheapest = |row| graph.edges[graph.edges_of(row)].iter().map(|e| e.1).min();
        let potentials = (0..graph.rows() as u32).map(|row| cheapest(row).unwrap_or(0));
        self.row_potential.extend(potentials);
    }

    /// Gives a row a free column that costs it least, if there is one.
    fn take_free(&mut self, graph: &Graph, row: u32) -> bool {
        let least = self.row_potential[row as usize];
        for edge in graph.edges_of(row) {
            let (column, cost) = graph.edges[edge];
            if cost == least && self.row_of[column as usize] == NONE {
                self.row_of[column as usize] = row;
                self.taken[row as usize] = edge as u32;
                return true;
            }
        }
        false
    }

    /// Assigns one more row along the cheapest path.
    fn augment(&mut self, graph: &Graph, penalty: i128, root: u32, by_heap: bool) {
        let (mut row, mut base) = (root, 0);
        let mut settled = Vec::new();
        let mut best = (i128::MAX, End::Row(root));
        loop {
            let slack = base - self.row_potential[row as usize];
            if slack + penalty < best.0 {
                best = (slack + penalty, End::Row(row));
            }
            for edge in graph.edges_of(row) {
                let (column, cost) = graph.edges[edge];
                let at = column as usize;
                let distance = slack + cost - self.column_potential[at];
                if self.is_settled[at] || distance >= self.distance[at] {
                    continue;
                }
                if self.distance[at] == i128::MAX {
                    self.reached.push(column);
                }
                self.distance[at] = distance;
                self.via[at] = (row, edge as u32);
                if self.row_of[at] == NONE {
                    if distance < best.0 {
                        best = (distance, End::Column(column));
                    }
                } else if by_heap {
                    self.heap.push(Reverse((distance, column)));
                }
            }
            match self.nearest(by_heap) {
                Some(column) if self.distance[column as usize] < best.0 => {
                    self.is_settled[column as usize] = true;
                    settled.push(column);
                    row = self.row_of[column as usize];
                    base = self.distance[column as usize];
                }
                _ => break,
            }
        }
        self.row_potential[root as usize] += best.0;
        for column in settled {
            let (at, row) = (column as usize, self.row_of[column as usize]);
            let gain = best.0 - self.distance[at];
            self.row_potential[row as usize] += gain;
            self.column_potential[at] -= gain;
        }
        self.flip(graph, root, best.1);
        self.forget_search();
    }

    /// The nearest assigned column that is not settled; the lower one of two.
    fn nearest(&mut self, by_heap: bool) -> Option<u32> {
        if !by_heap {
            let open =
                |c: &&u32| !self.is_settled[**c as usize] && self.row_of[**c as usize] != NONE;
            let nearest = self.reached.iter().filter(open);
            return nearest.min_by_key(|c| (self.distance[**c as usize], **c)).copied();
        }
        while let Some(Reverse((distance, column))) = self.heap.pop() {
            // Entries of columns that were reached by a shorter way since are stale.
            if !self.is_settled[column as usize] && self.distance[column as usize] == distance {
                return Some(column);
            }
        }
        None
    }

    /// Exchanges taken and free edges along the path from `root` to its end.
    fn flip(&mut self, graph: &Graph, root: u32, end: End) {
        let mut column = match end {
            End::Column(column) => column,
            End::Row(row) if row == root => return,
            End::Row(row) => {
                let edge = std::mem::replace(&mut self.taken[row as usize], NONE);
                graph.edges[edge as usize].0
            }
        };
        loop {
            let (row, edge) = self.via[column as usize];
            let before = std::mem::replace(&mut self.taken[row as usize], edge);
            self.row_of[column as usize] = row;
            if row == root {
                return;
            }
            column = graph.edges[before as usize].0;
        }
    }

    fn forget_search(&mut self) {
        for column in self.reached.drain(..) {
            self.distance[column as usize] = i128::MAX;
            self.is_settled[column as usize] = false;
        }
        self.heap.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hooke_core::seed::rng_at;
    use rand::RngExt;

    fn total(graph: &Graph, taken: &[u32], penalty: i128) -> i128 {
        taken.iter().map(|e| graph.edges.get(*e as usize).map_or(penalty, |e| e.1)).sum()
    }

    #[test]
    fn the_scan_and_the_heap_cost_the_same() {
        for case in 0..300 {
            let mut rng = rng_at(case, "graphs", &[]);
            let (rows, columns) = (rng.random_range(1..40), rng.random_range(1..60));
            let mut graph = Graph { columns, ..Graph::default() };
            graph.starts.push(0);
            for _ in 0..rows {
                for column in 0..columns as u32 {
                    if rng.random_range(0..4) == 0 {
                        let cost = rng.random_range(0..8) * 100 + rng.random_range(0..2);
                        graph.edges.push((column, cost));
                    }
                }
                graph.starts.push(graph.edges.len() as u32);
            }
            for penalty in [1000, 1 << 90] {
                let mut solver = Solver::default();
                let scanned = solver.solve_by(&graph, penalty, false).to_vec();
                let heaped = solver.solve_by(&graph, penalty, true).to_vec();
                assert_eq!(total(&graph, &scanned, penalty), total(&graph, &heaped, penalty));
            }
        }
    }
}
