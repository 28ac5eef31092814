//! Weighted least squares that finds and rejects wrong links.
//!
//! Graduated non-convexity (Yang, Antonante, Tzoumas & Carlone 2020, IEEE RA-L 5:1127,
//! doi:10.1109/LRA.2020.2965893) with the Geman-McClure cost: rounds of weighted least squares in
//! which a link's weight falls with its residual, gently at first, sharply at the end. Loops and
//! `p_false` set the first weights; a weak pull towards the stage model keeps every tile in
//! reach. Where the paper stops, [`Robust::settle`] turns weights into verdicts.

use rayon::prelude::*;

use super::error::PlaceError;
use super::link::{FIVE_SIGMA, Link, squared_distance};
use super::loops::{LoopVotes, vote};
use super::normal_equations::LinkGraph;
use super::stage::Stage;

/// A false displacement is taken to fall anywhere in at least this many voxels per axis.
const SMALLEST_RANGE: f64 = 20.0;
/// The cost starts nearly quadratic for residuals up to this many squared thresholds.
const SOFTEST: f64 = 1e6;
/// Rounds at the final sharpness.
const SHARP_ROUNDS: usize = 3;

/// What is solved: tiles by place in the list, axes that are wanted, links.
pub(super) struct Problem {
    pub nominal: Vec<[f64; 3]>,
    pub axes: [bool; 3],
    pub links: Vec<Link>,
    pub stage_sigma: Option<[f64; 3]>,
    pub use_candidates: bool,
}

/// The state of a robust solve.
pub(super) struct Robust {
    pub problem: Problem,
    pub graph: LinkGraph,
    pub stage: Stage,
    pub votes: LoopVotes,
    /// Position minus stage model, per axis and tile.
    pub offset: [Vec<f64>; 3],
    /// The candidate in use, per link.
    pub chosen: Vec<usize>,
    /// Rounds of least squares.
    pub rounds: usize,
    range: [f64; 3],
}

impl Robust {
    pub fn new(problem: Problem) -> Result<Robust, PlaceError> {
        let tiles = problem.nominal.len();
        let ends: Vec<(usize, usize)> = problem.links.iter().map(|l| (l.a, l.b)).collect();
        let stage = Stage::from_links(&problem.links, &problem.nominal, problem.stage_sigma);
        let range = stage.sigma.map(|s| (6.0 * 2f64.sqrt() * s).max(SMALLEST_RANGE));
        Ok(Robust {
            graph: LinkGraph::new(tiles, ends)?,
            votes: vote(tiles, &problem.links, range),
            chosen: vec![0; problem.links.len()],
            offset: std::array::from_fn(|_| vec![0.0; tiles]),
            rounds: 0,
            stage,
            range,
            problem,
        })
    }

    /// Position of a tile.
    pub fn position(&self, tile: usize) -> [f64; 3] {
        let stage = self.stage.at(self.problem.nominal[tile]);
        std::array::from_fn(|d| stage[d] + self.offset[d][tile])
    }

    /// Log odds that a link is true before any residual is known: by its `p_false` and by how
    /// sound the whole set is.
    pub fn prior_log_odds(&self, link: usize) -> f64 {
        self.problem.links[link].log_odds + self.votes.log_odds_of_set
    }

    /// What the links' displacement asks of the offsets: displacement minus the stage's step.
    pub fn wanted(&self, link: usize, candidate: usize) -> [f64; 3] {
        let l = &self.problem.links[link];
        let step = self.stage.step(self.problem.nominal[l.a], self.problem.nominal[l.b]);
        std::array::from_fn(|d| l.candidates[candidate][d] - step[d])
    }

    /// Squared distance of a candidate's residual from zero, in stretched standard deviations.
    fn distance_of(&self, link: usize, candidate: usize) -> f64 {
        let l = &self.problem.links[link];
        let wanted = self.wanted(link, candidate);
        let r = std::array::from_fn(|d| self.offset[d][l.b] - self.offset[d][l.a] - wanted[d]);
        squared_distance(r, &l.covariance, l.measured) / self.votes.stretch
    }

    /// Squared distance of the chosen candidate's residual, in stretched standard deviations.
    pub fn distance(&self, link: usize) -> f64 {
        self.distance_of(link, self.chosen[link])
    }

    /// The squared distance beyond which a link counts as wrong.
    pub fn threshold(&self, link: usize) -> f64 {
        FIVE_SIGMA[self.problem.links[link].components()]
    }

