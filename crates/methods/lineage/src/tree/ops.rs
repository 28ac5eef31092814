//! The operations on a lineage, each checked before anything changes.

use super::{Cell, CellFeatures, CellId, EditError, LabelChange, Lineage};

impl Lineage {
    /// Adds a cell that begins in `frame`; its id is one above the highest.
    ///
    /// # Errors
    /// Of the mother: [`EditError::CellDoesNotExist`], [`EditError::CellNotOnFrame`],
    /// [`EditError::CellAlreadyHasDaughter`]; [`EditError::TooManyCells`].
    pub fn create(
        &mut self,
        frame: usize,
        features: CellFeatures,
        mother: Option<CellId>,
    ) -> Result<CellId, EditError> {
        if let Some(mother) = mother {
            self.check_free(mother, frame)?;
        }
        let id = self.next_id()?;
        if let Some(mother) = mother {
            let index = self.index(mother, frame)?;
            self.cell_mut(mother)?.daughters[index] = Some(id);
        }
        let cell =
            Cell { mother, first_frame: frame, daughters: vec![None], features: vec![features] };
        self.cells.insert(id, cell);
        self.order.push(id);
        Ok(id)
    }

    /// Lets a cell live one frame more.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`].
    pub fn extend(&mut self, cell: CellId, features: CellFeatures) -> Result<(), EditError> {
        let cell = self.cell_mut(cell)?;
        cell.daughters.push(None);
        cell.features.push(features);
        Ok(())
    }

    /// Makes `cell`, which begins in the frame after the last of `into`, the rest of `into`.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::NonConsecutiveCells`], [`EditError::OverlappingCells`].
    pub fn merge(&mut self, cell: CellId, into: CellId) -> Result<LabelChange, EditError> {
        let first = self.cell(cell)?.first_frame;
        let (last_of_cell, last) = (self.cell(cell)?.last_frame(), self.cell(into)?.last_frame());
        if first > last + 1 {
            return Err(EditError::NonConsecutiveCells { cell, into, first, last });
        }
        if first < last + 1 {
            return Err(EditError::OverlappingCells { cell, into, first, last });
        }
        self.unlink(cell)?;
        let Some(rest) = self.cells.remove(&cell) else {
            return Err(EditError::CellDoesNotExist { cell });
        };
        self.order.retain(|id| *id != cell);
        self.rename_mother(&rest.daughters, into);
        let kept = self.cell_mut(into)?;
        kept.features.extend(rest.features);
        kept.daughters.extend(rest.daughters);
        Ok(LabelChange::rename(cell, into, first, last_of_cell))
    }

    /// Makes the frames of a cell from `frame` on a new cell without a mother.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::CellNotOnFrame`], [`EditError::CellAlreadyHasDaughter`],
    /// [`EditError::CellWouldBeEmpty`], [`EditError::TooManyCells`].
    pub fn split(
        &mut self,
        cell: CellId,
        frame: usize,
    ) -> Result<(CellId, LabelChange), EditError> {
        self.check_split(cell, frame)?;
        let id = self.next_id()?;
        Ok((id, self.split_as(cell, frame, id)?))
    }

    /// Gives a cell another mother, or none.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::CellNotOnFrame`], [`EditError::CellAlreadyHasDaughter`],
    /// [`EditError::LineageCycle`].
    pub fn adopt(&mut self, cell: CellId, mother: Option<CellId>) -> Result<(), EditError> {
        let frame = self.cell(cell)?.first_frame;
        if let Some(mother) = mother {
            self.check_free(mother, frame)?;
            if self.descends(mother, cell) {
                return Err(EditError::LineageCycle { cell, mother });
            }
        }
        self.unlink(cell)?;
        if let Some(mother) = mother {
            let index = self.index(mother, frame)?;
            self.cell_mut(mother)?.daughters[index] = Some(cell);
            self.cell_mut(cell)?.mother = Some(mother);
        }
        Ok(())
    }

