//! From what each block says to a table of displacements.

use super::blocks::{BlockEstimate, BlockEstimator, LEAST_RATIO};
use super::gate::{Gate, LEAST_OF_BLOCKS, MeanR, Variances};
use super::params::{Mode, RegisterParams};
use super::settle::RigidShifts;
use super::table::{Blocks, CLIPPED, GATED, INTERPOLATED, LOW_QUALITY, Shift, ShiftTable};

/// Part of the blocks that must move on their own for a field to be worth while.
const LEAST_MOVING: f64 = 0.1;

/// What a movie's registration came to.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Shifts of frames and displacements of blocks.
    pub table: ShiftTable,
    /// What the gate saw.
    pub gate: Gate,
    /// The motion that is taken out.
    pub mode: Mode,
}

impl RigidShifts {
    /// The table without blocks.
    pub fn without_blocks(self, shape: [usize; 2]) -> Settled {
        let mode = if self.moves { Mode::Rigid } else { Mode::None };
        Settled { table: ShiftTable::new(shape, self.frames, None), gate: self.gate, mode }
    }
}

/// Settles the displacements of blocks over a movie.
///
/// A block's displacements are used if they prove motion of their own, by the gate's first condition;
/// else it moves like its neighbours that do, or with its frame if there is none. Fewer than a tenth of
/// the blocks in motion, or a correlation that falls, and frames move as a whole.
///
/// * `estimates`: of all frames, in order of time, row by row of the blocks. With another number of frames
///   than `rigid` has, the missing ones move as a whole.
pub fn settle_blocks(
    rigid: RigidShifts,
    estimator: &BlockEstimator,
    estimates: &[Vec<BlockEstimate>],
    shape: [usize; 2],
    params: &RegisterParams,
) -> Settled {
    let counts = estimator.counts();
    let count = counts[0] * counts[1];
    let is_whole =
        estimates.len() == rigid.frames.len() && estimates.iter().all(|e| e.len() == count);
    if !rigid.moves || !is_whole {
        return rigid.without_blocks(shape);
    }
    let of_block = |b: usize| {
        estimates
            .iter()
            .zip(&rigid.is_poor)
            .filter(move |(e, is_poor)| !**is_poor && is_sure(&e[b]))
            .map(move |(e, _)| &e[b])
    };
    let variances: Vec<Option<Variances>> = (0..count)
        .map(|b| Variances::of(&of_block(b).filter_map(|e| e.sets).collect::<Vec<_>>()))
        .collect();
    let moving: Vec<bool> = variances
        .iter()
        .map(|v| !params.gate || v.is_some_and(|v| v.proves_motion(LEAST_OF_BLOCKS)))
        .collect();
    let mut gate = rigid.gate;
    let gain = gain_of(estimates, &moving);
    let r_rigid = gate.rigid.unwrap_or_default();
    gate.piecewise = Some(MeanR { r_mean: r_rigid.r_mean + gain.r_mean, r_se: gain.r_se });
    gate.piecewise_variance = mean_variances(&variances);
    let enough = moving.iter().filter(|m| **m).count() as f64 >= LEAST_MOVING * count as f64;
    if params.gate && !(enough && gain.r_mean >= 0.0) {
        return RigidShifts { gate, ..rigid }.without_blocks(shape);
    }
    let frames = estimates
        .iter()
        .zip(&rigid.frames)
        .map(|(blocks, frame)| displacements(blocks, frame, &moving, estimator, params))
        .collect();
    let blocks = Blocks { centres: estimator.centres(), frames };
    Settled {
        table: ShiftTable::new(shape, rigid.frames, Some(blocks)),
        gate,
        mode: Mode::Piecewise,
    }
}

fn is_sure(block: &BlockEstimate) -> bool {
    block.peak_ratio >= LEAST_RATIO && block.peak > 0.0
}

