//! What the movie itself tells of growth, division and spreads.

use super::pair::{Kind, Model, Move, Pair, position_scale, pushed};
use super::{ChannelCell, DpParams};

const GRID_STEP: f64 = 0.01;
/// Pairs of frames on either side that share a growth rate.
const WINDOW: usize = 5;
/// Of a pair's cost, so that one ruined frame does not decide.
const MAX_PAIR_COST: f64 = 60.0;
const ROUNDS: usize = 3;
/// Median of the absolute value of a Laplace variable, over its mean.
const LAPLACE_MEDIAN: f64 = std::f64::consts::LN_2;
/// Fewer values than this tell nothing of a spread.
const ENOUGH: usize = 8;
const GROWTH_SPREADS: [f64; 2] = [0.02, 0.3];
const SPLIT_SPREADS: [f64; 2] = [0.05, 0.4];
const POSITION_SPREADS: [f64; 2] = [0.15, 4.0];
const DIVISION_SPREADS: [f64; 2] = [0.02, 0.15];

/// Two frames that follow each other, after leaving out those without cells.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub old: &'a [ChannelCell],
    pub new: &'a [ChannelCell],
    /// Frames between them.
    pub frames: usize,
}

/// The model of every step.
pub(super) fn fit(steps: &[Step<'_>], params: &DpParams) -> Vec<Model> {
    let start = first_guess(steps, params);
    let mut models: Vec<Model> = vec![start; steps.len()];
    scale_growth(&mut models, steps, &vec![grid(steps, &start, params); steps.len()]);
    for _ in 0..ROUNDS {
        let moves: Vec<Vec<Move>> = steps
            .iter()
            .zip(&models)
            .map(|(step, model)| Pair::new(model, step.old, step.new).moves())
            .collect();
        let rates = window_growth(steps, &moves, &models, params);
        refit(&mut models, steps, &moves, &rates);
        scale_growth(&mut models, steps, &rates);
    }
    models
}

fn scale_growth(models: &mut [Model], steps: &[Step<'_>], rates: &[f64]) {
    for ((model, step), rate) in models.iter_mut().zip(steps).zip(rates) {
        model.ln_growth = rate * step.frames as f64;
    }
}

fn first_guess(steps: &[Step<'_>], params: &DpParams) -> Model {
    let cells = || steps.iter().flat_map(|s| s.old.iter().chain(s.new));
    let farthest = cells().map(|c| c.position).fold(0.0, f64::max);
    let mut lengths: Vec<f64> = cells().map(|c| c.length).collect();
    let long = quantile(&mut lengths, 0.9).unwrap_or(1.0);
    Model {
        ln_growth: 0.0,
        growth_spread: params.growth_spread,
        split_spread: params.split_spread,
        position_spread: 2.0,
        ln_division_length: long.ln(),
        division_spread: 0.12,
        open_end: params.open_end.unwrap_or(farthest),
        lost_cost: params.lost_cost,
        new_cost: params.new_cost,
    }
}

/// The growth per frame that explains all steps best.
fn grid(steps: &[Step<'_>], start: &Model, params: &DpParams) -> f64 {
    let count = (params.max_ln_growth / GRID_STEP).ceil() as usize;
    let total = |rate: f64| -> f64 {
        let cost = |step: &Step<'_>| {
            let model = Model { ln_growth: rate * step.frames as f64, ..*start };
            Pair::new(&model, step.old, step.new).cost().min(MAX_PAIR_COST)
        };
        steps.iter().map(cost).sum()
    };
    let mut best = (0.0, f64::INFINITY);
    for rate in (0..=count).map(|i| i as f64 * GRID_STEP) {
        let total = total(rate);
        if total < best.1 {
            best = (rate, total);
        }
    }
    best.0
}

/// Logarithm of growth per frame that a move shows.
fn growth_of(step: &Step<'_>, kind: Kind, open_end: f64) -> Option<f64> {
    let (old, new) = match kind {
        Kind::Grow(i, j) if step.new[j].position + 0.5 * step.new[j].length < open_end => {
            (step.old[i].length, step.new[j].length)
        }
        Kind::Divide(i, j) => (step.old[i].length, step.new[j].length + step.new[j + 1].length),
        _ => return None,
    };
    Some((new / old).ln() / step.frames as f64)
}

/// Medians over the steps around each.
fn window_growth(
    steps: &[Step<'_>],
    moves: &[Vec<Move>],
    models: &[Model],
    params: &DpParams,
) -> Vec<f64> {
    let of_step = |k: usize| {
        moves[k].iter().filter_map(move |m| growth_of(&steps[k], m.kind, models[k].open_end))
    };
    let mut all: Vec<f64> = (0..steps.len()).flat_map(of_step).collect();
    let whole = quantile(&mut all, 0.5).unwrap_or(0.0);
    let around = |k: usize| {
        let window = k.saturating_sub(WINDOW)..(k + WINDOW + 1).min(steps.len());
        let mut seen: Vec<f64> = window.flat_map(of_step).collect();
        let median = quantile(&mut seen, 0.5).filter(|_| seen.len() >= ENOUGH);
        median.unwrap_or(whole).clamp(-0.05, params.max_ln_growth)
    };
    (0..steps.len()).map(around).collect()
}

/// Spreads, and the length at division, of all moves; `rates` are per frame.
fn refit(models: &mut [Model], steps: &[Step<'_>], moves: &[Vec<Move>], rates: &[f64]) {
    let (mut growth, mut split, mut place) = (Vec::new(), Vec::new(), Vec::new());
    let mut divided = Vec::new();
    for (((step, moves), rate), model) in steps.iter().zip(moves).zip(rates).zip(models.iter()) {
        let ln_growth = rate * step.frames as f64;
        let predicted = pushed(step.old, ln_growth);
        for m in moves {
            let seen = growth_of(step, m.kind, model.open_end);
            growth.extend(seen.map(|g| (g * step.frames as f64 - ln_growth).abs()));
            match m.kind {
                Kind::Divide(i, j) => {
                    split.push((step.new[j].length / step.new[j + 1].length).ln().abs());
                    // The cell divided somewhere on its way to this length.
                    divided.push(step.old[i].length.ln() + 0.5 * ln_growth);
                }
                Kind::Grow(i, j) if seen.is_some() => {
                    let way = predicted[i] - step.old[i].position;
                    place.push((step.new[j].position - predicted[i]).abs() / position_scale(way));
                }
                _ => {}
            }
        }
    }
    let spread = |values: &mut Vec<f64>, [low, high]: [f64; 2]| {
        let is_enough = values.len() >= ENOUGH;
        let median = quantile(values, 0.5).filter(|_| is_enough)?;
        Some((median / LAPLACE_MEDIAN).clamp(low, high))
    };
    let growth = spread(&mut growth, GROWTH_SPREADS);
    let split = spread(&mut split, SPLIT_SPREADS);
    let place = spread(&mut place, POSITION_SPREADS);
    let length = quantile(&mut divided, 0.5).filter(|_| divided.len() >= ENOUGH);
    let mut off: Vec<f64> = divided.iter().map(|d| (d - length.unwrap_or(0.0)).abs()).collect();
    let off = length.and_then(|_| spread(&mut off, DIVISION_SPREADS));
    for model in models {
        model.growth_spread = growth.unwrap_or(model.growth_spread);
        model.split_spread = split.unwrap_or(model.split_spread);
        model.position_spread = place.unwrap_or(model.position_spread);
        model.ln_division_length = length.unwrap_or(model.ln_division_length);
        model.division_spread = off.unwrap_or(model.division_spread);
    }
}

/// A value with a part of the others below it; sorts.
fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 - 1.0) * part).round() as usize).copied()
}
