//! Other readings of a frame's masks: two of them joined, or one cut.

use super::pair::{Kind, Move};
use super::{CellSet, ChannelCell, Piece};

/// A move that costs more than this makes both its frames suspect.
const SUSPICIOUS: f64 = 4.0;
/// Masks farther apart than this part of their lengths are not joined.
const JOIN_GAP: f64 = 0.25;
/// Cuts are tried in the middle, and where the frame before has a border.
const MIDDLE: f64 = 0.5;
/// Pieces below this part of a mask are not cut off.
const SMALLEST_PART: f64 = 0.15;

/// Whether any move between two frames is worth a second look.
pub(super) fn is_suspect(moves: &[Move]) -> bool {
    moves.iter().any(|m| m.cost > SUSPICIOUS && !matches!(m.kind, Kind::Leave(_)))
}

/// A reading of a frame, with the masks that its cells are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub set: CellSet,
    pub pieces: Vec<Piece>,
}

impl Reading {
    pub(super) fn as_is(set: CellSet) -> Self {
        let pieces = (0..set.cells.len()).map(Piece::whole).collect();
        Self { set, pieces }
    }

    /// This reading and those that differ from it in one place, each of them dearer by `cost`.
    pub(super) fn alternatives(self, before: Option<&[ChannelCell]>, cost: f64) -> Vec<Self> {
        let mut all = vec![self.clone()];
        for j in 1..self.set.cells.len() {
            all.extend(self.joined(j - 1, cost));
        }
        for j in 0..self.set.cells.len() {
            for part in self.cuts(j, before) {
                all.extend(self.cut(j, part, cost));
            }
        }
        all
    }

    fn joined(&self, j: usize, cost: f64) -> Option<Self> {
        let (a, b) = (self.set.cells[j], self.set.cells[j + 1]);
        let (from, to) = (a.position - 0.5 * a.length, b.position + 0.5 * b.length);
        let room = to - from - a.length - b.length;
        let piece = self.pieces[j].joined(&self.pieces[j + 1])?;
        if room > JOIN_GAP * a.length.min(b.length) {
            return None;
        }
        let whole = ChannelCell { length: a.length + b.length, position: 0.5 * (from + to) };
        let mut other = self.clone();
        other.set.cost += cost;
        other.set.cells.splice(j..=j + 1, [whole]);
        other.pieces.splice(j..=j + 1, [piece]);
        Some(other)
    }

    /// At which parts of its length a mask could hide a border.
    fn cuts(&self, j: usize, before: Option<&[ChannelCell]>) -> Vec<f64> {
        let cell = self.set.cells[j];
        let start = cell.position - 0.5 * cell.length;
        let border = |pair: &[ChannelCell]| pair[0].length / (pair[0].length + pair[1].length);
        // Two old cells side by side, wherever growth has pushed them: those that lie nearest.
        let middle = |pair: &[ChannelCell]| 0.5 * (pair[0].position + pair[1].position);
        let mut near: Vec<(f64, f64)> = before
            .unwrap_or_default()
            .windows(2)
            .map(|pair| ((middle(pair) - start - 0.5 * cell.length).abs(), border(pair)))
            .filter(|(away, _)| *away < cell.length)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut parts = vec![MIDDLE];
        parts.extend(near.iter().take(2).map(|(_, part)| *part));
        parts.retain(|part| (SMALLEST_PART..=1.0 - SMALLEST_PART).contains(part));
        parts
    }

    fn cut(&self, j: usize, part: f64, cost: f64) -> Option<Self> {
        let cell = self.set.cells[j];
        let start = cell.position - 0.5 * cell.length;
        let pieces = self.pieces[j].cut(part)?;
        let lengths = [part * cell.length, (1.0 - part) * cell.length];
        let first = ChannelCell { length: lengths[0], position: start + 0.5 * lengths[0] };
        let second =
            ChannelCell { length: lengths[1], position: start + lengths[0] + 0.5 * lengths[1] };
        let mut other = self.clone();
        other.set.cost += cost;
        other.set.cells.splice(j..=j, [first, second]);
        other.pieces.splice(j..=j, pieces);
        Some(other)
    }
}
