//! The best explanation of the cells of one frame by those of an earlier one.

use super::ChannelCell;

/// Farthest that one odd position counts.
const MAX_POSITION_COST: f64 = 6.0;
/// A cell pushed out of place pushes all that follow: their positions are not independent.
const POSITION_WEIGHT: f64 = 0.5;
/// Farthest that an unlikely time of division counts.
const MAX_TIMING_COST: f64 = 6.0;
/// Of a cell at the open end that is half outside, or of which one daughter is.
const PARTIAL_COST: f64 = 1.5;
/// Of leaving where cells are known to leave.
const LEAVING_COST: f64 = 0.3;

/// What cells do between two frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Model {
    /// Logarithm of growth from one frame to the other.
    pub ln_growth: f64,
    pub growth_spread: f64,
    pub split_spread: f64,
    /// Of positions, in units of [`position_scale`].
    pub position_spread: f64,
    /// Logarithm of the length at which half of the cells have divided, and how gradually.
    pub ln_division_length: f64,
    pub division_spread: f64,
    pub open_end: f64,
    pub lost_cost: f64,
    pub new_cost: f64,
}

/// What became of one old cell, or where a new one came from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Move {
    pub kind: Kind,
    pub cost: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Old cell, new cell.
    Grow(usize, usize),
    /// Old cell, the first of two new cells.
    Divide(usize, usize),
    /// A new cell from nowhere.
    Appear(usize),
    /// An old cell that is gone from among the others.
    Lost(usize),
    /// An old cell that left through the open end.
    Leave(usize),
}

/// Middles of old cells after everything grew, the cells nearer to the closed end pushing the others.
pub(super) fn pushed(old: &[ChannelCell], ln_growth: f64) -> Vec<f64> {
    let more = ln_growth.exp_m1();
    let mut below = 0.0;
    let push = |cell: &ChannelCell| {
        let middle = cell.position + more * (below + 0.5 * cell.length);
        below += cell.length;
        middle
    };
    old.iter().map(push).collect()
}

/// In what unit positions are uncertain: a pixel or two, and a part of the way.
pub(super) fn position_scale(way: f64) -> f64 {
    1.5 + 0.1 * way.abs()
}

impl Model {
    /// Cost of a cell of a predicted length dividing, and of it not dividing.
    fn timing(&self, ln_length: f64) -> [f64; 2] {
        let x = (ln_length - self.ln_division_length) / self.division_spread;
        let cost = |x: f64| (-x).exp().ln_1p().min(MAX_TIMING_COST);
        [cost(x.max(-700.0)), cost((-x).max(-700.0))]
    }

    fn position(&self, found: f64, predicted: f64, way: f64) -> f64 {
        let residual = (found - predicted).abs() / (position_scale(way) * self.position_spread);
        POSITION_WEIGHT * residual.min(MAX_POSITION_COST)
    }

    fn leave(&self, predicted: f64, way: f64, length: f64) -> f64 {
        let inside = (self.open_end - predicted).max(0.0);
        let cost = LEAVING_COST + inside / (0.25 * length + position_scale(way));
        cost.min(self.lost_cost)
    }
}

/// Two lists of cells in their order from the closed end, and what is computed once of them.
pub(super) struct Pair<'a> {
    model: &'a Model,
    old: &'a [ChannelCell],
    new: &'a [ChannelCell],
    predicted: Vec<f64>,
    ln_length: Vec<f64>,
}

const GROW: u8 = 1;
const DIVIDE: u8 = 2;
const APPEAR: u8 = 3;
const LOST: u8 = 4;

impl<'a> Pair<'a> {
    pub(super) fn new(model: &'a Model, old: &'a [ChannelCell], new: &'a [ChannelCell]) -> Self {
        Self {
            model,
            old,
            new,
            predicted: pushed(old, model.ln_growth),
            ln_length: old.iter().map(|c| c.length.ln() + model.ln_growth).collect(),
        }
    }

    fn way(&self, i: usize) -> f64 {
        self.predicted[i] - self.old[i].position
    }

