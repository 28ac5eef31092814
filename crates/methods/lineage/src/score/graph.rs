//! How many corrections turn the result's graph into the true one (Matula et al. 2015, doi:10.1371/journal.pone.0144959).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Counts, FrameMatches};
use crate::ctc::CtcTrack;

const SPLIT_VERTEX: f64 = 5.0;
const ADD_VERTEX: f64 = 10.0;
const DELETE_VERTEX: f64 = 1.0;
const DELETE_EDGE: f64 = 1.0;
const ADD_EDGE: f64 = 1.5;
const CHANGE_EDGE: f64 = 1.0;

/// Numbers of corrections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Corrections {
    /// Objects of the result to be split.
    pub ns: usize,
    /// Objects to be added.
    pub r#fn: usize,
    /// Objects to be deleted.
    pub fp: usize,
    /// Edges to be deleted.
    pub ed: usize,
    /// Edges to be added.
    pub ea: usize,
    /// Edges to be changed from track to parent or back.
    pub ec: usize,
}

/// Objects and edges of the truth beside what is wrong with the result.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Graph {
    pub corrections: Corrections,
    pub objects: usize,
    pub edges: usize,
    /// Edges between objects that are matched on both sides.
    pub matched_edges: Counts,
}

type Vertex = (usize, u32);

/// Edges, true where a parent leads to a track.
fn edges(frames: &[Vec<u32>], tracks: &[CtcTrack]) -> BTreeMap<(Vertex, Vertex), bool> {
    let has =
        |(frame, label): Vertex| frames.get(frame).is_some_and(|f| f.binary_search(&label).is_ok());
    let mut edges = BTreeMap::new();
    for (t, labels) in frames.iter().enumerate() {
        for label in labels.iter().filter(|label| has((t + 1, **label))) {
            edges.insert(((t, *label), (t + 1, *label)), false);
        }
    }
    let by_label: BTreeMap<u32, &CtcTrack> = tracks.iter().map(|t| (t.label, t)).collect();
    for track in tracks {
        let Some(parent) = track.parent.and_then(|p| by_label.get(&p)) else { continue };
        let (from, to) = ((parent.last, parent.label), (track.first, track.label));
        if has(from) && has(to) {
            edges.insert((from, to), true);
        }
    }
    edges
}

impl Graph {
    pub(super) fn compare(
        frames: &[FrameMatches],
        truth: &[CtcTrack],
        result: &[CtcTrack],
    ) -> Self {
        let labels = |of: fn(&FrameMatches) -> &Vec<u32>| -> Vec<Vec<u32>> {
            frames.iter().map(|f| of(f).clone()).collect()
        };
        let unique: Vec<BTreeMap<u32, u32>> = frames.iter().map(FrameMatches::unique).collect();
        let mut corrections = Corrections::default();
        for frame in frames {
            let covering: BTreeSet<u32> = frame.matches.iter().map(|m| m.result).collect();
            corrections.r#fn += frame.truth.len() - frame.matches.len();
            corrections.fp += frame.result.len() - covering.len();
            corrections.ns += frame.matches.len() - covering.len();
        }
        let true_edges = edges(&labels(|f| &f.truth), truth);
        let same = |(frame, label): Vertex| {
            unique.get(frame).and_then(|f| f.get(&label)).map(|truth| (frame, *truth))
        };
        let found: BTreeMap<(Vertex, Vertex), bool> = edges(&labels(|f| &f.result), result)
            .into_iter()
            .filter_map(|((from, to), kind)| Some(((same(from)?, same(to)?), kind)))
            .collect();
        let right = found.keys().filter(|edge| true_edges.contains_key(*edge)).count();
        corrections.ed = found.len() - right;
        corrections.ea = true_edges.len() - right;
        corrections.ec = found
            .iter()
            .filter(|(edge, kind)| true_edges.get(edge).is_some_and(|k| k != *kind))
            .count();
        let matched: Vec<BTreeSet<u32>> =
            unique.iter().map(|f| f.values().copied().collect()).collect();
        let is_matched = |(frame, label): Vertex| matched[frame].contains(&label);
        let possible = true_edges.keys().filter(|(a, b)| is_matched(*a) && is_matched(*b)).count();
        Self {
            corrections,
            objects: frames.iter().map(|f| f.truth.len()).sum(),
            edges: true_edges.len(),
            matched_edges: Counts { tp: right, fp: found.len() - right, r#fn: possible - right },
        }
    }

    fn vertex_cost(&self) -> f64 {
        let c = self.corrections;
        SPLIT_VERTEX * c.ns as f64 + ADD_VERTEX * c.r#fn as f64 + DELETE_VERTEX * c.fp as f64
    }

    fn edge_cost(&self) -> f64 {
        let c = self.corrections;
        DELETE_EDGE * c.ed as f64 + ADD_EDGE * c.ea as f64 + CHANGE_EDGE * c.ec as f64
    }

    pub(super) fn det(&self) -> Option<f64> {
        score(self.vertex_cost(), ADD_VERTEX * self.objects as f64)
    }

    pub(super) fn tra(&self) -> Option<f64> {
        let empty = ADD_VERTEX * self.objects as f64 + ADD_EDGE * self.edges as f64;
        score(self.vertex_cost() + self.edge_cost(), empty)
    }

    pub(super) fn lnk(&self) -> Option<f64> {
        score(self.edge_cost(), ADD_EDGE * self.edges as f64)
    }
}

/// One less the cost over that of making everything anew.
fn score(cost: f64, empty: f64) -> Option<f64> {
    (empty > 0.0).then(|| 1.0 - cost.min(empty) / empty)
}
