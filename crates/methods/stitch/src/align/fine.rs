//! The fine step: a displacement below one voxel, with an uncertainty that can be believed.
//!
//! Solves `sum of grad b (a(x + d) - g b(x) - o(x)) = 0` over blocks of the overlap at full
//! resolution by Newton's method: the condition of Lucas and Kanade (Baker & Matthews 2004, IJCV
//! 56:221) with the gain `g` and a linear brightness difference `o(x)` fitted per block. The slope
//! of the sum is measured by finite differences instead of being taken from the gradients, whose
//! noise would make the steps too short and the formal errors too small.
//!
//! The covariance is empirical: it comes from the scatter of the sum's parts over independent
//! patches (White 1980, Econometrica 48:817), since noise is correlated after smoothing.

use super::blocks::{FIRST_BLOCKS, most_blocks, rank_blocks};
use super::coarse::CoarsePair;
use super::geometry::PairGeometry;
use super::integer::IntegerMatch;
use super::linear::{Mat3, ZERO, add, inverse, product, solve, times, transposed};
use super::patches::{Block, BlockSums, LEAD, MovingSums, NUISANCE, PatchBuffers, TemplateSums};
use super::source::Voxels;
use crate::tile_pixels::TileError;

/// Steps of the finite differences, voxels.
const STEP: f64 = 0.25;
/// The search ends when no component moves more than this, voxels.
const CONVERGED: f64 = 0.001;
const MOST_ITERATIONS: usize = 16;
/// After so many rounds the blocks' weights stay, so that the search can settle.
const WEIGHT_ROUNDS: usize = 3;
/// More blocks are read when a standard deviation exceeds this, voxels.
const WANTED_SD: f64 = 0.004;
/// Errors that do not show as scatter (sampling, kernels): never less, voxels.
const FLOOR_SD: f64 = 0.001;
/// Widens the standard deviations so that +-1.96 of them hold the truth in 95 of 100 cases;
/// calibrated on simulated sets (`tests/it/coverage.rs`).
const CALIBRATION: f64 = 0.95;
/// A refinement that lowers the NCC by more than this has gone astray.
const FALLEN: f64 = 0.01;
/// Blocks that deviate by more than so many standard deviations count less (Huber).
const HUBER: f64 = 2.5;

/// A refined displacement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FineMatch {
    pub displacement: [f64; 3],
    pub covariance: Mat3,
    pub ncc: f64,
}

/// What was measured at one offset, per block.
type Sums = Vec<BlockSums>;

/// Refines an integer match; `None` when nothing better than it can be said.
///
/// # Errors
/// When a tile cannot be read.
pub(crate) fn refine(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    coarse: &CoarsePair,
    start: &IntegerMatch,
    only_first: bool,
    buffers: &mut PatchBuffers,
) -> Result<Option<FineMatch>, TileError> {
    let free: [bool; 3] = std::array::from_fn(|d| geometry.is_free(d));
    let ranked = rank_blocks(geometry, coarse, start.displacement);
    let most = if only_first { FIRST_BLOCKS.min(ranked.len()) } else { most_blocks(&ranked) };
    let mut blocks = Vec::new();
    let mut offset = start.offset;
    let mut best: Option<FineMatch> = None;
    for range in [0..FIRST_BLOCKS.min(most), FIRST_BLOCKS.min(most)..most] {
        if range.is_empty() {
            break;
        }
        for span in &ranked[range] {
            blocks.extend(Block::read(sides, span, start.displacement, buffers)?);
        }
        let Some(solution) = solve_blocks(&blocks, offset, free, buffers) else { continue };
        offset = solution.offset;
        let displacement = std::array::from_fn(|d| start.displacement[d] as f64 + offset[d]);
        let covariance = solution.covariance;
        best = Some(FineMatch { displacement, covariance, ncc: solution.ncc });
        if (0..3).all(|d| covariance[d][d] <= WANTED_SD * WANTED_SD) {
            break;
        }
    }
    Ok(best)
}

struct Solution {
    offset: [f64; 3],
    covariance: Mat3,
    ncc: f64,
}

fn solve_blocks(
    blocks: &[Block],
    start: [f64; 3],
    free: [bool; 3],
    buffers: &mut PatchBuffers,
) -> Option<Solution> {
    let mut at =
        |offset: [f64; 3]| -> Sums { blocks.iter().map(|b| b.sums_at(offset, buffers)).collect() };
    let here = at(start);
    let scores = Scores::new(blocks, &here);
    let mut slopes = Slopes::new(&scores);
    for axis in (0..3).filter(|d| free[*d]) {
        let mut moved = start;
        // Towards the integer position, where the data reach farthest.
        let step = if start[axis] > 0.0 { -STEP } else { STEP };
        moved[axis] += step;
        slopes.set(axis, &scores, &Scores::new(blocks, &at(moved)), step);
    }
    let shared = shared_structure(blocks, &slopes);
    let mut weights = shared.clone();
    let at_start = correlation(blocks, &here);
    let (mut offset, mut scores, mut sums) = (start, scores, here);
    for round in 0..MOST_ITERATIONS {
        let inverse = inverse(&slopes.total(&weights), free)?;
        let step = times(&inverse, scores.total(&weights)).map(|v| (-v).clamp(-1.0, 1.0));
        offset = std::array::from_fn(|d| offset[d] + step[d]);
        if offset.iter().any(|o| o.abs() > LEAD as f64 - 0.5) {
            return None;
        }
        let largest = step.iter().fold(0.0f64, |m, s| m.max(s.abs()));
        if largest < CONVERGED {
            break;
        }
        if round + 1 == MOST_ITERATIONS {
            return None;
        }
        sums = at(offset);
        scores = Scores::new(blocks, &sums);
        if round < WEIGHT_ROUNDS {
            weights = with_block_weights(&shared, &scores, free);
        }
    }
    let covariance = empirical_covariance(&scores, &slopes, &weights, free)?;
    let ncc = correlation(blocks, &sums);
    (ncc >= at_start - FALLEN).then_some(Solution { offset, covariance, ncc })
}

