//! From soft weights to verdicts: which links are kept, which tiles they hold.

use std::ops::Range;

use super::bridges::{Bridge, bridges};
use super::error::PlaceError;
use super::robust::Robust;
use super::stage::Stage;
use crate::layout::{connected_sets, root};

/// Log odds that a link must have when nothing else checks it, when it alone holds a tile; more
/// in sets of more than [`FEW_LINKS`], where chance has more tries.
const ODDS_ALONE: f64 = 5.0;
const FEW_LINKS: f64 = 24.0;
/// Agreement with other links adds at most this much to a link's log odds; it adds little to a
/// link so uncertain that it agrees with anything.
const MOST_BY_FIT: f64 = 9.0;
/// Log odds, beyond those of a link alone, that a link must have with that addition: a link has
/// several others to agree with by chance.
const ODDS_MORE: f64 = 2.5;
/// Rounds before verdicts are final.
const MOST_ROUNDS: usize = 24;
/// A link that fell out of the solution this often stays out.
const MOST_FALLS: u8 = 2;

/// Why a link is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// Its quality says too little.
    LowQuality,
    /// It disagrees with the other links or with the stage.
    Outlier,
    /// Loops through it do not close.
    InconsistentLoop,
}

/// The links of a settled solution.
pub(super) struct Verdicts {
    /// Per link, `None` when it is kept.
    pub rejected: Vec<Option<Rejection>>,
    /// Connected sets of tiles by kept links: the largest first, then by smallest tile.
    pub islands: Vec<Vec<usize>>,
}

struct Settling {
    kept: Vec<bool>,
    barred: Vec<Option<Rejection>>,
    falls: Vec<u8>,
    /// Chi-square of each link's shift about the stage.
    stage: Vec<f64>,
    ends: Vec<(usize, usize)>,
    /// Log odds that a link must have by itself.
    odds_needed: f64,
}

impl Robust {
    /// Decides which links are kept and solves with those alone.
    ///
    /// A link is kept when it fits within 5 sd. Where the graduated solution left a tile between
    /// two links that contradict each other, the more credible one (by `p_false`, loops and the
    /// stage) connects it. A link that nothing checks must be credible by itself.
    pub fn settle(&mut self) -> Result<Verdicts, PlaceError> {
        let mut s = self.begin_settling();
        for _ in 0..MOST_ROUNDS {
            let mut changed = self.connect(&mut s);
            self.refit_stage(&s);
            self.solve_kept(&s)?;
            self.choose_candidates(1.0);
            changed |= self.drop_and_readmit(&mut s);
            changed |= self.judge_unchecked(&mut s);
            if !changed {
                break;
            }
        }
        // The last judgement may have taken links out.
        self.refit_stage(&s);
        self.solve_kept(&s)?;
        let rejected = (0..s.kept.len())
            .map(|k| (!s.kept[k]).then(|| s.barred[k].unwrap_or_else(|| self.reason(k))))
            .collect();
        Ok(Verdicts { rejected, islands: self.islands(&s) })
    }

    fn begin_settling(&self) -> Settling {
        let links = &self.problem.links;
        let stage_distance = |k: usize| {
            let (l, shift) = (&links[k], self.wanted(k, 0));
            let variance = |d: usize| 2.0 * self.stage.sigma[d].powi(2) + l.covariance[d][d];
            (0..3).filter(|d| l.measured[*d]).map(|d| shift[d].powi(2) / variance(d)).sum()
        };
        let odds_needed = ODDS_ALONE + 0.5 * (links.len() as f64 / FEW_LINKS).max(1.0).ln();
        let barred = |k: usize| {
            let by_fit = (-self.chance_of_fit(k).max(1e-9).ln()).min(MOST_BY_FIT);
            let odds = self.prior_log_odds(k) + by_fit;
            (odds < odds_needed + ODDS_MORE).then_some(Rejection::LowQuality)
        };
        let mut settling = Settling {
            kept: vec![false; links.len()],
            barred: (0..links.len()).map(barred).collect(),
            falls: vec![0; links.len()],
            stage: (0..links.len()).map(stage_distance).collect(),
            ends: links.iter().map(|l| (l.a, l.b)).collect(),
            odds_needed,
        };
        for k in 0..links.len() {
            settling.kept[k] =
                settling.barred[k].is_none() && self.distance(k) <= self.threshold(k);
        }
        settling
    }