    /// Weights of the links along axis `d`, from a factor per link.
    pub fn weights(&self, factors: &[f64], d: usize) -> Vec<f64> {
        let stretch = self.votes.stretch;
        let weight = |(l, f): (&Link, &f64)| {
            if l.measured[d] { f * l.damping / (stretch * l.covariance[d][d]) } else { 0.0 }
        };
        self.problem.links.iter().zip(factors).map(weight).collect()
    }

    /// One round of least squares; axes are solved side by side.
    pub fn solve(&mut self, factors: &[f64]) -> Result<(), PlaceError> {
        let this = &*self;
        let tiles = this.problem.nominal.len();
        let solved: Vec<Option<Vec<f64>>> = (0..3)
            .into_par_iter()
            .map(|d| {
                if !this.problem.axes[d] {
                    return Ok(None);
                }
                let weights = this.weights(factors, d);
                let pull = 1.0 / (this.stage.sigma[d] * this.stage.sigma[d]);
                let wanted = (0..weights.len()).map(|k| this.wanted(k, this.chosen[k])[d]);
                let mut u = this.graph.right_hand_side(&weights, wanted);
                this.graph.factor(&weights, &vec![pull; tiles])?.solve(&mut u);
                Ok(Some(u))
            })
            .collect::<Result<_, PlaceError>>()?;
        for (offset, solved) in self.offset.iter_mut().zip(solved) {
            if let Some(u) = solved {
                *offset = u;
            }
        }
        self.rounds += 1;
        Ok(())
    }

    /// Graduated non-convexity: leaves positions near the final ones.
    pub fn graduate(&mut self) -> Result<(), PlaceError> {
        let links = self.problem.links.len();
        let belief: Vec<f64> = (0..links)
            .map(|k| {
                let odds = self.prior_log_odds(k) + self.votes.log_odds[k];
                (1.0 / (1.0 + (-odds).exp())).max(1e-3)
            })
            .collect();
        self.solve(&belief)?;
        // Links that are not believed do not decide how softly to begin.
        let worst = (0..links)
            .filter(|k| belief[*k] > 0.2)
            .map(|k| 2.0 * self.distance(k) / self.threshold(k))
            .fold(1.0, f64::max);
        let mut softness = worst.min(SOFTEST);
        let mut sharp = 0;
        while sharp < SHARP_ROUNDS {
            self.choose_candidates(softness);
            let factors: Vec<f64> =
                (0..links).map(|k| belief[k] * self.geman_mcclure(k, softness)).collect();
            self.solve(&factors)?;
            sharp += usize::from(softness == 1.0);
            softness = (softness / 2.0).max(1.0);
        }
        self.choose_candidates(1.0);
        Ok(())
    }

    /// The weight of the Geman-McClure cost at a link's residual.
    pub fn geman_mcclure(&self, link: usize, softness: f64) -> f64 {
        let reach = softness * self.threshold(link);
        (reach / (reach + self.distance(link))).powi(2)
    }

    /// Lets links whose displacement does not fit use a candidate that does.
    ///
    /// A link keeps its measured displacement while that fits. Another candidate must fit much
    /// better, and must be so certain that a random one would hardly fit by chance.
    pub fn choose_candidates(&mut self, softness: f64) {
        if !self.problem.use_candidates {
            return;
        }
        for k in 0..self.chosen.len() {
            let count = self.problem.links[k].candidates.len();
            if count == 1 {
                continue;
            }
            let reach = softness * self.threshold(k);
            if self.distance_of(k, 0) <= reach {
                self.chosen[k] = 0;
                continue;
            }
            let best =
                (1..count).map(|c| (self.distance_of(k, c), c)).min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((distance, c)) = best else { continue };
            let by_chance = self.chance_of_fit(k) * (count - 1) as f64;
            if distance <= reach && distance < 0.25 * self.distance_of(k, 0) && by_chance < 0.1 {
                self.chosen[k] = c;
            } else {
                self.chosen[k] = 0;
            }
        }
    }

    /// Chance that a displacement drawn at random fits a link within its threshold.
    pub fn chance_of_fit(&self, link: usize) -> f64 {
        let l = &self.problem.links[link];
        (0..3)
            .filter(|d| l.measured[*d])
            .map(|d| {
                let sd = (l.covariance[d][d] * self.votes.stretch).sqrt();
                (10.0 * sd / self.range[d]).min(1.0)
            })
            .product()
    }
}
