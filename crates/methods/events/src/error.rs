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
    /// A movie with samples that are NaN or infinite.
    #[error(
        "{count} samples are not finite, the first in frame {frame}, row {row}, column {column}; \
         they can be treated as missing"
    )]
    NotFinite {
        /// Their number.
        count: u64,
        /// Frame of the first.
        frame: usize,
        /// Row of the first.
        row: usize,
        /// Column of the first.
        column: usize,
    },
    /// A movie whose baseline was not taken out.
    #[error(
        "the movie looks raw: its median level {level} is far above its noise of {noise_sd}; take \
         the baseline out first"
    )]
    Raw {
        /// Median of the movie.
        level: f32,
        /// Median standard deviation of the noise after smoothing.
        noise_sd: f32,
    },
    /// More components than labels of 32 bits can number.
    #[error("more than 4294967294 components; drop small ones or raise the threshold")]
    TooManyLabels,
    /// A table has no column of that name.
    #[error("no column {name:?}; there are {}", columns.join(", "))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The names there are.
        columns: Vec<String>,
    },
    /// A column holds something else than what was asked of it.
    #[error("column {name:?} holds {found}, not {expected}")]
    ColumnKind {
        /// The column.
        name: String,
        /// What would do.
        expected: &'static str,
        /// What it holds.
        found: &'static str,
    },
}
