//! Cells, their mothers and daughters.

use std::collections::BTreeMap;

use super::{CellFeatures, EditError};

/// Number of a cell, from 1; 0 is the background.
pub type CellId = u32;

/// A cell, from the frame in which it is born to the last in which it is seen.
///
/// A mother lives on after a division; her daughter begins in the frame of the division.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Who bore it.
    pub mother: Option<CellId>,
    /// The first frame in which it lives.
    pub first_frame: usize,
    /// Per frame, the daughter whose first frame it is.
    pub daughters: Vec<Option<CellId>>,
    /// Per frame, what is known of it.
    pub features: Vec<CellFeatures>,
}

impl Cell {
    /// The last frame in which it lives.
    pub fn last_frame(&self) -> usize {
        self.first_frame + self.features.len().saturating_sub(1)
    }

    /// Whether it lives in a frame.
    pub fn is_alive(&self, frame: usize) -> bool {
        self.index(frame).is_some()
    }

    /// Its daughters and the frames in which they are born, in order of time.
    pub fn births(&self) -> impl DoubleEndedIterator<Item = (usize, CellId)> {
        let born = self.daughters.iter().enumerate();
        born.filter_map(|(i, daughter)| daughter.map(|id| (self.first_frame + i, id)))
    }

    /// Place of a frame in the lists.
    pub(super) fn index(&self, frame: usize) -> Option<usize> {
        frame.checked_sub(self.first_frame).filter(|i| *i < self.features.len())
    }
}

/// The family trees of one region of interest.
///
/// Every change is atomic: it is checked first, and refused without a trace if anything is wrong. Links go both
/// ways at all times: the mother's entry for a daughter stands in the daughter's first frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lineage {
    pub(super) cells: BTreeMap<CellId, Cell>,
    /// Ids in the order in which they came; roots that begin together are drawn in this order.
    pub(super) order: Vec<CellId>,
}

impl Lineage {
    /// Without a cell.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of cells that were read, in their order.
    ///
    /// # Errors
    /// [`EditError::CellExists`] if an id comes twice, [`EditError::InconsistentLineage`] if an id is 0, lists
    /// differ in length or are empty, or a link does not go both ways.
    pub fn from_cells(cells: impl IntoIterator<Item = (CellId, Cell)>) -> Result<Self, EditError> {
        let mut lineage = Self::new();
        for (id, cell) in cells {
            lineage.order.push(id);
            if lineage.cells.insert(id, cell).is_some() {
                return Err(EditError::CellExists { cell: id });
            }
        }
        lineage.validate()?;
        Ok(lineage)
    }

    /// Checks the links of all cells.
    ///
    /// # Errors
    /// [`EditError::InconsistentLineage`] names the first cell that does not fit.
    pub fn validate(&self) -> Result<(), EditError> {
        for (&id, cell) in &self.cells {
            let wrong = |reason| EditError::InconsistentLineage { cell: id, reason };
            if id == 0 {
                return Err(wrong("0 is the background".into()));
            }
            let frames = [cell.features.len(), cell.daughters.len()];
            if frames[0] == 0 || frames[0] != frames[1] {
                return Err(wrong(format!(
                    "{} frames, {} entries for daughters",
                    frames[0], frames[1]
                )));
            }
            if cell.first_frame.checked_add(frames[0]).is_none() {
                return Err(wrong(format!("begins in frame {}", cell.first_frame)));
            }
            if let Some(mother) = cell.mother
                && self.daughter(mother, cell.first_frame) != Ok(Some(id))
            {
                return Err(wrong(format!("is not a daughter of its mother {mother}")));
            }
            for (frame, daughter) in cell.births() {
                let fits = self
                    .cells
                    .get(&daughter)
                    .is_some_and(|d| d.mother == Some(id) && d.first_frame == frame);
                if !fits {
                    return Err(wrong(format!("daughter {daughter} is not born in frame {frame}")));
                }
            }
        }
        self.check_acyclic()
    }