    /// How much more the stage speaks against a link than against an ordinary one.
    fn stage_penalty(&self, s: &Settling, k: usize) -> f64 {
        (0.5 * s.stage[k] - self.problem.links[k].components() as f64).max(0.0)
    }

    /// Log odds of a link by itself: no other link is asked.
    fn odds_alone(&self, s: &Settling, k: usize) -> f64 {
        self.prior_log_odds(k) - self.stage_penalty(s, k)
    }

    /// By what links that contradict each other are ranked.
    fn rank(&self, s: &Settling, k: usize) -> f64 {
        self.prior_log_odds(k) + self.votes.log_odds[k] - 0.5 * s.stage[k]
    }

    /// Connects what kept links leave apart by the most credible of the others.
    fn connect(&self, s: &mut Settling) -> bool {
        let mut parent: Vec<usize> = (0..self.problem.nominal.len()).collect();
        for (k, &(a, b)) in s.ends.iter().enumerate().filter(|(k, _)| s.kept[*k]) {
            debug_assert!(s.barred[k].is_none(), "a barred link is never kept");
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent[a.max(b)] = a.min(b);
        }
        let mut apart: Vec<(f64, usize)> = (0..s.kept.len())
            .filter(|k| !s.kept[*k] && s.barred[*k].is_none())
            .filter(|k| self.odds_alone(s, *k) >= s.odds_needed)
            .map(|k| (self.rank(s, k), k))
            .collect();
        apart.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut changed = false;
        for (_, k) in apart {
            let (a, b) = s.ends[k];
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            if a != b {
                parent[a.max(b)] = a.min(b);
                s.kept[k] = true;
                changed = true;
            }
        }
        changed
    }

    fn islands(&self, s: &Settling) -> Vec<Vec<usize>> {
        let kept = s.ends.iter().zip(&s.kept).filter(|(_, kept)| **kept).map(|(e, _)| *e);
        let mut islands = connected_sets(self.problem.nominal.len(), kept);
        islands.sort_by_key(|tiles| std::cmp::Reverse(tiles.len()));
        islands
    }

    /// Fits the stage model to the islands as they lie; positions do not move.
    fn refit_stage(&mut self, s: &Settling) {
        let at: Vec<[f64; 3]> = (0..self.problem.nominal.len()).map(|t| self.position(t)).collect();
        let mut islands = self.islands(s);
        islands.retain(|tiles| tiles.len() > 1);
        if islands.is_empty() {
            let sigma = self.stage.sigma;
            self.stage = Stage::nominal(sigma);
        } else {
            self.stage = self.stage.refit(&islands, &self.problem.nominal, &at);
        }
        for (t, p) in at.iter().enumerate() {
            let stage = self.stage.at(self.problem.nominal[t]);
            (0..3).for_each(|d| self.offset[d][t] = p[d] - stage[d]);
        }
    }

    fn solve_kept(&mut self, s: &Settling) -> Result<(), PlaceError> {
        let factors: Vec<f64> = s.kept.iter().map(|k| f64::from(u8::from(*k))).collect();
        self.solve(&factors)
    }

    /// Drops the worst of the links that no longer fit, and takes back those that do.
    ///
    /// One bad link spoils its neighbours' residuals, so of the misfits at a tile only the worst
    /// goes in one round.
    fn drop_and_readmit(&self, s: &mut Settling) -> bool {
        let excess: Vec<f64> =
            (0..s.kept.len()).map(|k| self.distance(k) / self.threshold(k)).collect();
        let mut worst = vec![1.0f64; self.problem.nominal.len()];
        for (k, &(a, b)) in s.ends.iter().enumerate().filter(|(k, _)| s.kept[*k]) {
            worst[a] = worst[a].max(excess[k]);
            worst[b] = worst[b].max(excess[k]);
        }
        let mut changed = false;
        for (k, &(a, b)) in s.ends.iter().enumerate() {
            if s.kept[k] {
                if excess[k] > 1.0 && excess[k] >= worst[a] && excess[k] >= worst[b] {
                    s.kept[k] = false;
                    s.falls[k] += 1;
                    changed = true;
                }
            } else if excess[k] <= 1.0 && s.barred[k].is_none() && s.falls[k] < MOST_FALLS {
                s.kept[k] = true;
                changed = true;
            }
        }
        changed
    }

