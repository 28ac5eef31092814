//! Where a row of cells is cut.

use serde::{Deserialize, Serialize};

/// One way to cut a channel into cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutHypothesis {
    /// First row and the row after the last of each cell, along the channel from the image's first row on.
    pub cells: Vec<[usize; 2]>,
    /// Natural logarithm of its odds, up to a constant of the frame: the higher the better.
    pub score: f64,
}

/// A stretch of rows without a gap: one cell or more.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    pub(super) start: usize,
    /// Width of each row, pixels.
    pub(super) widths: Vec<f32>,
    /// Brightness of the axis in each row: 0 inside of cells, 1 beside them.
    pub(super) levels: Vec<f32>,
}

/// A place where a chain may be cut.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// Rows before the cut.
    row: usize,
    /// Logarithm of the odds for the cut.
    odds: f64,
}

/// Weight of narrowness beside brightness in the evidence of a septum.
const NARROW: f32 = 0.6;

/// Odds of a cut per evidence, in parts of a clear septum's; and at what part they are even.
const WEIGHT: f64 = 16.0;
const EVEN: f64 = 0.62;

/// Places with smaller odds are not tried.
const LEAST_ODDS: f64 = -8.0;

/// Length prior: log-normal about the median, of this deviation, and never worse than this.
const LENGTH_SD: f64 = 0.4;
const WORST_LENGTH: f64 = 4.0;

/// The length that is expected where nothing is known, in widths; no cell is shorter than the second.
const TYPICAL_LENGTH: f64 = 3.0;
const SHORTEST: f64 = 0.9;

/// What a cut is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct CutScale {
    /// Width of a cell, pixels.
    pub(super) width: f64,
    /// Evidence of a clear septum.
    pub(super) septum: f64,
}

/// The best ways to cut all chains, the best first.
pub(super) fn cut_chains(chains: &[Chain], scale: CutScale, keep: usize) -> Vec<CutHypothesis> {
    let width = scale.width;
    let candidates: Vec<Vec<Candidate>> = chains.iter().map(|c| candidates(c, scale)).collect();
    let expected = expected_length(chains, &candidates, width);
    let mut best = vec![CutHypothesis { cells: Vec::new(), score: 0.0 }];
    for (chain, candidates) in chains.iter().zip(&candidates) {
        let ways = cut_chain(chain, candidates, expected, width, keep);
        let mut joined: Vec<CutHypothesis> = Vec::with_capacity(best.len() * ways.len());
        for a in &best {
            joined.extend(ways.iter().map(|b| CutHypothesis {
                cells: a.cells.iter().chain(&b.cells).copied().collect(),
                score: a.score + b.score,
            }));
        }
        best = best_of(joined, keep);
    }
    best
}

fn best_of(mut ways: Vec<CutHypothesis>, keep: usize) -> Vec<CutHypothesis> {
    ways.sort_by(|a, b| b.score.total_cmp(&a.score));
    ways.truncate(keep);
    ways
}

/// Greatest value within some rows on one side.
fn extreme(values: &[f32], pick: fn(f32, f32) -> f32) -> f32 {
    values.iter().copied().reduce(pick).unwrap_or(0.0)
}

/// Evidence of a septum at each row: how much brighter and narrower it is than the rows on both sides.
fn evidence(chain: &Chain, width: f64) -> Vec<f32> {
    let n = chain.widths.len();
    let reach = ((0.75 * width).round() as usize).max(2);
    let at = |i: usize| {
        let before = i.saturating_sub(reach)..i;
        let after = i + 1..(i + 1 + reach).min(n);
        let rise = |r: &std::ops::Range<usize>| {
            chain.levels[i] - extreme(&chain.levels[r.clone()], f32::min)
        };
        let pinch = |r: &std::ops::Range<usize>| {
            extreme(&chain.widths[r.clone()], f32::max) - chain.widths[i]
        };
        let bright = rise(&before).min(rise(&after));
        let narrow = pinch(&before).min(pinch(&after)) / width as f32;
        bright.max(0.0) + NARROW * narrow.max(0.0)
    };
    (0..n).map(at).collect()
}

/// Rows with more evidence than their neighbours, and that evidence.
pub(super) fn peaks(chain: &Chain, width: f64) -> Vec<(usize, f32)> {
    let shortest = ((SHORTEST * width) as usize).max(1);
    let evidence = evidence(chain, width);
    let n = evidence.len();
    let reach = (shortest / 2).max(1);
    let is_peak = |i: &usize| {
        let around = i.saturating_sub(reach)..(i + reach + 1).min(n);
        let here = evidence[*i];
        around.into_iter().all(|k| evidence[k] < here || k >= *i && evidence[k] <= here)
    };
    let rows = shortest..n.saturating_sub(shortest);
    rows.filter(is_peak).map(|row| (row, evidence[row])).collect()
}

/// The peaks that may be cuts.
fn candidates(chain: &Chain, scale: CutScale) -> Vec<Candidate> {
    let candidate = |(row, evidence): (usize, f32)| Candidate {
        row,
        odds: WEIGHT * (f64::from(evidence) / scale.septum - EVEN),
    };
    let candidates = peaks(chain, scale.width).into_iter().map(candidate);
    candidates.filter(|c| c.odds > LEAST_ODDS).collect()
}

/// The median length of the cells if every likely cut is one.
fn expected_length(chains: &[Chain], candidates: &[Vec<Candidate>], width: f64) -> f64 {
    let mut lengths = vec![(TYPICAL_LENGTH * width) as f32];
    for (chain, candidates) in chains.iter().zip(candidates) {
        let mut from = 0;
        let cuts = candidates.iter().filter(|c| c.odds > 0.0).map(|c| c.row);
        for to in cuts.chain([chain.widths.len()]) {
            lengths.push((to - from) as f32);
            from = to;
        }
    }
    lengths.retain(|l| f64::from(*l) > SHORTEST * width);
    hooke_filters::order::median(&mut lengths).map_or(TYPICAL_LENGTH * width, f64::from)
}

/// The best ways to cut one chain, by dynamic programming over its candidates.
fn cut_chain(
    chain: &Chain,
    candidates: &[Candidate],
    expected: f64,
    width: f64,
    keep: usize,
) -> Vec<CutHypothesis> {
    let end = Candidate { row: chain.widths.len(), odds: 0.0 };
    let places: Vec<Candidate> = candidates.iter().copied().chain([end]).collect();
    let prior = |length: usize| {
        let off = (length as f64 / expected).ln() / LENGTH_SD;
        -(0.5 * off * off).min(WORST_LENGTH)
    };
    // The best ways to cut what lies before each place.
    let mut ways: Vec<Vec<CutHypothesis>> = Vec::with_capacity(places.len());
    for (k, place) in places.iter().enumerate() {
        let cell = |from: usize| [chain.start + from, chain.start + place.row];
        let mut here =
            vec![CutHypothesis { cells: vec![cell(0)], score: place.odds + prior(place.row) }];
        for (before, ways) in places[..k].iter().zip(&ways) {
            let length = place.row - before.row;
            if (length as f64) < SHORTEST * width {
                continue;
            }
            here.extend(ways.iter().map(|way| {
                let mut cells = way.cells.clone();
                cells.push(cell(before.row));
                CutHypothesis { cells, score: way.score + place.odds + prior(length) }
            }));
        }
        ways.push(best_of(here, keep));
    }
    ways.pop().unwrap_or_default()
}
