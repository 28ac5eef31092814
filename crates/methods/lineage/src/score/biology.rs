//! What a biologist reads off the cells: are sizes, rates, times and poles right?

use std::collections::BTreeMap;

use serde::Serialize;

use super::FrameMatches;
use crate::ctc::CtcTrack;

/// What is known of a cell in a frame, on either side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredCell {
    /// From pole to pole.
    pub length: f64,
    /// Across.
    pub width: f64,
    /// In px².
    pub area: f64,
    /// Relative growth of the length, 1/frame; NaN where unknown.
    pub growth_rate: f64,
    /// Older pole and newer one, `(y, x)`; none where it is not known which is which.
    pub poles: Option<[[f64; 2]; 2]>,
    /// Whether it touches a border of its image: such cells are left out.
    pub is_at_edge: bool,
}

/// Errors of measured quantities. All are medians of relative errors, but the last, which is a part of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct BiologyScore {
    /// `(result - truth) / truth`.
    pub length_bias: Option<f64>,
    /// Its absolute value.
    pub length_mae: Option<f64>,
    /// `(result - truth) / truth`.
    pub width_bias: Option<f64>,
    /// `(result - truth) / truth`.
    pub area_bias: Option<f64>,
    /// Of the mean rates of tracks, absolute.
    pub growth_rate_error: Option<f64>,
    /// Of the times between two divisions, absolute.
    pub generation_time_error: Option<f64>,
    /// Part of the cell-frames whose old pole is nearer to the true old pole than the new one is.
    pub old_pole_accuracy: Option<f64>,
}

/// Compares matched cells; `truth` and `result` are looked up by frame and label.
pub(super) fn score_biology(
    frames: &[FrameMatches],
    tracks: [&[CtcTrack]; 2],
    truth: &impl Fn(usize, u32) -> Option<ScoredCell>,
    result: &impl Fn(usize, u32) -> Option<ScoredCell>,
) -> BiologyScore {
    let mut relative: [Vec<f64>; 3] = Default::default();
    let (mut right_poles, mut known_poles) = (0, 0);
    let mut rates: BTreeMap<u32, [Vec<f64>; 2]> = BTreeMap::new();
    let mut partners: BTreeMap<u32, BTreeMap<u32, usize>> = BTreeMap::new();
    for (t, frame) in frames.iter().enumerate() {
        for (found_label, true_label) in frame.unique() {
            *partners.entry(true_label).or_default().entry(found_label).or_default() += 1;
            let (Some(a), Some(b)) = (truth(t, true_label), result(t, found_label)) else {
                continue;
            };
            if a.is_at_edge || b.is_at_edge {
                continue;
            }
            let sizes = [(a.length, b.length), (a.width, b.width), (a.area, b.area)];
            for (errors, (a, b)) in relative.iter_mut().zip(sizes) {
                errors.extend(Some((b - a) / a).filter(|e| e.is_finite()));
            }
            if a.growth_rate.is_finite() && b.growth_rate.is_finite() {
                let of_track = rates.entry(true_label).or_default();
                of_track[0].push(a.growth_rate);
                of_track[1].push(b.growth_rate);
            }
            if let (Some([old, _]), Some([found_old, found_new])) = (a.poles, b.poles) {
                let away = |p: [f64; 2]| (p[0] - old[0]).hypot(p[1] - old[1]);
                known_poles += 1;
                right_poles += usize::from(away(found_old) < away(found_new));
            }
        }
    }
    let [mut lengths, mut widths, mut areas] = relative;
    let mut off: Vec<f64> = lengths.iter().map(|e| e.abs()).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let mut rate_errors: Vec<f64> = rates
        .values()
        .map(|[a, b]| ((mean(b) - mean(a)) / mean(a)).abs())
        .filter(|e| e.is_finite())
        .collect();
    BiologyScore {
        length_bias: median(&mut lengths),
        length_mae: median(&mut off),
        width_bias: median(&mut widths),
        area_bias: median(&mut areas),
        growth_rate_error: median(&mut rate_errors),
        generation_time_error: median(&mut generation_times(tracks, &partners)),
        old_pole_accuracy: (known_poles > 0).then(|| right_poles as f64 / f64::from(known_poles)),
    }
}

/// Relative errors of the lives that both begin and end with a division, on both sides.
fn generation_times(
    [truth, result]: [&[CtcTrack]; 2],
    partners: &BTreeMap<u32, BTreeMap<u32, usize>>,
) -> Vec<f64> {
    let lives = |tracks: &[CtcTrack]| -> BTreeMap<u32, f64> {
        let mut daughters: BTreeMap<u32, usize> = BTreeMap::new();
        for parent in tracks.iter().filter_map(|t| t.parent) {
            *daughters.entry(parent).or_default() += 1;
        }
        let divides = |label: &u32| daughters.get(label).is_some_and(|n| *n > 1);
        let whole =
            tracks.iter().filter(|t| divides(&t.label) && t.parent.as_ref().is_some_and(divides));
        whole.map(|t| (t.label, (t.last + 1).saturating_sub(t.first) as f64)).collect()
    };
    let found = lives(result);
    let error = |(label, life): (u32, f64)| {
        // The partner of most frames; of equals the lower label.
        let partner =
            partners.get(&label)?.iter().max_by_key(|(l, n)| (**n, std::cmp::Reverse(**l)))?;
        Some(((found.get(partner.0)? - life) / life).abs()).filter(|e| e.is_finite())
    };
    lives(truth).into_iter().filter_map(error).collect()
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    Some(if values.len() % 2 == 1 { upper } else { 0.5 * (values[half - 1] + upper) })
}