    /// Judges the links that nothing checks: each must be credible by itself, and more so than
    /// the rejected links that would hold the same tiles elsewhere.
    fn judge_unchecked(&self, s: &mut Settling) -> bool {
        let found = bridges(self.problem.nominal.len(), &s.ends, &s.kept);
        let others: Vec<usize> = (0..s.kept.len())
            .filter(|o| !s.kept[*o] && s.barred[*o].is_none())
            .filter(|o| self.odds_alone(s, *o) >= s.odds_needed)
            .collect();
        let sums = self.sums_by_rank(&found.rank);
        let mut changed = false;
        for bridge in &found.bridges {
            let k = bridge.link;
            if self.odds_alone(s, k) < s.odds_needed {
                s.kept[k] = false;
                let quality = self.prior_log_odds(k) < s.odds_needed;
                s.barred[k] =
                    Some(if quality { Rejection::LowQuality } else { Rejection::Outlier });
                changed = true;
                continue;
            }
            let inside = |t: usize| bridge.side.contains(&found.rank[t]);
            let crosses = |o: usize| inside(s.ends[o].0) != inside(s.ends[o].1);
            let merit = |o: usize| {
                let moved = self.shift_by(s, o, inside(s.ends[o].1));
                let stage = self.stage_distance(&sums, bridge, moved);
                self.prior_log_odds(o) + self.votes.log_odds[o] - 0.5 * stage
            };
            let better = others
                .iter()
                .filter(|o| !s.kept[**o] && crosses(**o))
                .map(|&o| (merit(o), o))
                .filter(|(value, _)| *value > merit(k))
                .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            if let Some((_, other)) = better {
                (s.kept[k], s.kept[other]) = (false, true);
                changed = true;
            }
        }
        changed
    }

    /// How far the side of a bridge moves when link `o` holds it instead; 0 for the bridge itself.
    fn shift_by(&self, s: &Settling, o: usize, b_inside: bool) -> [f64; 3] {
        let ((a, b), link) = (s.ends[o], &self.problem.links[o]);
        let wanted = self.wanted(o, self.chosen[o]);
        std::array::from_fn(|d| {
            let lacking = wanted[d] - (self.offset[d][b] - self.offset[d][a]);
            let known = if link.measured[d] { lacking } else { 0.0 };
            if b_inside { known } else { -known }
        })
    }

    /// Sums of offsets over the tiles of lower rank, per axis.
    fn sums_by_rank(&self, rank: &[usize]) -> [Vec<f64>; 3] {
        std::array::from_fn(|d| {
            let mut sums = vec![0.0; rank.len() + 1];
            rank.iter().enumerate().for_each(|(t, r)| sums[r + 1] = self.offset[d][t]);
            (0..rank.len()).for_each(|r| sums[r + 1] += sums[r]);
            sums
        })
    }

    /// Chi-square of the stage for the two sides of a bridge, one of them moved.
    ///
    /// Stage errors of neighbours may be alike, so each side counts as one tile, however many.
    fn stage_distance(&self, sums: &[Vec<f64>; 3], bridge: &Bridge, moved: [f64; 3]) -> f64 {
        let (side, island) = (&bridge.side, &bridge.island);
        let (inner, outer) = (side.len() as f64, (island.len() - side.len()) as f64);
        let over = |d: usize, range: &Range<usize>| sums[d][range.end] - sums[d][range.start];
        (0..3)
            .filter(|d| self.problem.axes[*d])
            .map(|d| {
                let apart = over(d, side) / inner - (over(d, island) - over(d, side)) / outer;
                let variance = self.stage.sigma[d].powi(2) * (1.0 + 1.0 / inner.max(outer));
                (apart + moved[d]).powi(2) / variance
            })
            .sum()
    }

    fn reason(&self, k: usize) -> Rejection {
        let (open, closed) = (self.votes.open[k], self.votes.closed[k]);
        if open > 0 && closed == 0 { Rejection::InconsistentLoop } else { Rejection::Outlier }
    }
}
