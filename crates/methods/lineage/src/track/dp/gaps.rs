//! Cells that were missed in a frame or two while their neighbours were seen.

use super::ChannelCell;
use super::pair::{Kind, Model, Move, Pair};
use crate::track::{Link, Spot};

/// What one bridge may cost, as a part of losing a cell and finding another.
const BRIDGE_PART: f64 = 0.6;

/// The cells and moves of all frames with cells.
pub(super) struct Linked<'a> {
    pub cells: &'a [(usize, &'a [ChannelCell])],
    pub moves: &'a [Vec<Move>],
    pub models: &'a [Model],
}

impl Linked<'_> {
    /// Links over at most `max_gap` frames from cells that vanished to cells that appeared, by rising frame.
    pub(super) fn bridges(&self, max_gap: usize) -> Vec<Link> {
        let mut links = Vec::new();
        let mut taken: Vec<Vec<bool>> =
            self.cells.iter().map(|(_, c)| vec![false; c.len()]).collect();
        for (k, moves) in self.moves.iter().enumerate() {
            let vanished = moves.iter().filter_map(|m| match m.kind {
                Kind::Lost(i) | Kind::Leave(i) => Some(i),
                _ => None,
            });
            for i in vanished {
                let reach = (k + 2..self.cells.len())
                    .take_while(|end| self.cells[*end].0 - self.cells[k].0 <= max_gap + 1);
                let found = reach.filter_map(|end| self.bridge(k, i, end, &taken[end])).next();
                let Some((kind, end, cost)) = found else { continue };
                let spot = |index| Spot { frame: self.cells[end].0, index };
                let (j, sister) = match kind {
                    Kind::Divide(_, j) => (j, Some(j + 1)),
                    Kind::Grow(_, j) => (j, None),
                    _ => continue,
                };
                taken[end][j] = true;
                sister.into_iter().for_each(|j| taken[end][j] = true);
                links.push(Link {
                    from: Spot { frame: self.cells[k].0, index: i },
                    to: spot(j),
                    sister: sister.map(spot),
                    cost: cost as f32,
                });
            }
        }
        links
    }

    /// The cheapest way from cell `i` of the `k`-th frame to cells of a later one that came from nowhere.
    fn bridge(&self, k: usize, i: usize, end: usize, taken: &[bool]) -> Option<(Kind, usize, f64)> {
        let ln_growth = self.models[k..end].iter().map(|m| m.ln_growth).sum();
        let model = Model { ln_growth, ..self.models[k] };
        let pair = Pair::new(&model, self.cells[k].1, self.cells[end].1);
        let appeared =
            |j: usize| !taken[j] && self.moves[end - 1].iter().any(|m| m.kind == Kind::Appear(j));
        let count = self.cells[end].1.len();
        let (low, high) = self.neighbours(k, i, end);
        let inside = |j: usize| low.is_none_or(|l| j > l) && high.is_none_or(|h| j < h);
        let mut best: Option<(Kind, usize, f64)> = None;
        for j in (0..count).filter(|j| appeared(*j) && inside(*j)) {
            let mut offer = |kind, cost: f64| {
                if best.is_none_or(|b| cost < b.2) {
                    best = Some((kind, end, cost));
                }
            };
            offer(Kind::Grow(i, j), pair.grow(i, j));
            if j + 1 < count && appeared(j + 1) && inside(j + 1) {
                offer(Kind::Divide(i, j), pair.divide(i, j));
            }
        }
        best.filter(|b| b.2 < BRIDGE_PART * (model.lost_cost + model.new_cost))
    }

    /// The cells of a later frame between which a cell must lie to keep its order.
    fn neighbours(&self, k: usize, i: usize, end: usize) -> (Option<usize>, Option<usize>) {
        let follow = |cell: usize, last: bool| {
            (k..end).try_fold(cell, |at, step| {
                self.moves[step].iter().find_map(|m| match m.kind {
                    Kind::Grow(from, to) if from == at => Some(to),
                    Kind::Divide(from, to) if from == at => Some(to + usize::from(last)),
                    _ => None,
                })
            })
        };
        let below = (0..i).rev().find_map(|cell| follow(cell, true));
        let above = (i + 1..self.cells[k].1.len()).find_map(|cell| follow(cell, false));
        (below, above)
    }
}
