//! Event maps against true ones.
//!
//! Events are matched one to one so that the sum of their intersections over unions (in voxels of
//! space-time) is greatest; a match counts from a given one on.

use std::collections::BTreeMap;

use hooke_core::DisjointSets;
use hooke_filters::assignment::assign_greatest;
use ndarray::ArrayView3;
use serde::{Deserialize, Serialize};

use crate::EventsError;

/// How well a map agrees with the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EventScore {
    /// Events that were found.
    pub n_pred: usize,
    /// True events.
    pub n_true: usize,
    /// Matches with enough in common.
    pub tp: usize,
    /// `tp / n_pred`; of 0, 1 if there is nothing to find, else 0.
    pub precision: f64,
    /// `tp / n_true`; 1 if there is nothing to find.
    pub recall: f64,
    /// `2 tp / (n_pred + n_true)`; 1 if both are 0.
    pub f1: f64,
    /// Mean intersection over union of the matches that count; 0 without any.
    pub mean_iou: f64,
    /// Twice the voxels active in both over the sum of those active in either; 1 if both maps are empty.
    pub dice: f64,
    /// Found events that have most in common with a true one, per true one that has any.
    pub fragments_per_true: f64,
    /// Found events that hold more than half of each of two or more true ones.
    pub merged: usize,
}

/// Counts what two maps have in common, slab by slab.
#[derive(Debug, Clone, Default)]
pub struct Overlaps {
    /// Voxels of found and true label; 0 is background.
    voxels: BTreeMap<(u32, u32), u64>,
}

impl Overlaps {
    /// Takes the next frames in.
    ///
    /// # Errors
    /// [`EventsError::Shape`] if the shapes differ.
    pub fn push(
        &mut self,
        found: ArrayView3<'_, u32>,
        truth: ArrayView3<'_, u32>,
    ) -> Result<(), EventsError> {
        if found.dim() != truth.dim() {
            return Err(EventsError::Shape {
                what: "event map",
                expected: truth.shape().to_vec(),
                found: found.shape().to_vec(),
            });
        }
        // Labels seldom change from voxel to voxel.
        let (mut last, mut count) = ((0, 0), 0);
        for pair in found.iter().copied().zip(truth.iter().copied()) {
            if pair != last {
                *self.voxels.entry(last).or_default() += count;
                (last, count) = (pair, 0);
            }
            count += 1;
        }
        *self.voxels.entry(last).or_default() += count;
        Ok(())
    }

    /// Matches events, those with an intersection over union of at least `iou` count.
    ///
    /// # Errors
    /// [`EventsError::Parameter`] if `iou` is not above 0 and at most 1.
    pub fn score(&self, iou: f64) -> Result<EventScore, EventsError> {
        if !(iou > 0.0 && iou <= 1.0) {
            let reason = format!("{iou}; a part above 0 and up to 1 is wanted");
            return Err(EventsError::Parameter { name: "iou", reason });
        }
        let (mut found, mut truth) = (BTreeMap::new(), BTreeMap::new());
        let mut both = 0;
        for ((f, t), n) in &self.voxels {
            if *f > 0 {
                *found.entry(*f).or_insert(0) += n;
            }
            if *t > 0 {
                *truth.entry(*t).or_insert(0) += n;
            }
            both += if *f > 0 && *t > 0 { *n } else { 0 };
        }
        let pairs = self.pairs(&found, &truth);
        let matches = matched(&pairs)?;
        let counted: Vec<f64> = matches.into_iter().filter(|v| *v >= iou).collect();
        let (n_pred, n_true, tp) = (found.len(), truth.len(), counted.len());
        let part = |some: usize, all: usize| match all {
            // Nothing to find, and nothing found; or nothing at all of what there is.
            0 => f64::from(u8::from(tp == 0 && n_true == 0)),
            all => some as f64 / all as f64,
        };
        let active = found.values().sum::<u64>() + truth.values().sum::<u64>();
        Ok(EventScore {
            n_pred,
            n_true,
            tp,
            precision: part(tp, n_pred),
            recall: part(tp, n_true),
            f1: part(2 * tp, n_pred + n_true),
            mean_iou: counted.iter().sum::<f64>() / (tp as f64).max(1.0),
            dice: if active == 0 { 1.0 } else { 2.0 * both as f64 / active as f64 },
            fragments_per_true: fragments(&pairs),
            merged: merged(&pairs, &truth),
        })
    }

