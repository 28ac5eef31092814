//! What can go wrong between a user's tiles and a volume.

use std::path::PathBuf;

use hooke_stitch::TileError;
use hooke_stitch::layout::LayoutError;
use thiserror::Error;

use crate::hints::of_tile;
use crate::image_output::OutputError;
use crate::options::BadValue;

/// Why a stitching step could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StitchError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// The layout contradicts itself.
    #[error("{}: {source}", path.display())]
    LayoutFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: LayoutError,
    },
    /// An edit that the layout does not allow.
    #[error(transparent)]
    Layout(LayoutError),
    /// An option whose text is no value.
    #[error(transparent)]
    Option(#[from] BadValue),
    /// A mistake in a file expression.
    #[error(transparent)]
    Expression(#[from] hooke_io::expression::ExpressionError),
    /// A table of tiles that cannot be used.
    #[error(transparent)]
    Table(#[from] hooke_io::tables::TableError),
    /// A tile could not be read.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The engine could not plan or run.
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    /// An expression that no file matches.
    #[error("{error}")]
    NothingMatches {
        /// The pattern, the folder and the nearest names.
        error: hooke_io::Error,
        /// Whether somebody took it for a shell's pattern.
        star: bool,
    },
    /// Parameters that a method refuses.
    #[error("{0}")]
    Parameters(String),
    /// An option that is no value, or does not fit another.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// A way on.
        hint: String,
    },
    /// A layout without positions.
    #[error(
        "{}: {} not placed yet", path.display(),
        if unplaced == tiles { "the tiles are".to_owned() } else { format!("{unplaced} of {tiles} tiles are") }
    )]
    NotPlaced {
        /// The layout.
        path: PathBuf,
        /// Tiles without a position.
        unplaced: usize,
        /// All tiles.
        tiles: usize,
    },
    /// Tiles that do not belong together.
    #[error(
        "{}: {what} is {other_has}, but {} has {first_has}",
        other.display(), first.display()
    )]
    TilesDiffer {
        /// Sample type, voxel size or number of channels.
        what: String,
        /// The first tile.
        first: PathBuf,
        /// What it has.
        first_has: String,
        /// The first tile that differs.
        other: PathBuf,
        /// What that has.
        other_has: String,
    },
    /// No tile at all could be read.
    #[error("none of the tiles can be read; the first says: {why}")]
    NoReadableTile {
        /// The first reader's words.
        why: String,
    },
    /// With `--strict`: a tile that cannot be read.
    #[error("tile {tile} cannot be read: {why}")]
    UnreadableTile {
        /// The tile's name.
        tile: String,
        /// The reader's words.
        why: String,
    },
    /// A layout without tiles.
    #[error("there are no tiles")]
    NoTiles,
    /// A channel that the tiles do not have.
    #[error("no channel `{wanted}`; the channels are {}", known.join(", "))]
    NoChannel {
        /// What was asked for.
        wanted: String,
        /// The names.
        known: Vec<String>,
    },
    /// A voxel size that is not positive.
    #[error("voxel size `{text}` is not positive")]
    VoxelSize {
        /// As typed.
        text: String,
    },
    /// A grid without positions and without an overlap.
    #[error("the input has grid indices but no positions")]
    NoOverlapGiven,
    /// Tiles without a grid and without positions.
    #[error("{}: the file does not say where the tile lies", path.display())]
    NoPosition {
        /// The tile's file.
        path: PathBuf,
        /// What to give instead.
        instead: String,
    },
    /// Two files at the same place of the grid.
    #[error(
        "{} and {} both have the grid index z {}, y {}, x {}",
        first.display(), second.display(), at[0], at[1], at[2]
    )]
    DuplicateGrid {
        /// The first file.
        first: PathBuf,
        /// The second file.
        second: PathBuf,
        /// Index over `z, y, x`.
        at: [i64; 3],
    },
    /// A tag of the expression that must be fixed and was not, or a `--select` of no tag.
    #[error("{0}")]
    Tag(String),
    /// With `--strict`: files that changed since the layout was made.
    #[error("{0}")]
    Changed(String),
    /// The run was stopped by a signal.
    #[error("cancelled")]
    Cancelled,
}

impl From<OutputError> for StitchError {
    fn from(error: OutputError) -> StitchError {
        match error {
            OutputError::Io(error) => StitchError::Io(error),
            OutputError::Option { what, hint } => StitchError::Usage { what, hint },
        }
    }
}

impl StitchError {
    pub(super) fn usage(what: impl Into<String>, hint: impl Into<String>) -> StitchError {
        StitchError::Usage { what: what.into(), hint: hint.into() }
    }

    /// Whether the command line itself is wrong.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            StitchError::Option(_)
                | StitchError::Expression(_)
                | StitchError::Parameters(_)
                | StitchError::Usage { .. }
                | StitchError::NoChannel { .. }
                | StitchError::VoxelSize { .. }
                | StitchError::NoOverlapGiven
                | StitchError::Tag(_)
        )
    }

    /// What the reader of the message can do, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            StitchError::Io(error) => error.hint(),
            StitchError::NoOverlapGiven => Some(
                "give the nominal overlap, for example --overlap 12% or --overlap y=40,x=40".into(),
            ),
            StitchError::NoPosition { instead, .. } => Some(instead.clone()),
            StitchError::DuplicateGrid { .. } => {
                Some("fix the tag that differs with --select NAME=VALUE".into())
            }
            StitchError::Table(hooke_io::tables::TableError::File(error)) => error.hint(),
            StitchError::Table(_) => Some(
                "a table has a row per tile with path, and z_px,y_px,x_px or z_um,y_um,x_um".into(),
            ),
            StitchError::LayoutFile { .. } => Some(
                "wanted is a layout.json as `hooke stitch align` and `hooke stitch place` write it"
                    .into(),
            ),
            StitchError::NoReadableTile { .. } => {
                Some("paths in a table or layout start at its folder; check them".into())
            }
            StitchError::Layout(_) => Some("`hooke stitch layout show` lists what there is".into()),
            StitchError::Option(bad) => Some(bad.hint()),
            StitchError::Usage { hint, .. } if !hint.is_empty() => Some(hint.clone()),
            StitchError::NothingMatches { star: true, .. } => Some(
                "`*` stands for itself; write a tag for what differs, like <S,S>, and --select \
                 'S=*'"
                    .into(),
            ),
            StitchError::NothingMatches { .. } => {
                Some("`hooke stitch detect` proposes an expression for a list of names".into())
            }
            StitchError::NotPlaced { path, .. } => Some(format!(
                "run `hooke stitch place {} -o placed.json` first, or give --nominal to fuse stage \
                 positions",
                path.display()
            )),
            StitchError::Tile(error) => Some(of_tile(error)),
            StitchError::UnreadableTile { .. } => {
                Some("without --strict the tile is left out and the run goes on".into())
            }
            _ => None,
        }
    }
}
