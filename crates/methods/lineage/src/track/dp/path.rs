//! The cheapest path through the frames' sets of cells.

use super::fit::Step;
use super::pair::{Model, Pair};
use super::{CellSet, ChannelCell};

/// Frames with cells, and the model from each to the next.
pub(super) struct Chain<'a> {
    /// The frame and its sets.
    pub frames: Vec<(usize, &'a [CellSet])>,
    pub models: Vec<Model>,
}

impl Chain<'_> {
    /// Which set of every frame lies on the cheapest path; at a tie the earlier set.
    pub(super) fn cheapest(&self) -> Vec<usize> {
        let mut back: Vec<Vec<usize>> = Vec::with_capacity(self.frames.len());
        let mut cost: Vec<f64> = Vec::new();
        for (k, (_, sets)) in self.frames.iter().enumerate() {
            let Some(before) = k.checked_sub(1) else {
                cost = sets.iter().map(|s| s.cost).collect();
                back.push(vec![0; sets.len()]);
                continue;
            };
            let (_, earlier) = self.frames[before];
            let reach = |set: &CellSet| {
                let through = earlier.iter().zip(&cost).enumerate().map(|(h, (old, cost))| {
                    let pair = Pair::new(&self.models[before], &old.cells, &set.cells);
                    (h, cost + pair.cost() + set.cost)
                });
                through
                    .fold((0, f64::INFINITY), |best, way| if way.1 < best.1 { way } else { best })
            };
            let reached: Vec<(usize, f64)> = sets.iter().map(reach).collect();
            back.push(reached.iter().map(|r| r.0).collect());
            cost = reached.iter().map(|r| r.1).collect();
        }
        let mut at = (0..cost.len()).fold(0, |best, h| if cost[h] < cost[best] { h } else { best });
        let mut chosen = vec![0; self.frames.len()];
        for k in (0..self.frames.len()).rev() {
            chosen[k] = at;
            at = back[k][at];
        }
        chosen
    }
}

/// Consecutive frames with the cells of one set each.
pub(super) fn steps<'a>(cells: &[(usize, &'a [ChannelCell])]) -> Vec<Step<'a>> {
    let step = |pair: &[(usize, &'a [ChannelCell])]| Step {
        old: pair[0].1,
        new: pair[1].1,
        frames: pair[1].0 - pair[0].0,
    };
    cells.windows(2).map(step).collect()
}
