//! Where the cells of one frame are expected in another.
//!
//! First the jump of the whole picture, which most pairs of cells agree on; then, from cells that are each other's
//! nearest, an affine map by iteratively reweighted least squares (Holland & Welsch 1977) and the
//! mean of what it leaves over among neighbours.

use super::ColonyCell;
use super::shape::{point, shape_distance, sub};

/// Width of the bins in which pairs vote for a jump, pixels.
const BIN: f64 = 2.0;
/// Sizes of a voting pair differ by less, as a logarithm.
const SIMILAR: f64 = 0.35;
const ROUNDS: usize = 4;
/// Fewer matches only tell a shift.
const ENOUGH_FOR_AFFINE: usize = 8;
/// Neighbours whose left-over motion a cell shares.
const NEIGHBOURS: usize = 8;
/// Residuals count less beyond so many pixels (and never less than that many).
const ROBUST: f64 = 2.0;

/// The way from one frame to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Motion {
    /// Per old cell.
    pub shift: Vec<[f64; 2]>,
    /// Logarithm of the growth of areas.
    pub ln_growth: f64,
    /// Mean distance of shapes from where they are expected.
    pub distance_spread: f64,
    /// Mean deviation of the logarithm of growth.
    pub area_spread: f64,
}

impl Motion {
    /// A point of an old cell's axis, at a part of its length, where it is expected.
    pub(super) fn moved(&self, cell: usize, old: &ColonyCell, s: f64) -> [f64; 2] {
        let (p, g) = (point(old, s), self.ln_growth.exp());
        std::array::from_fn(|d| old.center[d] + g * (p[d] - old.center[d]) + self.shift[cell][d])
    }

    /// Estimates the way.
    pub(super) fn estimate(old: &[ColonyCell], new: &[ColonyCell], max_shift: f64) -> Self {
        let jump = jump(old, new, max_shift);
        let mut motion = Self {
            shift: vec![jump; old.len()],
            ln_growth: 0.0,
            distance_spread: 1.0,
            area_spread: 0.1,
        };
        for round in 0..ROUNDS {
            let matches = motion.mutual(old, new);
            motion.refit(old, new, &matches, round + 1 == ROUNDS);
        }
        motion
    }

    /// Pairs of cells that are each other's nearest and of like size.
    fn mutual(&self, old: &[ColonyCell], new: &[ColonyCell]) -> Vec<(usize, usize)> {
        let mut best_of_new = vec![(f64::INFINITY, usize::MAX); new.len()];
        let mut best_of_old = vec![(f64::INFINITY, usize::MAX); old.len()];
        for (i, a) in old.iter().enumerate() {
            let center = self.moved(i, a, 0.5);
            for (j, b) in new.iter().enumerate() {
                let off = sub(center, b.center);
                let near = 0.5 * (a.length() + b.length());
                let ratio = (b.area / a.area).ln() - self.ln_growth;
                if off[0].hypot(off[1]) > near || ratio.abs() > SIMILAR {
                    continue;
                }
                let distance = shape_distance(|s| self.moved(i, a, s), b, 0.0, 1.0);
                if distance < best_of_old[i].0 {
                    best_of_old[i] = (distance, j);
                }
                if distance < best_of_new[j].0 {
                    best_of_new[j] = (distance, i);
                }
            }
        }
        let pairs = best_of_old.iter().enumerate().map(|(i, best)| (i, best.1));
        pairs.filter(|(i, j)| best_of_new.get(*j).is_some_and(|best| best.1 == *i)).collect()
    }

    fn refit(
        &mut self,
        old: &[ColonyCell],
        new: &[ColonyCell],
        matches: &[(usize, usize)],
        is_last: bool,
    ) {
        if matches.is_empty() {
            return;
        }
        let mut ratios: Vec<f64> =
            matches.iter().map(|(i, j)| (new[*j].area / old[*i].area).ln()).collect();
        self.ln_growth = median(&mut ratios);
        let moves: Vec<([f64; 2], [f64; 2])> = matches
            .iter()
            .map(|(i, j)| (old[*i].center, sub(new[*j].center, old[*i].center)))
            .collect();
        let affine = Affine::fit(&moves);
        let left: Vec<([f64; 2], [f64; 2])> =
            moves.iter().map(|(at, by)| (*at, sub(*by, affine.at(*at)))).collect();
        for (shift, cell) in self.shift.iter_mut().zip(old) {
            let (whole, local) = (affine.at(cell.center), left_over(&left, cell));
            *shift = [whole[0] + local[0], whole[1] + local[1]];
        }
        if is_last {
            let mut distances: Vec<f64> = matches
                .iter()
                .map(|(i, j)| shape_distance(|s| self.moved(*i, &old[*i], s), &new[*j], 0.0, 1.0))
                .collect();
            self.distance_spread = (median(&mut distances) * 1.5).clamp(0.5, 4.0);
            let mut off: Vec<f64> = ratios.iter().map(|r| (r - self.ln_growth).abs()).collect();
            self.area_spread = (median(&mut off) * 1.5).clamp(0.05, 0.2);
        }
    }
}

