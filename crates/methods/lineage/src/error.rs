//! What can be wrong with what a caller passes in.

use crate::tree::EditError;

/// Why a method of this crate refuses its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LineageError {
    /// A parameter is outside what the method can work with.
    #[error("{name}: {reason}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Arrays that belong together differ in shape.
    #[error("{what}: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// Which array.
        what: &'static str,
        /// The shape that would fit.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A change of a lineage that is refused.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// No channels of a mother machine are seen.
    #[error("no channel found")]
    NoChannels,
}
