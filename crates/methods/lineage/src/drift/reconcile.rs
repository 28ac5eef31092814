//! One drift per frame from shifts to the first and to previous frames.

use super::{FrameShift, Shift};

/// Shifts that disagree by more than this many pixels lose their say.
const DOUBT: f64 = 0.5;
const ROUNDS: usize = 8;

/// Finds the drift `(x, y)` of every frame that agrees best with all measured shifts, by least squares, in which shifts
/// that contradict the others are weighed down; so one blurred frame does not move the rest.
///
/// The first measured frame has drift 0. Frames without any shift are interpolated between their neighbours.
pub fn reconcile(shifts: &[FrameShift]) -> Vec<[f64; 2]> {
    let known: Vec<usize> = (0..shifts.len()).filter(|t| shifts[*t].to_first.is_some()).collect();
    let mut drift = vec![[0.0; 2]; known.len()];
    let links: Vec<[Option<Shift>; 2]> = known
        .iter()
        .enumerate()
        .map(|(i, t)| {
            // A shift to the previous frame must be to the one before in this list.
            let follows = |(n, _): &(usize, Shift)| i > 0 && known[i - 1] == *n;
            [shifts[*t].to_first, shifts[*t].to_previous.filter(follows).map(|(_, shift)| shift)]
        })
        .collect();
    let mut weights: Vec<[f64; 2]> =
        links.iter().map(|l| l.map(|s| s.map_or(0.0, trust))).collect();
    for _ in 0..ROUNDS {
        drift = solve(&links, &weights);
        for (i, link) in links.iter().enumerate() {
            for (k, shift) in link.iter().enumerate() {
                let Some(shift) = shift else { continue };
                let from = if k == 1 { drift[i - 1] } else { [0.0; 2] };
                let off = [0, 1].map(|axis| drift[i][axis] - from[axis] - shift.shift[axis]);
                let doubt = off[0].hypot(off[1]) / DOUBT;
                weights[i][k] = trust(*shift) / (1.0 + doubt * doubt);
            }
        }
    }
    spread(&known, &drift, shifts.len())
}

/// A peak as high as the second one says nothing.
fn trust(shift: Shift) -> f64 {
    ((shift.peak_ratio - 1.0) / 2.0).clamp(1e-3, 1.0).powi(2)
}

/// Solves the weighted equations, a tridiagonal system per axis; the first unknown is 0.
fn solve(links: &[[Option<Shift>; 2]], weights: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let n = links.len();
    let mut drift = vec![[0.0; 2]; n];
    for axis in 0..2 {
        let value = |i: usize, k: usize| links[i][k].map_or(0.0, |s| s.shift[axis]);
        // Elimination from the second frame on: drift[i] = right[i] + over[i] · drift[i + 1].
        let (mut over, mut right) = (vec![0.0; n], vec![0.0; n]);
        for i in 1..n {
            let [first, before] = weights[i];
            let after = weights.get(i + 1).map_or(0.0, |w| w[1]);
            let mut diagonal = first + before + after;
            let mut sum = first * value(i, 0) + before * value(i, 1);
            if i + 1 < n {
                sum -= after * value(i + 1, 1);
            }
            diagonal -= before * over[i - 1];
            sum += before * right[i - 1];
            if diagonal > 0.0 {
                (over[i], right[i]) = (after / diagonal, sum / diagonal);
            }
        }
        for i in (1..n).rev() {
            let next = drift.get(i + 1).map_or(0.0, |d| d[axis]);
            drift[i][axis] = right[i] + over[i] * next;
        }
    }
    drift
}

/// Fills frames between known ones linearly, those before and after with the nearest.
fn spread(known: &[usize], drift: &[[f64; 2]], count: usize) -> Vec<[f64; 2]> {
    let at = |t: usize| {
        let after = known.partition_point(|k| *k < t);
        match (after.checked_sub(1), known.get(after)) {
            (_, Some(k)) if *k == t => drift[after],
            (Some(before), Some(k)) => {
                let share = (t - known[before]) as f64 / (k - known[before]) as f64;
                [0, 1].map(|a| drift[before][a] + share * (drift[after][a] - drift[before][a]))
            }
            (Some(before), None) => drift[before],
            (None, Some(_)) => drift[after],
            (None, None) => [0.0; 2],
        }
    };
    (0..count).map(at).collect()
}