/// A factor per block and patch.
type Weights = Vec<Vec<f64>>;

/// The part of each patch's gradient energy that both tiles share, 0 to 1: where there is only
/// noise, the gradient is noise too and would add nothing but scatter.
fn shared_structure(blocks: &[Block], slopes: &Slopes) -> Weights {
    let part = |energy: f64, slope: &Mat3| {
        let trace = slope[0][0] + slope[1][1] + slope[2][2];
        if energy > 0.0 { (trace / energy).clamp(0.0, 1.0) } else { 0.0 }
    };
    let of_block = |(block, slopes): (&Block, &Vec<Mat3>)| {
        let [p, q] = &block.templates;
        let energies = p.iter().zip(q).map(|(p, q)| 0.5 * (p.energy + q.energy));
        energies.zip(slopes).map(|(e, s)| part(e, s)).collect()
    };
    blocks.iter().zip(&slopes.0).map(of_block).collect()
}

/// The parts of the sum that must vanish, per block and patch.
struct Scores(Vec<Vec<[f64; 3]>>);

impl Scores {
    fn new(blocks: &[Block], sums: &Sums) -> Scores {
        Scores(blocks.iter().zip(sums).map(|(b, s)| block_scores(b, s)).collect())
    }

    fn of_block(&self, block: usize, weights: &Weights) -> [f64; 3] {
        let parts = self.0[block].iter().zip(&weights[block]);
        sum3(parts.map(|(part, w)| part.map(|v| v * w)))
    }

    fn total(&self, weights: &Weights) -> [f64; 3] {
        sum3((0..self.0.len()).map(|b| self.of_block(b, weights)))
    }
}

fn sum3(parts: impl Iterator<Item = [f64; 3]>) -> [f64; 3] {
    parts.fold([0.0; 3], |s, p| std::array::from_fn(|d| s[d] + p[d]))
}

/// Per patch, the mean of both directions; they pull in opposite ways.
fn block_scores(block: &Block, sums: &BlockSums) -> Vec<[f64; 3]> {
    let [there, back] = [0, 1].map(|way| one_way_scores(&block.templates[way], &sums[way]));
    let pairs = there.iter().zip(&back);
    pairs.map(|(p, q)| std::array::from_fn(|d| 0.5 * (p[d] - q[d]))).collect()
}

/// Per patch, the projected gradient times what gain and brightness do not explain.
fn one_way_scores(templates: &[TemplateSums], sums: &[MovingSums]) -> Vec<[f64; 3]> {
    let mut gram = [[0.0; NUISANCE]; NUISANCE];
    let mut gradient = [[0.0; NUISANCE]; 3];
    let mut basis = [0.0; NUISANCE];
    for (t, m) in templates.iter().zip(sums) {
        for p in 0..NUISANCE {
            basis[p] += m.basis[p];
            (0..NUISANCE).for_each(|q| gram[p][q] += t.gram[p][q]);
            (0..3).for_each(|k| gradient[k][p] += t.gradient[k][p]);
        }
    }
    let fit = solve(&gram, basis);
    let project: [[f64; NUISANCE]; 3] = std::array::from_fn(|k| solve(&gram, gradient[k]));
    let parts = templates.iter().zip(sums).map(|(t, m)| {
        // Residuals times each nuisance term, over this patch.
        let left: [f64; NUISANCE] = std::array::from_fn(|p| {
            m.basis[p] - (0..NUISANCE).map(|q| t.gram[p][q] * fit[q]).sum::<f64>()
        });
        std::array::from_fn(|k| {
            let plain =
                m.gradient[k] - (0..NUISANCE).map(|q| t.gradient[k][q] * fit[q]).sum::<f64>();
            plain - (0..NUISANCE).map(|p| project[k][p] * left[p]).sum::<f64>()
        })
    });
    parts.collect()
}

/// How the scores change with the displacement, per block and patch.
struct Slopes(Vec<Vec<Mat3>>);

impl Slopes {
    fn new(scores: &Scores) -> Slopes {
        Slopes(scores.0.iter().map(|b| vec![ZERO; b.len()]).collect())
    }

