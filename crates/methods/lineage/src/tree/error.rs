//! Why a lineage cannot be changed as asked.

use super::CellId;

/// A change that is refused; nothing was changed. The message begins with the name of the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// A cell that is not in the lineage.
    #[error("CellDoesNotExist: there is no cell {cell}")]
    CellDoesNotExist {
        /// The cell.
        cell: CellId,
    },
    /// A cell that is not alive in a frame.
    #[error("CellNotOnFrame: cell {cell} lives from frame {first} to {last}, not in {frame}")]
    CellNotOnFrame {
        /// The cell.
        cell: CellId,
        /// The frame asked for.
        frame: usize,
        /// Its first frame.
        first: usize,
        /// Its last frame.
        last: usize,
    },
    /// A cell that has a daughter in a frame already.
    #[error("CellAlreadyHasDaughter: cell {cell} has daughter {daughter} in frame {frame}")]
    CellAlreadyHasDaughter {
        /// The cell.
        cell: CellId,
        /// Her daughter.
        daughter: CellId,
        /// The frame.
        frame: usize,
    },
    /// A cell without a mother.
    #[error("CellDoesNotHaveMother: cell {cell} has no mother")]
    CellDoesNotHaveMother {
        /// The cell.
        cell: CellId,
    },
    /// Cells to be merged that leave frames between them.
    #[error(
        "NonConsecutiveCells: cell {cell} begins in frame {first}, but cell {into} ends in {last}; \
         wanted is the frame after"
    )]
    NonConsecutiveCells {
        /// The later cell.
        cell: CellId,
        /// The earlier cell.
        into: CellId,
        /// First frame of the later cell.
        first: usize,
        /// Last frame of the earlier cell.
        last: usize,
    },
    /// Cells to be merged that live in one frame.
    #[error(
        "OverlappingCells: cell {cell} begins in frame {first}, but cell {into} ends in {last}; \
         wanted is the frame after"
    )]
    OverlappingCells {
        /// The later cell.
        cell: CellId,
        /// The earlier cell.
        into: CellId,
        /// First frame of the later cell.
        first: usize,
        /// Last frame of the earlier cell.
        last: usize,
    },
    /// A split that leaves nothing of the cell.
    #[error("CellWouldBeEmpty: cell {cell} begins in frame {frame}; split it in a later one")]
    CellWouldBeEmpty {
        /// The cell.
        cell: CellId,
        /// Its first frame.
        frame: usize,
    },
    /// A mother that descends from her daughter.
    #[error("LineageCycle: cell {mother} is cell {cell} or descends from it")]
    LineageCycle {
        /// The daughter.
        cell: CellId,
        /// The mother.
        mother: CellId,
    },
    /// A cell that would come twice.
    #[error("CellExists: there is a cell {cell} already")]
    CellExists {
        /// The cell.
        cell: CellId,
    },
    /// No number is left for another cell.
    #[error("TooManyCells: cell {last} has the last number there is")]
    TooManyCells {
        /// The highest id.
        last: CellId,
    },
    /// Cells that do not make up a lineage.
    #[error("InconsistentLineage: cell {cell}: {reason}")]
    InconsistentLineage {
        /// The cell.
        cell: CellId,
        /// What does not fit.
        reason: String,
    },
}
