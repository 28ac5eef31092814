//! From what each frame says alone to shifts that can be trusted.

use super::gate::{Gate, LEAST_OF_FRAMES, MeanR, Variances, median};
use super::params::{Mode, RegisterParams};
use super::peak::Peak;
use super::rigid::RigidEstimate;
use super::table::{CLIPPED, GATED, INTERPOLATED, LOW_QUALITY, Shift};

/// Least ratio of the first peak to the second of a frame that is sure of its shift.
const LEAST_RATIO: f32 = 1.15;

/// Least height of a peak, over the median of the movie.
const LEAST_HEIGHT: f32 = 0.25;

/// A jump in and back is believed from this ratio of peaks and this height on.
const BELIEVED_RATIO: f32 = 1.5;
const BELIEVED_HEIGHT: f32 = 0.5;

/// A jump is as many robust standard deviations of the steps between frames.
const JUMP: f64 = 10.0;

/// Least standard deviation of steps, pixels: a still movie has none.
const LEAST_STEP: f64 = 0.1;

/// How far from its neighbours' shift a peak of a doubtful frame may lie, pixels.
const NEAR: f64 = 3.0;

/// What a peak near the neighbours' shift must have of the highest.
const NEAR_HEIGHT: f32 = 0.8;

/// Shifts of whole frames, settled over all frames.
#[derive(Debug, Clone, PartialEq)]
pub struct RigidShifts {
    /// One per frame.
    pub frames: Vec<Shift>,
    /// Frames whose blocks say nothing of their own: without structure, or unlike the template.
    pub is_poor: Vec<bool>,
    /// What the gate saw.
    pub gate: Gate,
    /// Whether frames are moved at all.
    pub moves: bool,
}

/// Settles the shifts of whole frames over a movie.
///
/// Frames without structure, with a peak ratio below 1.15, with a peak far below the others', or with a
/// jump in and back that their peak does not bear out, are of low quality: the highest peak near the shift
/// interpolated from their neighbours counts, or that shift itself. Then the gate decides whether there is motion.
///
/// * `estimates`: of all frames, in order of time.
pub fn settle_rigid(estimates: &[RigidEstimate], params: &RegisterParams) -> RigidShifts {
    let (mut frames, is_poor) = shifts_over_time(estimates);
    let sure: Vec<&RigidEstimate> = estimates
        .iter()
        .zip(&frames)
        .filter(|(e, f)| f.flag & LOW_QUALITY == 0 && e.sets.is_some())
        .map(|(e, _)| e)
        .collect();
    let pairs: Vec<_> = sure.iter().filter_map(|e| e.sets).collect();
    let rigid_variance = Variances::of(&pairs);
    let none = MeanR::of(&sure.iter().map(|e| f64::from(e.r_none)).collect::<Vec<_>>());
    let rigid = MeanR::of(&sure.iter().map(|e| f64::from(e.r_moved)).collect::<Vec<_>>());
    let is_proven = rigid_variance.is_some_and(|v| v.proves_motion(LEAST_OF_FRAMES))
        && rigid.r_mean >= none.r_mean;
    let gate = Gate { none, rigid: Some(rigid), rigid_variance, ..Gate::default() };
    let moves = params.mode != Mode::None && (is_proven || !params.gate);
    if !moves {
        for frame in &mut frames {
            frame.shift = [0.0; 2];
            frame.flag |= GATED;
        }
    }
    RigidShifts { frames, is_poor, gate, moves }
}

fn shifts_over_time(estimates: &[RigidEstimate]) -> (Vec<Shift>, Vec<bool>) {
    let top = |e: &RigidEstimate| e.peaks.first().copied();
    let heights = estimates
        .iter()
        .filter(|e| e.peak_ratio >= LEAST_RATIO)
        .filter_map(|e| top(e).map(|p| f64::from(p.value)));
    let height = median(heights.collect()) as f32;
    let is_seen = |e: &RigidEstimate| {
        e.peak_ratio >= LEAST_RATIO && top(e).is_some_and(|p| p.value >= LEAST_HEIGHT * height)
    };
    let seen: Vec<Option<Peak>> = estimates.iter().map(|e| top(e).filter(|_| is_seen(e))).collect();
    let step = typical_step(&seen);
    let is_believed = |t: usize| {
        let e = &estimates[t];
        e.peak_ratio >= BELIEVED_RATIO
            && top(e).is_some_and(|p| p.value >= BELIEVED_HEIGHT * height)
    };
    let sure: Vec<Option<Peak>> = (0..seen.len())
        .map(|t| seen[t].filter(|_| !jumps(&seen, t, step) || is_believed(t)))
        .collect();
    let expected = interpolated(&sure);
    let shifts = estimates.iter().zip(&sure).zip(expected).map(|((estimate, sure), expected)| {
        let of = |peak: &Peak, flag: u8| Shift {
            shift: peak.shift,
            peak: peak.value,
            peak_ratio: estimate.peak_ratio,
            flag: flag | if peak.is_clipped { CLIPPED } else { 0 },
        };
        if let Some(peak) = sure {
            return of(peak, 0);
        }
        let highest = top(estimate).map_or(0.0, |p| p.value);
        let is_near = |p: &&Peak| {
            (0..2).all(|d| (p.shift[d] - expected[d]).abs() <= NEAR)
                && p.value >= (NEAR_HEIGHT * highest).max(LEAST_HEIGHT * height)
        };
        match estimate.peaks.iter().find(is_near) {
            Some(peak) => of(peak, LOW_QUALITY),
            None => Shift {
                shift: expected,
                peak: highest,
                peak_ratio: estimate.peak_ratio,
                flag: LOW_QUALITY | INTERPOLATED,
            },
        }
    });
    let shifts: Vec<Shift> = shifts.collect();
    let is_poor = shifts.iter().map(|s| s.flag & INTERPOLATED != 0).collect();
    (shifts, is_poor)
}