    fn set(&mut self, axis: usize, here: &Scores, moved: &Scores, step: f64) {
        for (slopes, (p, q)) in self.0.iter_mut().zip(here.0.iter().zip(&moved.0)) {
            for (slope, (p, q)) in slopes.iter_mut().zip(p.iter().zip(q)) {
                (0..3).for_each(|k| slope[k][axis] = (q[k] - p[k]) / step);
            }
        }
    }

    fn total(&self, weights: &Weights) -> Mat3 {
        let mut sum = ZERO;
        for (slopes, weights) in self.0.iter().zip(weights) {
            slopes.iter().zip(weights).for_each(|(m, w)| add(&mut sum, m, *w));
        }
        sum
    }
}

/// Scatter of a block's scores about 0.
fn scatter(parts: &[[f64; 3]], weights: &[f64]) -> Mat3 {
    let mut sum = ZERO;
    for (part, w) in parts.iter().zip(weights) {
        add(&mut sum, &std::array::from_fn(|i| part.map(|v| part[i] * v)), w * w);
    }
    sum
}

/// Huber weights of the blocks on top of the patches' own: one that moved on its own (a bubble, a
/// torn piece) must not drag the others along.
fn with_block_weights(shared: &Weights, scores: &Scores, free: [bool; 3]) -> Weights {
    let blocks = scores.0.len();
    if blocks < 4 {
        return shared.clone();
    }
    // Each block's own answer relative to the common one, in units of its own expected error.
    let distance: Vec<f64> = (0..blocks)
        .map(|b| {
            let score = scores.of_block(b, shared);
            match inverse(&scatter(&scores.0[b], &shared[b]), free) {
                Some(inverse) => {
                    let scaled = times(&inverse, score);
                    (0..3).map(|d| score[d] * scaled[d]).sum::<f64>().max(0.0).sqrt()
                }
                None => 0.0,
            }
        })
        .collect();
    let mut sorted = distance.clone();
    sorted.sort_by(f64::total_cmp);
    let limit = (HUBER * sorted[blocks / 2]).max(1e-12);
    let factor = |d: f64| if d > limit { limit / d } else { 1.0 };
    let scaled = shared.iter().zip(&distance);
    scaled.map(|(block, d)| block.iter().map(|w| w * factor(*d)).collect()).collect()
}

/// Scatter of the patches' scores, carried to the displacement by the slope.
fn empirical_covariance(
    scores: &Scores,
    slopes: &Slopes,
    weights: &Weights,
    free: [bool; 3],
) -> Option<Mat3> {
    let slope_inverse = inverse(&slopes.total(weights), free)?;
    let mut middle = ZERO;
    let (mut sum, mut squares) = (0.0, 0.0);
    for (parts, weights) in scores.0.iter().zip(weights) {
        add(&mut middle, &scatter(parts, weights), 1.0);
        sum += weights.iter().sum::<f64>();
        squares += weights.iter().map(|w| w * w).sum::<f64>();
    }
    // Patches that count, and what the displacement, gains and brightness use up of the scatter.
    let patches = if squares > 0.0 { sum * sum / squares } else { 0.0 };
    let fitted = 3.0 + scores.0.len() as f64;
    let spread =
        if patches > fitted + 1.0 { patches / (patches - fitted) } else { patches.max(2.0) };
    let mut covariance = product(&product(&slope_inverse, &middle), &transposed(&slope_inverse));
    let widen = spread * (CALIBRATION * student(patches - fitted)).powi(2);
    for (i, row) in covariance.iter_mut().enumerate() {
        row.iter_mut().for_each(|v| *v *= widen);
        if free[i] {
            row[i] += FLOOR_SD * FLOOR_SD;
        }
    }
    Some(covariance)
}

/// Ratio of Student's 97.5 % quantile to the normal one (Cornish-Fisher, to 1 % from 3 degrees on).
fn student(degrees: f64) -> f64 {
    let (n, z2) = (degrees.max(2.0), 1.959_964f64 * 1.959_964);
    1.0 + (z2 + 1.0) / (4.0 * n) + (5.0 * z2 * z2 + 16.0 * z2 + 3.0) / (96.0 * n * n)
}

/// NCC over all blocks and both directions, each about its own means.
fn correlation(blocks: &[Block], sums: &Sums) -> f64 {
    let (mut covariance, mut var_a, mut var_b) = (0.0, 0.0, 0.0);
    let ways = blocks.iter().zip(sums).flat_map(|(block, s)| block.templates.iter().zip(s));
    for (templates, sums) in ways {
        let mut t = [0.0; 6];
        for (template, moving) in templates.iter().zip(sums) {
            let parts = [
                template.gram[1][1],
                moving.basis[1],
                template.gram[0][1],
                moving.square,
                template.gram[0][0],
                moving.basis[0],
            ];
            (0..6).for_each(|i| t[i] += parts[i]);
        }
        let [n, a, b, aa, bb, ab] = t;
        covariance += ab - a * b / n;
        var_a += aa - a * a / n;
        var_b += bb - b * b / n;
    }
    if var_a > 0.0 && var_b > 0.0 {
        (covariance / (var_a * var_b).sqrt()).clamp(-1.0, 1.0)
    } else {
        -1.0
    }
}
