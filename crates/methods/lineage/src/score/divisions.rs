//! Divisions and whole tracks (Ulman et al. 2017, doi:10.1038/nmeth.4473).

use std::collections::BTreeMap;

use super::{Counts, FrameMatches};
use crate::ctc::CtcTrack;

/// A mother's track and those of her daughters.
struct Division<'a> {
    mother: &'a CtcTrack,
    daughters: Vec<&'a CtcTrack>,
}

fn divisions(tracks: &[CtcTrack]) -> Vec<Division<'_>> {
    let mut daughters: BTreeMap<u32, Vec<&CtcTrack>> = BTreeMap::new();
    for track in tracks {
        if let Some(parent) = track.parent {
            daughters.entry(parent).or_default().push(track);
        }
    }
    let by_label: BTreeMap<u32, &CtcTrack> = tracks.iter().map(|t| (t.label, t)).collect();
    let division = |(mother, daughters): (u32, Vec<_>)| {
        let mother = *by_label.get(&mother)?;
        (daughters.len() > 1).then_some(Division { mother, daughters })
    };
    daughters.into_iter().filter_map(division).collect()
}

/// A division is right when the mothers match in the last frame of both, each daughter in the first frame of both,
/// and these frames differ by at most `tolerance`.
pub(super) fn score_divisions(
    frames: &[FrameMatches],
    truth: &[CtcTrack],
    result: &[CtcTrack],
    tolerance: usize,
) -> Counts {
    let unique: Vec<BTreeMap<u32, u32>> = frames.iter().map(FrameMatches::unique).collect();
    let is_same = |frame: usize, truth: u32, result: u32| {
        unique.get(frame).is_some_and(|f| f.get(&result) == Some(&truth))
    };
    let (truth, found) = (divisions(truth), divisions(result));
    let is_right = |a: &Division<'_>, b: &Division<'_>| {
        if a.daughters.len() != b.daughters.len()
            || a.mother.last.abs_diff(b.mother.last) > tolerance
            || !is_same(a.mother.last.min(b.mother.last), a.mother.label, b.mother.label)
        {
            return false;
        }
        a.daughters.iter().all(|x| {
            b.daughters.iter().any(|y| {
                x.first.abs_diff(y.first) <= tolerance
                    && is_same(x.first.max(y.first), x.label, y.label)
            })
        })
    };
    let tp = found.iter().filter(|b| truth.iter().any(|a| is_right(a, b))).count();
    Counts { tp, fp: found.len() - tp, r#fn: truth.len().saturating_sub(tp) }
}

/// Twice the tracks that are found from beginning to end and no longer, over all tracks of both sides.
pub(super) fn complete_tracks(
    frames: &[FrameMatches],
    truth: &[CtcTrack],
    result: &[CtcTrack],
) -> Option<f64> {
    let all = truth.len() + result.len();
    let by_label: BTreeMap<u32, &CtcTrack> = result.iter().map(|t| (t.label, t)).collect();
    let unique: Vec<BTreeMap<u32, u32>> = frames.iter().map(FrameMatches::unique).collect();
    let is_complete = |track: &&CtcTrack| {
        let mut seen = frames
            .iter()
            .enumerate()
            .filter(|(_, f)| f.truth.binary_search(&track.label).is_ok())
            .map(|(t, f)| {
                f.of_truth(track.label).filter(|r| unique[t].get(r) == Some(&track.label))
            });
        let Some(Some(first)) = seen.next() else { return false };
        seen.all(|label| label == Some(first))
            && by_label.get(&first).is_some_and(|r| (r.first, r.last) == (track.first, track.last))
    };
    let complete = truth.iter().filter(is_complete).count();
    (all > 0).then(|| 2.0 * complete as f64 / all as f64)
}