/// The jump that most pairs of like cells agree on, the smallest of equals.
fn jump(old: &[ColonyCell], new: &[ColonyCell], max_shift: f64) -> [f64; 2] {
    let half = (max_shift / BIN).ceil() as i64;
    let side = (2 * half + 1) as usize;
    let mut votes = vec![0u32; side * side];
    let pairs = || old.iter().flat_map(|a| new.iter().map(move |b| (a, b)));
    let bin = |a: &ColonyCell, b: &ColonyCell| {
        let off = sub(b.center, a.center).map(|v| (v / BIN).round() as i64 + half);
        let inside = off.iter().all(|v| (0..side as i64).contains(v));
        (inside && (b.area / a.area).ln().abs() < SIMILAR).then(|| off.map(|v| v as usize))
    };
    for [y, x] in pairs().filter_map(|(a, b)| bin(a, b)) {
        // Each vote counts for the bins around, too: a colony that grows does not move as one.
        for y in y.saturating_sub(1)..(y + 2).min(side) {
            for x in x.saturating_sub(1)..(x + 2).min(side) {
                votes[y * side + x] += 1;
            }
        }
    }
    let length = |k: usize| {
        let [y, x] = [k / side, k % side].map(|v| v as i64 - half);
        y * y + x * x
    };
    let best = (0..votes.len()).max_by_key(|k| (votes[*k], -length(*k), std::cmp::Reverse(*k)));
    let Some(best) = best.filter(|k| votes[*k] > 0) else { return [0.0; 2] };
    [best / side, best % side].map(|v| (v as i64 - half) as f64 * BIN)
}

/// `shift = a + B (p - center)`.
struct Affine {
    center: [f64; 2],
    /// Per axis: at the centre, and per y and x.
    rows: [[f64; 3]; 2],
}

impl Affine {
    fn at(&self, p: [f64; 2]) -> [f64; 2] {
        let d = sub(p, self.center);
        self.rows.map(|r| r[0] + r[1] * d[0] + r[2] * d[1])
    }

    fn fit(moves: &[([f64; 2], [f64; 2])]) -> Self {
        let n = moves.len() as f64;
        let center = [0, 1].map(|d| moves.iter().map(|(at, _)| at[d]).sum::<f64>() / n);
        let middle = [0, 1].map(|d| {
            let mut of_axis: Vec<f64> = moves.iter().map(|(_, by)| by[d]).collect();
            median(&mut of_axis)
        });
        let mut affine = Self { center, rows: middle.map(|m| [m, 0.0, 0.0]) };
        if moves.len() < ENOUGH_FOR_AFFINE {
            return affine;
        }
        for _ in 0..5 {
            let mut normal = [[0.0; 3]; 3];
            let mut right = [[0.0; 3]; 2];
            for (at, by) in moves {
                let off = sub(*by, affine.at(*at));
                let weight = 1.0 / (1.0 + (off[0].hypot(off[1]) / ROBUST).powi(2));
                let d = sub(*at, center);
                let row = [1.0, d[0], d[1]];
                for a in 0..3 {
                    (0..3).for_each(|b| normal[a][b] += weight * row[a] * row[b]);
                    (0..2).for_each(|d| right[d][a] += weight * row[a] * by[d]);
                }
            }
            let solved = right.map(|r| solve(normal, r));
            let [Some(y), Some(x)] = solved else { break };
            affine.rows = [y, x];
        }
        affine
    }
}

/// Solves three equations by Cramer's rule; none when they do not depend on all unknowns.
fn solve(m: [[f64; 3]; 3], right: [f64; 3]) -> Option<[f64; 3]> {
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(m);
    let size: f64 = m[0][0] * m[1][1] * m[2][2];
    (whole.abs() > 1e-9 * size.abs()).then(|| {
        std::array::from_fn(|column| {
            let mut with = m;
            (0..3).for_each(|row| with[row][column] = right[row]);
            determinant(with) / whole
        })
    })
}

/// What neighbours of a cell have in common beyond the affine map.
fn left_over(left: &[([f64; 2], [f64; 2])], cell: &ColonyCell) -> [f64; 2] {
    let mut near: Vec<(f64, usize)> = left
        .iter()
        .enumerate()
        .map(|(k, (at, _))| {
            let off = sub(*at, cell.center);
            (off[0].hypot(off[1]), k)
        })
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    near.truncate(NEIGHBOURS);
    let reach = 2.0 * cell.length().max(1.0);
    let (mut sum, mut weights) = ([0.0; 2], 0.5);
    for (distance, k) in near {
        let by = left[k].1;
        let size = by[0].hypot(by[1]) / ROBUST;
        let weight = (-0.5 * (distance / reach).powi(2)).exp() / (1.0 + size * size);
        (0..2).for_each(|d| sum[d] += weight * by[d]);
        weights += weight;
    }
    sum.map(|s| s / weights)
}

pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
