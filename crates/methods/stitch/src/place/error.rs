//! What can be wrong with a placement.

use thiserror::Error;

use crate::layout::LayoutError;

/// A placement that cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The layout itself, or an id it does not have.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A stage deviation that is negative or NaN.
    #[error("stage sigma {found:?} px must be at least 0 on every axis; 0 is estimated")]
    StageSigma {
        /// Over `z, y, x`.
        found: [f64; 3],
    },
    /// An axis that is not of space.
    #[error("positions have the axes z, y and x, not {axis}")]
    NotASpaceAxis {
        /// The axis asked for.
        axis: char,
    },
    /// A range of quality that is empty or NaN.
    #[error("the range of quality {min}:{max} is empty")]
    MinQuality {
        /// Its lower end.
        min: f64,
        /// Its upper end.
        max: f64,
    },
    /// Normal equations that could not be solved.
    #[error("the normal equations cannot be solved: {reason}")]
    Solve {
        /// What the solver said.
        reason: String,
    },
}