    pub(super) fn grow(&self, i: usize, j: usize) -> f64 {
        let (model, new) = (self.model, self.new[j]);
        let residual = (new.length.ln() - self.ln_length[i]) / model.growth_spread;
        let end = self.predicted[i] + 0.5 * self.ln_length[i].exp();
        let place = model.position(new.position, self.predicted[i], self.way(i));
        let whole = residual.abs() + place + model.timing(self.ln_length[i])[1];
        if residual < 0.0 && end > model.open_end {
            // What is seen lies where the inner part would.
            let inner = self.predicted[i] - 0.5 * self.ln_length[i].exp() + 0.5 * new.length;
            return whole.min(PARTIAL_COST + model.position(new.position, inner, self.way(i)));
        }
        whole
    }

    pub(super) fn divide(&self, i: usize, j: usize) -> f64 {
        let (model, a, b) = (self.model, self.new[j], self.new[j + 1]);
        let residual = ((a.length + b.length).ln() - self.ln_length[i]).abs() / model.growth_spread;
        let middle = 0.5 * (a.position - 0.5 * a.length + b.position + 0.5 * b.length);
        let split = (a.length / b.length).ln().abs() / model.split_spread;
        let place = model.position(middle, self.predicted[i], self.way(i));
        residual + split + place + model.timing(self.ln_length[i])[0]
    }

    fn leave(&self, i: usize) -> f64 {
        self.model.leave(self.predicted[i], self.way(i), self.ln_length[i].exp())
    }

    /// Fills the table of least costs of explaining the first `j` new cells by the first `i` old ones.
    fn table(&self) -> (Vec<f64>, Vec<u8>) {
        let (n, m) = (self.old.len(), self.new.len());
        let width = m + 1;
        let mut cost = vec![f64::INFINITY; (n + 1) * width];
        let mut step = vec![0u8; cost.len()];
        cost[0] = 0.0;
        for i in 0..=n {
            for j in 0..=m {
                let at = cost[i * width + j];
                let mut offer = |to: usize, more: f64, kind: u8| {
                    if at + more < cost[to] {
                        (cost[to], step[to]) = (at + more, kind);
                    }
                };
                if i < n && j < m {
                    offer((i + 1) * width + j + 1, self.grow(i, j), GROW);
                    if j + 1 < m {
                        offer((i + 1) * width + j + 2, self.divide(i, j), DIVIDE);
                    }
                }
                if j < m {
                    offer(i * width + j + 1, self.model.new_cost, APPEAR);
                }
                if i < n {
                    offer((i + 1) * width + j, self.model.lost_cost, LOST);
                }
            }
        }
        (cost, step)
    }

    /// Where the old cells end that stay, and the least cost.
    fn best_end(&self, cost: &[f64]) -> (usize, f64) {
        let (n, m) = (self.old.len(), self.new.len());
        let mut leaving = 0.0;
        let mut best = (n, cost[n * (m + 1) + m]);
        for i in (0..n).rev() {
            leaving += self.leave(i);
            let total = cost[i * (m + 1) + m] + leaving;
            if total < best.1 {
                best = (i, total);
            }
        }
        best
    }

    /// The least cost.
    pub(super) fn cost(&self) -> f64 {
        self.best_end(&self.table().0).1
    }

    /// The cheapest explanation, from the closed end.
    pub(super) fn moves(&self) -> Vec<Move> {
        let (cost, step) = self.table();
        let width = self.new.len() + 1;
        let (stay, _) = self.best_end(&cost);
        let leave = |i| Move { kind: Kind::Leave(i), cost: self.leave(i) };
        let mut moves: Vec<Move> = (stay..self.old.len()).rev().map(leave).collect();
        let (mut i, mut j) = (stay, self.new.len());
        while i + j > 0 {
            let (kind, from) = match step[i * width + j] {
                GROW => (Kind::Grow(i - 1, j - 1), (i - 1, j - 1)),
                DIVIDE => (Kind::Divide(i - 1, j - 2), (i - 1, j - 2)),
                APPEAR => (Kind::Appear(j - 1), (i, j - 1)),
                _ => (Kind::Lost(i - 1), (i - 1, j)),
            };
            let more = cost[i * width + j] - cost[from.0 * width + from.1];
            moves.push(Move { kind, cost: more });
            (i, j) = from;
        }
        moves.reverse();
        moves
    }
}
