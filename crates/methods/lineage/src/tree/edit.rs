//! Operations as values: applied, written into a log, undone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CellId, EditError, GrowthFeature, LabelChange, Lineage};

/// An operation of a person on a lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EditOp {
    /// [`Lineage::adopt`].
    Adopt(CellId, Option<CellId>),
    /// [`Lineage::merge`].
    Merge(CellId, CellId),
    /// [`Lineage::split`].
    Split(CellId, usize),
    /// [`Lineage::pivot`].
    Pivot(CellId),
    /// [`Lineage::swap_poles`].
    SwapPoles(CellId, Option<usize>),
}

impl EditOp {
    /// Its word in a script.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adopt(..) => "adopt",
            Self::Merge(..) => "merge",
            Self::Split(..) => "split",
            Self::Pivot(..) => "pivot",
            Self::SwapPoles(..) => "swap_poles",
        }
    }

    /// The numbers after the word; `None` is written `none`.
    pub fn args(self) -> Vec<Option<u64>> {
        let id = |cell: CellId| Some(u64::from(cell));
        match self {
            Self::Adopt(cell, mother) => vec![id(cell), mother.map(u64::from)],
            Self::Merge(cell, into) => vec![id(cell), id(into)],
            Self::Split(cell, frame) => vec![id(cell), Some(frame as u64)],
            Self::Pivot(cell) | Self::SwapPoles(cell, None) => vec![id(cell)],
            Self::SwapPoles(cell, Some(frame)) => vec![id(cell), Some(frame as u64)],
        }
    }

    /// Of a word and its numbers.
    ///
    /// # Errors
    /// A sentence when the word is unknown or its numbers do not fit.
    pub fn from_args(name: &str, args: &[Option<u64>]) -> Result<Self, String> {
        let cell = |arg: u64| CellId::try_from(arg).map_err(|_| format!("no cell can be {arg}"));
        let frame = |arg: u64| usize::try_from(arg).map_err(|_| format!("no frame can be {arg}"));
        match (name, args) {
            ("adopt", [Some(a), mother]) => {
                Ok(Self::Adopt(cell(*a)?, mother.map(cell).transpose()?))
            }
            ("merge", [Some(a), Some(b)]) => Ok(Self::Merge(cell(*a)?, cell(*b)?)),
            ("split", [Some(a), Some(b)]) => Ok(Self::Split(cell(*a)?, frame(*b)?)),
            ("pivot", [Some(a)]) => Ok(Self::Pivot(cell(*a)?)),
            ("swap_poles", [Some(a)] | [Some(a), None]) => Ok(Self::SwapPoles(cell(*a)?, None)),
            ("swap_poles", [Some(a), Some(b)]) => Ok(Self::SwapPoles(cell(*a)?, Some(frame(*b)?))),
            ("adopt", _) => Err("wanted: adopt CELL MOTHER, or adopt CELL none".into()),
            ("merge", _) => Err("wanted: merge CELL INTO".into()),
            ("split", _) => Err("wanted: split CELL FRAME".into()),
            ("pivot", _) => Err("wanted: pivot CELL".into()),
            ("swap_poles", _) => Err("wanted: swap_poles CELL, or swap_poles CELL FRAME".into()),
            _ => Err(format!(
                "'{name}' is no operation; there are adopt, merge, split, pivot and swap_poles"
            )),
        }
    }
}

impl fmt::Display for EditOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.args().into_iter().try_for_each(|arg| match arg {
            Some(number) => write!(f, " {number}"),
            None => f.write_str(" none"),
        })
    }
}

/// A step back. Unlike an [`EditOp`] it restores ids and the order of cells too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Inverse {
    /// Gives a cell its former mother.
    Adopt {
        /// The cell.
        cell: CellId,
        /// Who was its mother.
        mother: Option<CellId>,
    },
    /// Takes a cell out of another again.
    Split {
        /// The cell that is cut.
        cell: CellId,
        /// The first frame that leaves it.
        frame: usize,
        /// The id of what leaves it.
        id: CellId,
        /// The mother of what leaves it.
        mother: Option<CellId>,
        /// The place of `id` in the order of cells.
        position: usize,
    },
    /// Puts a cell back into another.
    Merge {
        /// The later cell.
        cell: CellId,
        /// The earlier cell.
        into: CellId,
    },
    /// Pivots a cell back.
    Pivot {
        /// The cell.
        cell: CellId,
        /// Its place in the order of cells.
        position: usize,
    },
    /// Swaps poles back.
    SwapPoles {
        /// The cell.
        cell: CellId,
        /// From which frame.
        frame: usize,
        /// The place in the order of cells of the daughter that is pivoted, if one is.
        position: Option<usize>,
    },
    /// Puts growth rates back.
    Growthrates {
        /// The cell.
        cell: CellId,
        /// Of what.
        feature: GrowthFeature,
        /// From the first to the last frame of the cell; `None` is NaN.
        rates: Vec<Option<f32>>,
    },
}

/// An operation that was applied, and the way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EditRow", into = "EditRow")]
pub struct Edit {
    /// What was done.
    pub op: EditOp,
    /// The new cell of a split.
    pub result: Option<CellId>,
    /// Steps back, in the order in which to take them.
    pub inverse: Vec<Inverse>,
}

/// An [`Edit`] as it is written.
#[derive(Clone, Serialize, Deserialize)]
struct EditRow {
    op: String,
    args: Vec<Option<u64>>,
    result: Option<CellId>,
    inverse: Vec<Inverse>,
}

