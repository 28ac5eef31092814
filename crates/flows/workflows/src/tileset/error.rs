//! What can go wrong between a user's tiles and a result of the whole set.

use hooke_tileset::TilesetError;
use thiserror::Error;

use crate::image_output::OutputError;
use crate::options::BadValue;
use crate::stitch::StitchError;

/// Why a step on a tile set could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// An input whose tiles could not be found.
    #[error(transparent)]
    Input(#[from] StitchError),
    /// A table that cannot be used.
    #[error(transparent)]
    Table(#[from] hooke_io::tables::TableError),
    /// Tiles, labels or points that cannot be used as asked.
    #[error(transparent)]
    Method(TilesetError),
    /// The same, of a file of positions or points.
    #[error("{path}: {error}{}", if matches!(error, TilesetError::Row { .. }) { " (rows count from 0)" } else { "" })]
    InFile {
        /// The file.
        path: String,
        /// What is wrong in it.
        error: TilesetError,
    },
    /// An option whose text is no value.
    #[error(transparent)]
    Option(#[from] BadValue),
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

/// A parameter of a method is an option here.
impl From<TilesetError> for SetError {
    fn from(error: TilesetError) -> SetError {
        match error {
            TilesetError::Parameter { name, found, wanted } if !name.contains(' ') => {
                SetError::usage(
                    format!("--{name} `{found}` cannot be"),
                    format!("wanted: {wanted}"),
                )
            }
            error => SetError::Method(error),
        }
    }
}

impl From<OutputError> for SetError {
    fn from(error: OutputError) -> SetError {
        match error {
            OutputError::Io(error) => SetError::Io(error),
            OutputError::Option { what, hint } => SetError::Usage { what, hint },
        }
    }
}

impl SetError {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> SetError {
        SetError::Usage { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn unfit(what: impl Into<String>, hint: impl Into<String>) -> SetError {
        SetError::Unfit { what: what.into(), hint: hint.into() }
    }

    /// Whether the command line itself is wrong.
    pub fn is_usage(&self) -> bool {
        match self {
            SetError::Input(error) => error.is_usage(),
            SetError::Method(error) => matches!(
                error,
                TilesetError::Parameter { .. }
                    | TilesetError::Order { .. }
                    | TilesetError::EmptyRange { .. }
                    | TilesetError::Plane { .. }
            ),
            SetError::Option(_) | SetError::Usage { .. } => true,
            _ => false,
        }
    }

    /// What the reader of the message can do, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            SetError::Io(error) => error.hint(),
            SetError::Input(error) => error.hint(),
            SetError::Table(hooke_io::tables::TableError::File(error)) => error.hint(),
            SetError::Method(error) => hint_of(error),
            SetError::Option(bad) => Some(bad.hint()),
            SetError::Usage { hint, .. } | SetError::Unfit { hint, .. } => {
                (!hint.is_empty()).then(|| hint.clone())
            }
            _ => None,
        }
    }
}

/// A way on from what a method says.
pub(crate) fn hint_of(error: &TilesetError) -> Option<String> {
    if let TilesetError::Tile(error) = error {
        let tile = error.tile;
        return Some(format!("to go on without tile {tile}, choose the others with --tiles"));
    }
    let hint = match error {
        TilesetError::WrongUnit { .. } => {
            "positions are um or voxels as their columns say; the size of a voxel is --voxel-size"
        }
        TilesetError::LabelType { .. } => {
            "convert each tile first: hooke convert TILE -o labels.ome.tif --dtype uint32"
        }
        TilesetError::UnknownLabel { .. } => "start anew with --overwrite",
        TilesetError::IdTooLarge { .. } => "give --dtype u64, or leave --dtype out",
        TilesetError::NoValues { .. } => "leave --ignore-zeros out, or choose tiles with --tiles",
        _ => return None,
    };
    Some(hint.to_owned())
}
