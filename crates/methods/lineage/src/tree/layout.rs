//! Where to draw the cells of a lineage: one row per cell, time from left to right.

use super::{CellId, Lineage};

/// How daughters are placed around their mother.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TreeOrder {
    /// Alternately above and below.
    #[default]
    Alternate,
    /// By the height of the two cells in the image when they part.
    PoleY,
}

/// The row of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeRow {
    /// The cell.
    pub cell: CellId,
    /// From 0, the top.
    pub row: usize,
    /// First frame of its line.
    pub first_frame: usize,
    /// Last frame of its line.
    pub last_frame: usize,
    /// The frame and the row of the mother from which a vertical line comes down, or up.
    pub birth: Option<(usize, usize)>,
}

impl Lineage {
    /// Places cells so that no vertical crosses a horizontal line, in rows from the top.
    ///
    /// The later a daughter is born, the nearer she is to her mother.
    pub fn tree_rows(&self, order: TreeOrder) -> Vec<TreeRow> {
        enum Step {
            Visit(CellId),
            Place(CellId),
        }
        let mut open: Vec<Step> = self.roots().into_iter().rev().map(Step::Visit).collect();
        let mut rows: Vec<TreeRow> = Vec::with_capacity(self.len());
        while let Some(step) = open.pop() {
            match step {
                Step::Place(id) => {
                    let cell = &self.cells[&id];
                    rows.push(TreeRow {
                        cell: id,
                        row: rows.len(),
                        first_frame: cell.first_frame,
                        last_frame: cell.last_frame(),
                        birth: None,
                    });
                }
                Step::Visit(id) => {
                    let births: Vec<(usize, CellId)> = self.cells[&id].births().collect();
                    let is_above: Vec<bool> = births
                        .iter()
                        .enumerate()
                        .map(|(k, birth)| self.is_above(order, k, id, *birth))
                        .collect();
                    let side = |above| {
                        let on_side =
                            births.iter().zip(&is_above).filter(move |(_, a)| **a == above);
                        on_side.map(|((_, daughter), _)| Step::Visit(*daughter))
                    };
                    // Taken from the end: above from the earliest to the latest, the cell, below the other way.
                    open.extend(side(false));
                    open.push(Step::Place(id));
                    open.extend(side(true).collect::<Vec<_>>().into_iter().rev());
                }
            }
        }
        let row_of: std::collections::BTreeMap<CellId, usize> =
            rows.iter().map(|r| (r.cell, r.row)).collect();
        for row in &mut rows {
            let mother = self.cells[&row.cell].mother;
            row.birth = mother.map(|mother| (row.first_frame, row_of[&mother]));
        }
        rows
    }

    /// Whether the `k`-th daughter of a cell goes above her.
    fn is_above(
        &self,
        order: TreeOrder,
        k: usize,
        cell: CellId,
        (frame, daughter): (usize, CellId),
    ) -> bool {
        let height = |id| self.poles(id, frame).map(|(old, new)| old[0] + new[0]);
        match (order, height(daughter), height(cell)) {
            (TreeOrder::PoleY, Ok(daughter), Ok(mother)) => daughter < mother,
            _ => k % 2 == 0,
        }
    }
}