/// What moving the blocks that move adds to the correlation of the second set's pixels.
fn gain_of(estimates: &[Vec<BlockEstimate>], moving: &[bool]) -> MeanR {
    let gains: Vec<f64> = estimates
        .iter()
        .filter_map(|blocks| {
            let of: Vec<f64> = blocks
                .iter()
                .zip(moving)
                .filter(|(b, moves)| **moves && b.sets.is_some())
                .map(|(b, _)| f64::from(b.r_moved) - f64::from(b.r_rigid))
                .collect();
            (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
        })
        .collect();
    MeanR::of(&gains)
}

fn mean_variances(of: &[Option<Variances>]) -> Option<Variances> {
    let known: Vec<&Variances> = of.iter().flatten().collect();
    let n = known.len() as f64;
    (!known.is_empty()).then(|| Variances {
        motion: known.iter().map(|v| v.motion).sum::<f64>() / n,
        noise: known.iter().map(|v| v.noise).sum::<f64>() / n,
    })
}

/// What the blocks of one frame add to its shift, and their flags: of a block that is not in use, the
/// mean of those around it, or nothing.
fn additions(
    blocks: &[BlockEstimate],
    moving: &[bool],
    estimator: &BlockEstimator,
    limit: f64,
) -> Vec<([f64; 2], u8)> {
    let counts = estimator.counts();
    let is_used = |b: usize| moving[b] && is_sure(&blocks[b]);
    let own = |b: usize| blocks[b].shift.map(|s| s.clamp(-limit, limit));
    let (seen, flags): (Vec<[f64; 2]>, Vec<u8>) = (0..blocks.len())
        .map(|b| {
            let block = &blocks[b];
            if is_used(b) {
                let is_clipped = block.shift.iter().any(|s| s.abs() > limit);
                return (own(b), if is_clipped { CLIPPED } else { 0 });
            }
            let unsure = if is_sure(block) { 0 } else { LOW_QUALITY };
            match mean_around(b, counts, is_used, own) {
                Some(mean) => (mean, unsure | INTERPOLATED),
                None => ([0.0; 2], unsure | GATED),
            }
        })
        .unzip();
    let sharp = [0, 1].map(|d| {
        estimator.unblur().apply(&seen.iter().map(|s| s[d] as f32).collect::<Vec<_>>(), d)
    });
    let moved = |b: usize| {
        let held = flags[b] & GATED != 0;
        if held { [0.0; 2] } else { [0, 1].map(|d| f64::from(sharp[d][b]).clamp(-limit, limit)) }
    };
    flags.iter().enumerate().map(|(b, flag)| (moved(b), *flag)).collect()
}

/// What the blocks of one frame add to its shift if all of them may.
pub(crate) fn deviations(
    blocks: &[BlockEstimate],
    estimator: &BlockEstimator,
    params: &RegisterParams,
) -> Vec<[f64; 2]> {
    let moving = vec![true; blocks.len()];
    additions(blocks, &moving, estimator, params.max_deviation).into_iter().map(|a| a.0).collect()
}

/// Total displacements of one frame's blocks.
fn displacements(
    blocks: &[BlockEstimate],
    frame: &Shift,
    moving: &[bool],
    estimator: &BlockEstimator,
    params: &RegisterParams,
) -> Vec<Shift> {
    let additions = additions(blocks, moving, estimator, params.max_deviation);
    blocks
        .iter()
        .zip(additions)
        .map(|(block, (addition, flag))| Shift {
            shift: std::array::from_fn(|d| frame.shift[d] + addition[d]),
            peak: block.peak,
            peak_ratio: block.peak_ratio,
            flag,
        })
        .collect()
}

/// Mean over the blocks in use around one.
fn mean_around(
    b: usize,
    counts: [usize; 2],
    is_used: impl Fn(usize) -> bool,
    value: impl Fn(usize) -> [f64; 2],
) -> Option<[f64; 2]> {
    let (y, x) = (b / counts[1], b % counts[1]);
    let (mut sum, mut n) = ([0.0; 2], 0.0);
    for v in y.saturating_sub(1)..counts[0].min(y + 2) {
        for u in x.saturating_sub(1)..counts[1].min(x + 2) {
            let other = v * counts[1] + u;
            if other != b && is_used(other) {
                let shift = value(other);
                sum = [sum[0] + shift[0], sum[1] + shift[1]];
                n += 1.0;
            }
        }
    }
    (n > 0.0).then(|| sum.map(|s| s / n))
}
