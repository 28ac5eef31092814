//! What the cells of one frame may have become in another, and how unlikely each is.

use super::ColonyCell;
use super::motion::Motion;
use super::shape::{shape_distance, sub};

/// Links reach so many cell lengths.
const REACH: f64 = 1.5;
/// The areas of two daughters add up to that of the mother times growth within this, as a logarithm.
const MASS: f64 = 0.4;
/// Daughters of one mother differ by less than this, as a logarithm.
const UNEVEN: f64 = 1.1;
/// Spread of that difference.
const SPLIT_SPREAD: f64 = 0.25;
/// Sisters turn and are pushed when they part: their places are this much less certain.
const DIVISION_SLACK: f64 = 1.6;
/// Of a division as such.
const DIVISION_COST: f64 = 1.0;
/// How gradually cells divide around the length at which they do, and how much it counts at most.
const TIMING_SPREAD: f64 = 0.15;
const MAX_TIMING_COST: f64 = 4.0;

/// One cell that may have become another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub old: usize,
    pub new: usize,
    pub cost: f64,
}

/// One cell that may have become two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fork {
    pub old: usize,
    pub new: [usize; 2],
    pub cost: f64,
    /// The same without the question whether a cell of this length divides.
    pub shape_cost: f64,
}

/// Two frames and the way between them.
pub(super) struct Between<'a> {
    pub old: &'a [ColonyCell],
    pub new: &'a [ColonyCell],
    pub motion: Motion,
    /// Logarithm of the length at which cells divide.
    pub ln_division_length: f64,
}

impl Between<'_> {
    /// Costs of a cell dividing, and of it not dividing.
    fn timing(&self, old: &ColonyCell) -> [f64; 2] {
        let ln_length = old.length().max(1e-6).ln() + self.motion.ln_growth;
        let x = (ln_length - self.ln_division_length) / TIMING_SPREAD;
        [-x, x].map(|x| x.min(50.0).exp().ln_1p().min(MAX_TIMING_COST))
    }

    fn area(&self, old: &ColonyCell, new: f64) -> f64 {
        ((new / old.area).ln() - self.motion.ln_growth).abs() / self.motion.area_spread
    }

    fn place(&self, i: usize, j: usize, from: f64, to: f64) -> f64 {
        shape_distance(|s| self.motion.moved(i, &self.old[i], s), &self.new[j], from, to)
    }

    /// New cells with their middle within reach of an old one, where it is expected.
    fn near(&self, i: usize) -> Vec<usize> {
        let old = &self.old[i];
        let center = self.motion.moved(i, old, 0.5);
        let is_near = |j: &usize| {
            let off = sub(self.new[*j].center, center);
            off[0].hypot(off[1]) < REACH * old.length()
        };
        (0..self.new.len()).filter(is_near).collect()
    }

    /// Links that cost less than `most`.
    pub(super) fn links(&self, most: f64) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (i, old) in self.old.iter().enumerate() {
            let stays = self.timing(old)[1];
            for j in self.near(i) {
                let base = self.area(old, self.new[j].area) + stays;
                if base < most {
                    let cost = base + self.place(i, j, 0.0, 1.0) / self.motion.distance_spread;
                    all.push(Candidate { old: i, new: j, cost });
                }
            }
        }
        all.retain(|c| c.cost < most);
        all
    }

    /// Divisions that cost less than `most`.
    pub(super) fn forks(&self, most: f64) -> Vec<Fork> {
        let mut all = Vec::new();
        for (i, old) in self.old.iter().enumerate() {
            let near = self.near(i);
            for (k, &a) in near.iter().enumerate() {
                for &b in &near[k + 1..] {
                    all.extend(self.fork(i, old, a, b).filter(|fork| fork.shape_cost < most));
                }
            }
        }
        all
    }

    fn fork(&self, i: usize, old: &ColonyCell, a: usize, b: usize) -> Option<Fork> {
        let [first, second] = [a, b].map(|j| self.new[j].area);
        let mass = ((first + second) / old.area).ln() - self.motion.ln_growth;
        let split = (first / second).ln().abs();
        if mass.abs() > MASS || split > UNEVEN {
            return None;
        }
        // The sisters lie one behind the other where the mother's two parts are expected.
        let at = first / (first + second);
        let along = self.place(i, a, 0.0, at) + self.place(i, b, at, 1.0);
        let against = self.place(i, b, 0.0, 1.0 - at) + self.place(i, a, 1.0 - at, 1.0);
        let distance = 0.5 * along.min(against);
        let shape_cost = DIVISION_COST
            + distance / (DIVISION_SLACK * self.motion.distance_spread)
            + mass.abs() / self.motion.area_spread
            + split / SPLIT_SPREAD;
        let cost = shape_cost + self.timing(old)[0];
        Some(Fork { old: i, new: [a, b], cost, shape_cost })
    }
}