    /// Pairs of events with voxels in common.
    fn pairs(&self, found: &BTreeMap<u32, u64>, truth: &BTreeMap<u32, u64>) -> Vec<Pair> {
        let both = self.voxels.iter().filter(|((f, t), _)| *f > 0 && *t > 0);
        both.map(|((f, t), n)| {
            let either = found[f] + truth[t] - n;
            Pair { found: *f, truth: *t, voxels: *n, iou: *n as f64 / either as f64 }
        })
        .collect()
    }
}

/// Scores a map in memory: [`Overlaps`] in one call.
///
/// # Errors
/// As [`Overlaps::push`] and [`Overlaps::score`].
pub fn score_events(
    found: ArrayView3<'_, u32>,
    truth: ArrayView3<'_, u32>,
    iou: f64,
) -> Result<EventScore, EventsError> {
    let mut overlaps = Overlaps::default();
    overlaps.push(found, truth)?;
    overlaps.score(iou)
}

/// Two events with voxels in common.
struct Pair {
    found: u32,
    truth: u32,
    voxels: u64,
    iou: f64,
}

/// Intersections over unions of the matches. Events that are linked by no pairs are matched apart.
fn matched(pairs: &[Pair]) -> Result<Vec<f64>, EventsError> {
    let numbers = |of: fn(&Pair) -> u32| {
        let mut ids: Vec<u32> = pairs.iter().map(of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (rows, columns) = (numbers(|p| p.found), numbers(|p| p.truth));
    let place = |ids: &[u32], id: u32| ids.partition_point(|i| *i < id);
    let mut sets = DisjointSets::new(rows.len() + columns.len());
    for pair in pairs {
        sets.join(place(&rows, pair.found), rows.len() + place(&columns, pair.truth));
    }
    let mut groups: BTreeMap<usize, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        groups.entry(sets.find(place(&rows, pair.found))).or_default().push(pair);
    }
    let mut ious = Vec::new();
    for group in groups.into_values() {
        let ids = |of: fn(&&Pair) -> u32| {
            let mut ids: Vec<u32> = group.iter().map(of).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let (rows, columns) = (ids(|p| p.found), ids(|p| p.truth));
        let mut gains = vec![0.0; rows.len() * columns.len()];
        for pair in &group {
            let at = place(&rows, pair.found) * columns.len() + place(&columns, pair.truth);
            gains[at] = pair.iou;
        }
        let assigned = assign_greatest(&gains, rows.len(), columns.len())
            .map_err(|e| EventsError::Parameter { name: "event map", reason: e.to_string() })?;
        for (row, column) in assigned.into_iter().enumerate() {
            ious.extend(column.map(|c| gains[row * columns.len() + c]));
        }
    }
    Ok(ious)
}

/// Found events that have most in common with a true one, per true one that has any.
fn fragments(pairs: &[Pair]) -> f64 {
    let mut best: BTreeMap<u32, (u64, u32)> = BTreeMap::new();
    for pair in pairs {
        let most = best.entry(pair.found).or_insert((0, 0));
        if pair.voxels > most.0 {
            *most = (pair.voxels, pair.truth);
        }
    }
    let mut truths: Vec<u32> = best.values().map(|(_, t)| *t).collect();
    truths.sort_unstable();
    truths.dedup();
    best.len() as f64 / (truths.len() as f64).max(1.0)
}

fn merged(pairs: &[Pair], truth: &BTreeMap<u32, u64>) -> usize {
    let mut held: BTreeMap<u32, usize> = BTreeMap::new();
    for pair in pairs.iter().filter(|p| 2 * p.voxels > truth[&p.truth]) {
        *held.entry(pair.found).or_default() += 1;
    }
    held.values().filter(|n| **n > 1).count()
}