    /// Lets mother and daughter exchange their futures from the birth of `cell` on.
    ///
    /// Ids and the link between the two stay; `cell` becomes the last of [`ids`](Self::ids).
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::CellDoesNotHaveMother`], and
    /// [`EditError::CellAlreadyHasDaughter`] when the cell has a daughter in its own first frame.
    pub fn pivot(&mut self, cell: CellId) -> Result<LabelChange, EditError> {
        self.check_pivot(cell)?;
        let daughter = self.cell(cell)?;
        let (first, last) = (daughter.first_frame, daughter.last_frame());
        let mother = daughter.mother.ok_or(EditError::CellDoesNotHaveMother { cell })?;
        let index = self.index(mother, first)?;

        let mut parent = std::mem::replace(self.cell_mut(mother)?, Cell::empty());
        let mut child = std::mem::replace(self.cell_mut(cell)?, Cell::empty());
        let last = last.max(parent.last_frame());
        self.rename_mother(&parent.daughters[index + 1..], cell);
        self.rename_mother(&child.daughters[1..], mother);
        // The link itself stays in the mother's list: only what comes after it changes hands.
        let features = parent.features.split_off(index);
        let daughters = parent.daughters.split_off(index + 1);
        parent.features.append(&mut child.features);
        parent.daughters.extend(child.daughters.drain(1..));
        child.features = features;
        child.daughters.extend(daughters);
        *self.cell_mut(mother)? = parent;
        *self.cell_mut(cell)? = child;
        self.move_to(cell, usize::MAX);
        Ok(LabelChange::exchange(mother, cell, first, last))
    }

    /// Exchanges old and new pole of a cell from `frame` (its first, if not given) until before its next daughter
    /// is born; there it pivots that daughter, whose pole was the wrong one to tell mother from daughter by.
    ///
    /// # Errors
    /// [`EditError::CellDoesNotExist`], [`EditError::CellNotOnFrame`], and [`EditError::CellAlreadyHasDaughter`] when
    /// the next daughter has a daughter in her own first frame.
    pub fn swap_poles(
        &mut self,
        cell: CellId,
        frame: Option<usize>,
    ) -> Result<Option<LabelChange>, EditError> {
        let from = frame.unwrap_or(self.cell(cell)?.first_frame);
        let index = self.index(cell, from)?;
        let next = self.next_birth(cell, from)?;
        if let Some((_, daughter)) = next {
            self.check_pivot(daughter)?;
        }
        let found = self.cell_mut(cell)?;
        let end = next.map_or(found.features.len(), |(born, _)| born - found.first_frame);
        found.features[index..end].iter_mut().for_each(CellFeatures::swap_poles);
        next.map(|(_, daughter)| self.pivot(daughter)).transpose()
    }

    /// The first daughter of a cell born after `frame`.
    pub(super) fn next_birth(
        &self,
        cell: CellId,
        frame: usize,
    ) -> Result<Option<(usize, CellId)>, EditError> {
        Ok(self.cell(cell)?.births().find(|(born, _)| *born > frame))
    }

    /// As [`split`](Self::split) after its checks, with the id of the new cell given.
    pub(super) fn split_as(
        &mut self,
        cell: CellId,
        frame: usize,
        id: CellId,
    ) -> Result<LabelChange, EditError> {
        let index = self.index(cell, frame)?;
        let kept = self.cell_mut(cell)?;
        let last = kept.last_frame();
        let rest = Cell {
            mother: None,
            first_frame: frame,
            daughters: kept.daughters.split_off(index),
            features: kept.features.split_off(index),
        };
        self.rename_mother(&rest.daughters, id);
        self.cells.insert(id, rest);
        self.order.push(id);
        Ok(LabelChange::rename(cell, id, frame, last))
    }

    pub(super) fn check_split(&self, cell: CellId, frame: usize) -> Result<(), EditError> {
        self.check_free(cell, frame)?;
        if self.cell(cell)?.first_frame == frame {
            return Err(EditError::CellWouldBeEmpty { cell, frame });
        }
        Ok(())
    }

    /// Whether a cell can bear a daughter in a frame.
    fn check_free(&self, cell: CellId, frame: usize) -> Result<(), EditError> {
        match self.daughter(cell, frame)? {
            Some(daughter) => Err(EditError::CellAlreadyHasDaughter { cell, daughter, frame }),
            None => Ok(()),
        }
    }

    fn check_pivot(&self, cell: CellId) -> Result<(), EditError> {
        let found = self.cell(cell)?;
        if found.mother.is_none() {
            return Err(EditError::CellDoesNotHaveMother { cell });
        }
        self.check_free(cell, found.first_frame)
    }

    /// Takes a cell from its mother.
    fn unlink(&mut self, cell: CellId) -> Result<(), EditError> {
        let frame = self.cell(cell)?.first_frame;
        if let Some(mother) = self.cell_mut(cell)?.mother.take() {
            let index = self.index(mother, frame)?;
            self.cell_mut(mother)?.daughters[index] = None;
        }
        Ok(())
    }

    fn rename_mother(&mut self, daughters: &[Option<CellId>], mother: CellId) {
        for daughter in daughters.iter().flatten() {
            if let Some(cell) = self.cells.get_mut(daughter) {
                cell.mother = Some(mother);
            }
        }
    }

    /// Moves a cell to a place in the order; beyond the end is the end.
    pub(super) fn move_to(&mut self, cell: CellId, position: usize) {
        self.order.retain(|id| *id != cell);
        self.order.insert(position.min(self.order.len()), cell);
    }

    fn next_id(&self) -> Result<CellId, EditError> {
        let last = self.cells.last_key_value().map_or(0, |(id, _)| *id);
        last.checked_add(1).ok_or(EditError::TooManyCells { last })
    }
}

impl Cell {
    /// Stands in while two cells exchange their parts.
    fn empty() -> Self {
        Self { mother: None, first_frame: 0, daughters: Vec::new(), features: Vec::new() }
    }
}