impl From<Edit> for EditRow {
    fn from(edit: Edit) -> Self {
        let Edit { op, result, inverse } = edit;
        Self { op: op.name().into(), args: op.args(), result, inverse }
    }
}

impl TryFrom<EditRow> for Edit {
    type Error = String;

    fn try_from(row: EditRow) -> Result<Self, String> {
        let op = EditOp::from_args(&row.op, &row.args)?;
        Ok(Self { op, result: row.result, inverse: row.inverse })
    }
}

/// One line of the log of edits; number and time are the caller's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Counts from 1.
    pub n: u64,
    /// When, as text.
    pub time: String,
    /// Which region of interest.
    pub roi: usize,
    /// What was done.
    #[serde(flatten)]
    pub edit: Edit,
}

impl Lineage {
    /// Applies an operation.
    ///
    /// # Returns
    /// The edit for the log, and what becomes of label images.
    ///
    /// # Errors
    /// Those of the operation; the lineage is then as it was.
    pub fn apply(&mut self, op: EditOp) -> Result<(Edit, Vec<LabelChange>), EditError> {
        let position = |lineage: &Self, cell| {
            lineage.order.iter().position(|id| *id == cell).unwrap_or(lineage.order.len())
        };
        let (result, inverse, labels) = match op {
            EditOp::Adopt(cell, mother) => {
                let before = self.cell(cell)?.mother;
                self.adopt(cell, mother)?;
                (None, Inverse::Adopt { cell, mother: before }, None)
            }
            EditOp::Merge(cell, into) => {
                let (mother, frame) = (self.cell(cell)?.mother, self.cell(cell)?.first_frame);
                let position = position(self, cell);
                let change = self.merge(cell, into)?;
                let inverse = Inverse::Split { cell: into, frame, id: cell, mother, position };
                (None, inverse, Some(change))
            }
            EditOp::Split(cell, frame) => {
                let (id, change) = self.split(cell, frame)?;
                (Some(id), Inverse::Merge { cell: id, into: cell }, Some(change))
            }
            EditOp::Pivot(cell) => {
                let position = position(self, cell);
                let change = self.pivot(cell)?;
                (None, Inverse::Pivot { cell, position }, Some(change))
            }
            EditOp::SwapPoles(cell, frame) => {
                let from = frame.unwrap_or(self.cell(cell)?.first_frame);
                let next = self.next_birth(cell, from)?;
                let position = next.map(|(_, daughter)| position(self, daughter));
                let change = self.swap_poles(cell, frame)?;
                (None, Inverse::SwapPoles { cell, frame: from, position }, change)
            }
        };
        Ok((Edit { op, result, inverse: vec![inverse] }, labels.into_iter().collect()))
    }

    /// Takes the steps back of an edit. All are taken or none.
    ///
    /// # Returns
    /// What becomes of label images.
    ///
    /// # Errors
    /// When the lineage is not the one that the edit left.
    pub fn undo(&mut self, inverse: &[Inverse]) -> Result<Vec<LabelChange>, EditError> {
        let mut before = self.clone();
        let mut changes = Vec::new();
        for step in inverse {
            changes.extend(before.step_back(step)?);
        }
        *self = before;
        Ok(changes)
    }

    fn step_back(&mut self, step: &Inverse) -> Result<Option<LabelChange>, EditError> {
        match *step {
            Inverse::Adopt { cell, mother } => {
                self.adopt(cell, mother)?;
                Ok(None)
            }
            Inverse::Split { cell, frame, id, mother, position } => {
                if self.cells.contains_key(&id) {
                    return Err(EditError::CellExists { cell: id });
                }
                // The cell that was merged may well have had a daughter in its first frame.
                if self.cell(cell)?.first_frame == frame {
                    return Err(EditError::CellWouldBeEmpty { cell, frame });
                }
                let change = self.split_as(cell, frame, id)?;
                if mother.is_some() {
                    self.adopt(id, mother)?;
                }
                self.move_to(id, position);
                Ok(Some(change))
            }
            Inverse::Merge { cell, into } => self.merge(cell, into).map(Some),
            Inverse::Pivot { cell, position } => {
                let change = self.pivot(cell)?;
                self.move_to(cell, position);
                Ok(Some(change))
            }
            Inverse::SwapPoles { cell, frame, position } => {
                let next = self.next_birth(cell, frame)?;
                let change = self.swap_poles(cell, Some(frame))?;
                if let (Some((_, daughter)), Some(position)) = (next, position) {
                    self.move_to(daughter, position);
                }
                Ok(change)
            }
            Inverse::Growthrates { cell, feature, ref rates } => {
                let rates: Vec<f32> = rates.iter().map(|r| r.unwrap_or(f32::NAN)).collect();
                self.set_growthrates(cell, feature, &rates)?;
                Ok(None)
            }
        }
    }

    /// Replaces the growth rates of a cell; returns those before as a step back.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`]; [`EditError::InconsistentLineage`] when there is not one rate per frame.
    pub fn set_growthrates(
        &mut self,
        cell: CellId,
        feature: GrowthFeature,
        rates: &[f32],
    ) -> Result<Inverse, EditError> {
        let found = self.cell_mut(cell)?;
        if found.features.len() != rates.len() {
            let reason = format!("{} frames, {} growth rates", found.features.len(), rates.len());
            return Err(EditError::InconsistentLineage { cell, reason });
        }
        let before = found.features.iter_mut().zip(rates).map(|(features, rate)| {
            let before = std::mem::replace(features.growthrate_mut(feature), *rate);
            (!before.is_nan()).then_some(before)
        });
        Ok(Inverse::Growthrates { cell, feature, rates: before.collect() })
    }
}
