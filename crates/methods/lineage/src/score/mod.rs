//! How well cells were found and followed: the measures of the Cell Tracking Challenge, and what biologists ask.
//!
//! A result's object is a true one when it covers more than half of it. [`FrameMatches`] are made frame by frame;
//! [`score_lineage`] needs no image.

mod biology;
mod divisions;
mod frames;
mod graph;
mod links;

pub use biology::{BiologyScore, ScoredCell};
pub use frames::{FrameMatches, ObjectMatch};
pub use graph::Corrections;
pub use links::{Counts, LinkScore, LinkSet, score_links};

use serde::Serialize;

use crate::ctc::CtcTrack;
use graph::Graph;

/// Frames by which a division may be off.
pub const DIVISION_TOLERANCE: usize = 1;

/// Divisions found, missed and made up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct DivisionScore {
    /// Frames by which one may be off.
    pub tolerance: usize,
    /// Counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Part of the found that are true.
    pub precision: Option<f64>,
    /// Part of the true that were found.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Mitotic branching correctness: right ones over all of both sides.
    pub mbc: Option<f64>,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ScoreSizes {
    /// Frames.
    pub frames: usize,
    /// Cell-frames of the truth.
    pub truth_objects: usize,
    /// Cell-frames of the result.
    pub result_objects: usize,
}

/// What `score.json` holds; `None` where there is nothing to divide by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LineageScore {
    /// Mean intersection over union of true objects, 0 for those that were missed.
    pub seg: Option<f64>,
    /// Detection.
    pub det: Option<f64>,
    /// Tracking: detection and links.
    pub tra: Option<f64>,
    /// Links alone.
    pub lnk: Option<f64>,
    /// Corrections that are needed.
    pub aogm: Corrections,
    /// Of links between matched objects, from mothers to both daughters included.
    pub edge_f1: Option<f64>,
    /// Divisions.
    pub division: DivisionScore,
    /// Part of tracks that are found whole.
    pub complete_tracks: Option<f64>,
    /// Measured quantities, where both sides have them.
    pub biology: Option<BiologyScore>,
    /// How much was compared.
    pub n: ScoreSizes,
}

/// Scores a result.
///
/// # Arguments
/// * `frames` — the matches of all frames, in order.
/// * `truth`, `result` — tracks; frames count from 0 as in `frames`.
/// * `tolerance` — frames by which a division may be off, usually [`DIVISION_TOLERANCE`].
pub fn score_lineage(
    frames: &[FrameMatches],
    truth: &[CtcTrack],
    result: &[CtcTrack],
    tolerance: usize,
) -> LineageScore {
    let graph = Graph::compare(frames, truth, result);
    let counts = divisions::score_divisions(frames, truth, result, tolerance);
    let all = counts.tp + counts.fp + counts.r#fn;
    let ious: f64 = frames.iter().flat_map(|f| &f.matches).map(|m| m.iou).sum();
    LineageScore {
        seg: (graph.objects > 0).then(|| ious / graph.objects as f64),
        det: graph.det(),
        tra: graph.tra(),
        lnk: graph.lnk(),
        aogm: graph.corrections,
        edge_f1: graph.matched_edges.f1(),
        division: DivisionScore {
            tolerance,
            counts,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            mbc: (all > 0).then(|| counts.tp as f64 / all as f64),
        },
        complete_tracks: divisions::complete_tracks(frames, truth, result),
        biology: None,
        n: ScoreSizes {
            frames: frames.len(),
            truth_objects: graph.objects,
            result_objects: frames.iter().map(|f| f.result.len()).sum(),
        },
    }
}

/// Compares what was measured of matched cells.
///
/// # Arguments
/// * `frames`, `truth`, `result` — as for [`score_lineage`].
/// * `true_cell`, `found_cell` — what is known of a label in a frame.
pub fn score_biology(
    frames: &[FrameMatches],
    truth: &[CtcTrack],
    result: &[CtcTrack],
    true_cell: impl Fn(usize, u32) -> Option<ScoredCell>,
    found_cell: impl Fn(usize, u32) -> Option<ScoredCell>,
) -> BiologyScore {
    biology::score_biology(frames, [truth, result], &true_cell, &found_cell)
}