    /// Cells born in the frame of their own mother's birth could go round in a circle.
    fn check_acyclic(&self) -> Result<(), EditError> {
        let mut reached = 0;
        let mut open: Vec<CellId> =
            self.cells.iter().filter(|(_, c)| c.mother.is_none()).map(|(id, _)| *id).collect();
        while let Some(id) = open.pop() {
            reached += 1;
            open.extend(self.cells[&id].births().map(|(_, daughter)| daughter));
        }
        if reached == self.cells.len() {
            return Ok(());
        }
        let in_circle = |id: &CellId| {
            let mut at = *id;
            (0..self.cells.len()).all(|_| match self.cells[&at].mother {
                Some(mother) => {
                    at = mother;
                    true
                }
                None => false,
            })
        };
        let cell = self.cells.keys().copied().find(in_circle).unwrap_or_default();
        Err(EditError::LineageCycle { cell, mother: cell })
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Ids in the order in which they came.
    pub fn ids(&self) -> &[CellId] {
        &self.order
    }

    /// Cells by rising id.
    pub fn iter(&self) -> impl Iterator<Item = (CellId, &Cell)> {
        self.cells.iter().map(|(id, cell)| (*id, cell))
    }

    /// A cell.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`].
    pub fn cell(&self, cell: CellId) -> Result<&Cell, EditError> {
        self.cells.get(&cell).ok_or(EditError::CellDoesNotExist { cell })
    }

    pub(super) fn cell_mut(&mut self, cell: CellId) -> Result<&mut Cell, EditError> {
        self.cells.get_mut(&cell).ok_or(EditError::CellDoesNotExist { cell })
    }

    /// Place of a frame in the lists of a cell.
    pub(super) fn index(&self, cell: CellId, frame: usize) -> Result<usize, EditError> {
        let found = self.cell(cell)?;
        found.index(frame).ok_or(EditError::CellNotOnFrame {
            cell,
            frame,
            first: found.first_frame,
            last: found.last_frame(),
        })
    }

    /// The daughter that a cell bears in a frame.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::CellNotOnFrame`].
    pub fn daughter(&self, cell: CellId, frame: usize) -> Result<Option<CellId>, EditError> {
        let index = self.index(cell, frame)?;
        Ok(self.cell(cell)?.daughters.get(index).copied().flatten())
    }

    /// What is known of a cell in a frame.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::CellNotOnFrame`].
    pub fn features(&self, cell: CellId, frame: usize) -> Result<&CellFeatures, EditError> {
        let index = self.index(cell, frame)?;
        Ok(&self.cell(cell)?.features[index])
    }

    /// As [`features`](Self::features), to be changed.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn features_mut(
        &mut self,
        cell: CellId,
        frame: usize,
    ) -> Result<&mut CellFeatures, EditError> {
        let index = self.index(cell, frame)?;
        Ok(&mut self.cell_mut(cell)?.features[index])
    }

    /// Old and new pole of a cell in a frame, each `(y, x)`.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn poles(&self, cell: CellId, frame: usize) -> Result<([f32; 2], [f32; 2]), EditError> {
        let features = self.features(cell, frame)?;
        Ok((features.old_pole, features.new_pole))
    }

    /// Divisions between a cell and the root of its tree.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`].
    pub fn generation(&self, cell: CellId) -> Result<usize, EditError> {
        let mut generation = 0;
        let mut at = self.cell(cell)?;
        while let Some(mother) = at.mother {
            at = self.cell(mother)?;
            generation += 1;
        }
        Ok(generation)
    }

    /// Frames from the first to after the last in which a cell lives; none without a cell.
    pub fn frames(&self) -> std::ops::Range<usize> {
        let first = self.cells.values().map(|c| c.first_frame).min().unwrap_or(0);
        first..self.cells.values().map(|c| c.last_frame() + 1).max().unwrap_or(first)
    }

    /// Cells without a mother, by first frame; those that begin together in the order in which they came.
    pub fn roots(&self) -> Vec<CellId> {
        let rootless = |id: &CellId| self.cells[id].mother.is_none();
        let mut roots: Vec<CellId> = self.order.iter().copied().filter(rootless).collect();
        roots.sort_by_key(|id| self.cells[id].first_frame);
        roots
    }

    /// Whether `cell` is `ancestor` or descends from it.
    pub(super) fn descends(&self, cell: CellId, ancestor: CellId) -> bool {
        let mut at = Some(cell);
        while let Some(id) = at {
            if id == ancestor {
                return true;
            }
            at = self.cells.get(&id).and_then(|c| c.mother);
        }
        false
    }
}
