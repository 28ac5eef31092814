//! Linking in dead-end channels, where cells keep their order.
//!
//! For two frames, `C[i, j]` is the least cost of explaining the first `j` new cells, counted from the closed end, by
//! the first `i` old ones. An old cell grows into one new cell or divides into two neighbours; the last ones leave
//! through the open end; a cell may come from nowhere or vanish at a high price. A cell of length `l` grown by `g` costs
//! `|ln(l'/(g l))|/s`, a division the same of the sum plus `|ln(l1/l2)|/s_d`, and both the logarithm of how often a cell
//! of that length divides. Positions are predicted by stacking: what lies nearer to the closed end pushes. Growth per
//! frame is fitted on a grid and then in windows; spreads and the length at division are those of the movie.
//!
//! Where a frame can be read in several ways, the cheapest path through the readings of all frames is taken.
//! The idea of order-preserving assignment follows mother-machine trackers such as MoMA (Kaiser et al. 2018).

mod fit;
mod gaps;
mod pair;
mod params;
mod path;
mod repair;

pub use params::DpParams;

use fit::{Step, fit};
use gaps::Linked;
use pair::{Kind, Model, Move, Pair};
use path::{Chain, steps};
use repair::{Reading, is_suspect};

use super::{Link, Spot};
use crate::error::LineageError;

/// How often the readings around suspect frames are looked for; each time one place of a frame can change.
const REPAIR_ROUNDS: usize = 2;

/// A cell along its channel. Pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelCell {
    /// Length along the channel.
    pub length: f64,
    /// Distance of its middle from the closed end.
    pub position: f64,
}

/// One way to read a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellSet {
    /// Its cells in their order from the closed end.
    pub cells: Vec<ChannelCell>,
    /// How unlikely this reading is, as a negative logarithm; that of the best one is 0.
    pub cost: f64,
}

impl CellSet {
    /// The only reading of a frame.
    pub fn certain(cells: Vec<ChannelCell>) -> Self {
        Self { cells, cost: 0.0 }
    }
}

/// What a cell is made of: masks of the chosen set, all of them or a part of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// The first mask, by its place in the chosen set.
    pub first: usize,
    /// The last mask.
    pub last: usize,
    /// Where a single mask is cut: from and to which part of its length. `(0, 1)` is all of it.
    pub part: (f64, f64),
}

impl Piece {
    fn whole(mask: usize) -> Self {
        Self { first: mask, last: mask, part: (0.0, 1.0) }
    }

    /// Whether it is one mask as it was.
    pub fn is_whole(&self) -> bool {
        self.first == self.last && self.part == (0.0, 1.0)
    }

    fn joined(&self, next: &Self) -> Option<Self> {
        let is_uncut = self.part == (0.0, 1.0) && next.part == (0.0, 1.0);
        is_uncut.then_some(Self { first: self.first, last: next.last, part: (0.0, 1.0) })
    }

    fn cut(&self, part: f64) -> Option<[Self; 2]> {
        let (from, to) = self.part;
        let at = from + part * (to - from);
        let is_single = self.first == self.last;
        is_single.then_some([Self { part: (from, at), ..*self }, Self { part: (at, to), ..*self }])
    }
}

/// How the cells of a channel hang together.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelLinks {
    /// Per frame, which of its sets was taken; none where there is no cell.
    pub chosen: Vec<Option<usize>>,
    /// Per frame, what its cells are made of; links count these.
    pub pieces: Vec<Vec<Piece>>,
    /// Links by frame, those over gaps last.
    pub links: Vec<Link>,
    /// Logarithm of growth per frame, from each frame with cells to the next.
    pub ln_growth: Vec<f64>,
}