/// Robust standard deviation of the steps between neighbouring frames that are both seen.
fn typical_step(seen: &[Option<Peak>]) -> f64 {
    let steps: Vec<f64> = seen
        .windows(2)
        .filter_map(|w| w[0].zip(w[1]))
        .flat_map(|(a, b)| [0, 1].map(|d| (a.shift[d] - b.shift[d]).abs()))
        .collect();
    (median(steps) / 0.6745).max(LEAST_STEP)
}

/// Whether a frame lies far from both neighbours, which lie near each other.
fn jumps(seen: &[Option<Peak>], t: usize, step: f64) -> bool {
    let at = |t: Option<usize>| t.and_then(|t| seen.get(t)).copied().flatten();
    let (Some(before), Some(here), Some(after)) =
        (at(t.checked_sub(1)), at(Some(t)), at(t.checked_add(1)))
    else {
        return false;
    };
    (0..2).any(|d| {
        let (to, back) = (here.shift[d] - before.shift[d], here.shift[d] - after.shift[d]);
        to.abs().min(back.abs()) > JUMP * step && (to - back).abs() < 0.5 * to.abs().min(back.abs())
    })
}

/// Shifts between the sure frames around each frame, by time; at the ends, the nearest one's.
fn interpolated(sure: &[Option<Peak>]) -> Vec<[f64; 2]> {
    let known: Vec<(usize, [f64; 2])> =
        sure.iter().enumerate().filter_map(|(t, p)| p.map(|p| (t, p.shift))).collect();
    (0..sure.len())
        .map(|t| {
            let after = known.partition_point(|k| k.0 < t);
            match (after.checked_sub(1).and_then(|i| known.get(i)), known.get(after)) {
                (Some((t0, a)), Some((t1, b))) => {
                    let part = (t - t0) as f64 / (t1 - t0) as f64;
                    std::array::from_fn(|d| a[d] + part * (b[d] - a[d]))
                }
                (Some((_, s)), None) | (None, Some((_, s))) => *s,
                (None, None) => [0.0; 2],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(shift: [f64; 2], value: f32, peak_ratio: f32) -> RigidEstimate {
        let peak = Peak { shift, value, is_clipped: false };
        let near = Peak { shift: [1.1, 0.0], value: 0.9 * value, is_clipped: false };
        RigidEstimate {
            peaks: vec![peak, near],
            peak_ratio,
            sets: Some([shift; 2]),
            r_none: 0.1,
            r_moved: value,
        }
    }

    fn movie() -> Vec<RigidEstimate> {
        (0..20).map(|t| estimate([f64::from(t % 3), 0.1 * f64::from(t)], 0.8, 3.0)).collect()
    }

    #[test]
    fn a_dark_frame_takes_its_neighbours_mean() {
        let mut estimates = movie();
        estimates[6] =
            RigidEstimate { peaks: Vec::new(), sets: None, ..estimate([0.0; 2], 0.0, 1.0) };
        let settled = settle_rigid(&estimates, &RegisterParams::default());
        assert!(settled.moves);
        let frame = settled.frames[6];
        assert_eq!(frame.flag, LOW_QUALITY | INTERPOLATED);
        assert!((frame.shift[0] - 1.5).abs() < 1e-9 && (frame.shift[1] - 0.6).abs() < 1e-9);
        assert!(settled.is_poor[6] && !settled.is_poor[5]);
    }

    #[test]
    fn a_wild_jump_falls_back_on_a_peak_near_its_neighbours() {
        let mut estimates: Vec<_> = (0..20).map(|_| estimate([1.0, 0.0], 0.8, 3.0)).collect();
        estimates[9] = estimate([30.0, -12.0], 0.7, 1.2);
        let params = RegisterParams { gate: false, ..RegisterParams::default() };
        let settled = settle_rigid(&estimates, &params);
        assert_eq!(settled.frames[9].shift, [1.1, 0.0]);
        assert_eq!(settled.frames[9].flag, LOW_QUALITY);
        // A clear peak is motion, however far.
        estimates[9] = estimate([30.0, -12.0], 0.8, 3.0);
        assert_eq!(settle_rigid(&estimates, &params).frames[9].shift, [30.0, -12.0]);
    }

    #[test]
    fn without_a_frame_to_trust_nothing_moves() {
        let estimates = vec![estimate([9.0, 9.0], 0.1, 1.0); 5];
        let settled = settle_rigid(&estimates, &RegisterParams::default());
        assert!(!settled.moves);
        assert!(settled.frames.iter().all(|f| f.shift == [0.0; 2] && f.flag & GATED != 0));
        assert!(settle_rigid(&[], &RegisterParams::default()).frames.is_empty());
    }
}
