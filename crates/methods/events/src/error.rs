//! What can be wrong with what a caller passes in.

/// Why a method of this crate refuses its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
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
    /// Pixels that are NaN or infinite where numbers are needed.
    #[error("{count} pixels are NaN or infinite, the first at frame {frame}, y {y}, x {x}")]
    NotFinite {
        /// Frame of the first one.
        frame: usize,
        /// Its row.
        y: usize,
        /// Its column.
        x: usize,
        /// How many there are, in the frames that were looked at.
        count: usize,
    },
}