/// Links the cells of one channel.
///
/// # Arguments
/// * `frames` — per frame its readings, the likeliest first. A frame without readings, or of which the first is
///   empty, is leapt over as far as `max_gap` lets it.
///
/// # Errors
/// [`LineageError::Parameter`] for parameters out of range, lengths that are not above 0, positions or costs
/// that are no numbers.
///
/// # Cost
/// `O(frames · (readings · cells)²)`.
pub fn link_channel(
    frames: &[Vec<CellSet>],
    params: &DpParams,
) -> Result<ChannelLinks, LineageError> {
    params.validate()?;
    check(frames)?;
    let filled: Vec<usize> = (0..frames.len())
        .filter(|t| frames[*t].first().is_some_and(|set| !set.cells.is_empty()))
        .collect();
    let first_sets: Vec<(usize, &[ChannelCell])> =
        filled.iter().map(|t| (*t, frames[*t][0].cells.as_slice())).collect();
    let models = fit(&steps(&first_sets), params);

    let sets = filled.iter().map(|t| (*t, frames[*t].as_slice())).collect();
    let chosen = Chain { frames: sets, models: models.clone() }.cheapest();
    let mut readings: Vec<Reading> =
        filled.iter().zip(&chosen).map(|(t, h)| Reading::as_is(frames[*t][*h].clone())).collect();
    if params.repair {
        for _ in 0..REPAIR_ROUNDS {
            readings = repaired(&filled, readings, &models, params);
        }
    }
    let cells: Vec<(usize, &[ChannelCell])> =
        filled.iter().zip(&readings).map(|(t, r)| (*t, r.set.cells.as_slice())).collect();
    let moves = all_moves(&steps(&cells), &models, params.max_gap);
    let mut links: Vec<Link> = cells
        .windows(2)
        .zip(&moves)
        .flat_map(|(pair, moves)| moves.iter().filter_map(|m| link_of(pair[0].0, pair[1].0, m)))
        .collect();
    links.extend(Linked { cells: &cells, moves: &moves, models: &models }.bridges(params.max_gap));

    let ln_growth = steps(&cells)
        .iter()
        .zip(&models)
        .map(|(step, model)| model.ln_growth / step.frames as f64)
        .collect();
    let mut out = ChannelLinks {
        chosen: vec![None; frames.len()],
        pieces: vec![Vec::new(); frames.len()],
        links,
        ln_growth,
    };
    for ((t, h), reading) in filled.iter().zip(chosen).zip(readings) {
        out.chosen[*t] = Some(h);
        out.pieces[*t] = reading.pieces;
    }
    Ok(out)
}

fn check(frames: &[Vec<CellSet>]) -> Result<(), LineageError> {
    for (t, set) in frames.iter().enumerate().flat_map(|(t, sets)| sets.iter().map(move |s| (t, s)))
    {
        let is_good =
            |c: &ChannelCell| c.length > 0.0 && c.length.is_finite() && c.position.is_finite();
        if !set.cost.is_finite() || !set.cells.iter().all(is_good) {
            let reason = format!("frame {t}: a length is not above 0, or a number is not finite");
            return Err(LineageError::Parameter { name: "frames", reason });
        }
    }
    Ok(())
}

/// The moves of every step; over a gap that is too long all leave and come.
fn all_moves(steps: &[Step<'_>], models: &[Model], max_gap: usize) -> Vec<Vec<Move>> {
    let of_step = |(step, model): (&Step<'_>, &Model)| {
        if step.frames > max_gap + 1 {
            return Vec::new();
        }
        Pair::new(model, step.old, step.new).moves()
    };
    steps.iter().zip(models).map(of_step).collect()
}

fn link_of(from: usize, to: usize, m: &Move) -> Option<Link> {
    let (i, j, sister) = match m.kind {
        Kind::Grow(i, j) => (i, j, None),
        Kind::Divide(i, j) => (i, j, Some(Spot { frame: to, index: j + 1 })),
        _ => return None,
    };
    let (from, to) = (Spot { frame: from, index: i }, Spot { frame: to, index: j });
    Some(Link { from, to, sister, cost: m.cost as f32 })
}

/// Reads suspect frames in all ways that differ in one place, and takes the cheapest path.
fn repaired(
    filled: &[usize],
    readings: Vec<Reading>,
    models: &[Model],
    params: &DpParams,
) -> Vec<Reading> {
    let cells: Vec<(usize, &[ChannelCell])> =
        filled.iter().zip(&readings).map(|(t, r)| (*t, r.set.cells.as_slice())).collect();
    let moves = all_moves(&steps(&cells), models, params.max_gap);
    let suspect = |k: usize| {
        let around = [k.checked_sub(1), Some(k)].into_iter().flatten();
        around.filter_map(|step| moves.get(step)).any(|m| is_suspect(m))
    };
    let options: Vec<Vec<Reading>> = (0..readings.len())
        .map(|k| {
            let before = k.checked_sub(1).map(|b| cells[b].1);
            let reading = readings[k].clone();
            if suspect(k) {
                reading.alternatives(before, params.repair_cost)
            } else {
                vec![reading]
            }
        })
        .collect();
    let sets: Vec<Vec<CellSet>> =
        options.iter().map(|o| o.iter().map(|r| r.set.clone()).collect()).collect();
    let frames = filled.iter().zip(&sets).map(|(t, s)| (*t, s.as_slice())).collect();
    let chosen = Chain { frames, models: models.to_vec() }.cheapest();
    let pick = |(mut options, h): (Vec<Reading>, usize)| options.swap_remove(h);
    options.into_iter().zip(chosen).map(pick).collect()
}
