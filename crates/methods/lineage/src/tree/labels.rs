//! What an operation does to the label images of its cells.

use serde::{Deserialize, Serialize};

use super::CellId;

/// A change of ids in the label images of some frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelChange {
    /// The id that is replaced.
    pub from: CellId,
    /// What replaces it.
    pub to: CellId,
    /// Whether `to` becomes `from` at the same time.
    pub exchange: bool,
    /// First frame that changes.
    pub first_frame: usize,
    /// Last frame that changes.
    pub last_frame: usize,
}

impl LabelChange {
    pub(super) fn rename(from: CellId, to: CellId, first_frame: usize, last_frame: usize) -> Self {
        Self { from, to, exchange: false, first_frame, last_frame }
    }

    pub(super) fn exchange(a: CellId, b: CellId, first_frame: usize, last_frame: usize) -> Self {
        Self { from: a, to: b, exchange: true, first_frame, last_frame }
    }

    /// What a label of a frame becomes.
    pub fn of(&self, frame: usize, label: CellId) -> CellId {
        if !(self.first_frame..=self.last_frame).contains(&frame) {
            label
        } else if label == self.from {
            self.to
        } else if self.exchange && label == self.to {
            self.from
        } else {
            label
        }
    }
}

/// Applies changes, in their order, to the labels of one frame.
pub fn relabel<'a>(
    changes: &[LabelChange],
    frame: usize,
    labels: impl IntoIterator<Item = &'a mut CellId>,
) {
    let here: Vec<&LabelChange> =
        changes.iter().filter(|c| (c.first_frame..=c.last_frame).contains(&frame)).collect();
    if here.is_empty() {
        return;
    }
    for label in labels {
        if *label != 0 {
            *label = here.iter().fold(*label, |label, change| change.of(frame, label));
        }
    }
}
