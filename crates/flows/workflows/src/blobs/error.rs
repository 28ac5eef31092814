//! What can go wrong between files of blobs and a result.

use hooke_io::blobs::store::StoreError;
use hooke_io::tables::TableError;
use thiserror::Error;

use crate::options::BadValue;

/// Why a step on blobs could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobsError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// A table that cannot be used.
    #[error(transparent)]
    Table(TableError),
    /// A store that cannot be used.
    #[error(transparent)]
    Store(StoreError),
    /// An option whose text is no value.
    #[error(transparent)]
    Option(#[from] BadValue),
    /// An image or parameters that blobs cannot be found with.
    #[error(transparent)]
    Detect(#[from] hooke_blobs::detect::DetectError),
    /// Blobs or parameters that a method cannot use.
    #[error(transparent)]
    Method(#[from] hooke_blobs::BlobsError),
    /// The engine could not plan or run.
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
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

impl From<TableError> for BlobsError {
    fn from(error: TableError) -> BlobsError {
        match error {
            TableError::File(error) => BlobsError::Io(error),
            error => BlobsError::Table(error),
        }
    }
}

impl From<StoreError> for BlobsError {
    fn from(error: StoreError) -> BlobsError {
        match error {
            StoreError::File(error) => BlobsError::Io(error),
            error => BlobsError::Store(error),
        }
    }
}

impl BlobsError {
    pub(super) fn usage(what: impl Into<String>, hint: impl Into<String>) -> BlobsError {
        BlobsError::Usage { what: what.into(), hint: hint.into() }
    }

    pub(super) fn unfit(what: impl Into<String>, hint: impl Into<String>) -> BlobsError {
        BlobsError::Unfit { what: what.into(), hint: hint.into() }
    }

    /// Whether the command line itself is wrong.
    pub fn is_usage(&self) -> bool {
        match self {
            BlobsError::Option(_) | BlobsError::Detect(_) | BlobsError::Usage { .. } => true,
            BlobsError::Table(error) => matches!(error, TableError::NoVoxelSize { .. }),
            BlobsError::Method(error) => {
                matches!(error, hooke_blobs::BlobsError::Parameter { .. })
            }
            BlobsError::Store(StoreError::NoExperiment { .. }) => true,
            _ => false,
        }
    }

    /// What the reader of the message can do, if there is anything.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            BlobsError::Io(error) => return error.hint(),
            BlobsError::Option(bad) => return Some(bad.hint()),
            BlobsError::Usage { hint, .. } | BlobsError::Unfit { hint, .. } => {
                return (!hint.is_empty()).then(|| hint.clone());
            }
            BlobsError::Table(TableError::NoVoxelSize { .. }) => {
                "give it in micrometres: --voxel-size Z,Y,X"
            }
            BlobsError::Table(TableError::UnknownBlobs { .. }) => "name the format: --format NAME",
            BlobsError::Method(hooke_blobs::BlobsError::TooManyPairs { .. }) => {
                "narrow the gate with --tol, or raise --memory"
            }
            BlobsError::Store(StoreError::NoExperiment { .. }) => "choose one: --experiment NAME",
            BlobsError::Store(StoreError::OtherVoxels { .. }) => {
                "give the blobs an experiment of their own: --experiment NAME"
            }
            BlobsError::Store(StoreError::SharedId { .. }) => {
                "import the matches together with the tables they belong to"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
