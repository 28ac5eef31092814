//! What can go wrong between a movie and its events.

use std::path::PathBuf;

use hooke_io::tables::TableError;
use thiserror::Error;

use crate::image_output::OutputError;
use crate::options::BadValue;

/// Why a step on a movie could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EventsError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// A table that cannot be used.
    #[error(transparent)]
    Table(TableError),
    /// An option whose text is no value.
    #[error(transparent)]
    Option(#[from] BadValue),
    /// A movie or parameters that a method cannot use.
    #[error(transparent)]
    Method(#[from] hooke_events::EventsError),
    /// Samples that are no numbers.
    #[error(
        "{}: {count} samples are no numbers; the first of them in frame {}, row {}, column {}",
        path.display(), place[0], place[1], place[2]
    )]
    NotFinite {
        /// The movie.
        path: PathBuf,
        /// Frame, row and column of the first one, counted from 0.
        place: [usize; 3],
        /// How many of them were found where the first one is.
        count: usize,
    },
    /// An option that is no value, or does not fit another.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// A way on.
        hint: String,
    },
    /// Files that do not hold what the step needs.
    #[error("{what}")]
    Unfit {
        /// What is missing or wrong.
        what: String,
        /// A way on.
        hint: String,
    },
}

impl From<TableError> for EventsError {
    fn from(error: TableError) -> EventsError {
        match error {
            TableError::File(error) => EventsError::Io(error),
            error => EventsError::Table(error),
        }
    }
}

impl From<OutputError> for EventsError {
    fn from(error: OutputError) -> EventsError {
        match error {
            OutputError::Io(error) => EventsError::Io(error),
            OutputError::Option { what, hint } => EventsError::Usage { what, hint },
        }
    }
}

impl EventsError {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> EventsError {
        EventsError::Usage { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn unfit(what: impl Into<String>, hint: impl Into<String>) -> EventsError {
        EventsError::Unfit { what: what.into(), hint: hint.into() }
    }

    /// Whether the command line itself is wrong.
    pub fn is_usage(&self) -> bool {
        match self {
            EventsError::Option(_) | EventsError::Usage { .. } => true,
            EventsError::Method(error) => {
                matches!(error, hooke_events::EventsError::Parameter { .. })
            }
            _ => false,
        }
    }

    /// What the reader of the message can do, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            EventsError::Io(error) => error.hint(),
            EventsError::Option(bad) => Some(bad.hint()),
            EventsError::NotFinite { .. } => {
                Some("leave out the frames that hold them with --frames A:B".to_owned())
            }
            EventsError::Usage { hint, .. } | EventsError::Unfit { hint, .. } => {
                (!hint.is_empty()).then(|| hint.clone())
            }
            _ => None,
        }
    }
}
