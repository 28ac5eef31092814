//! Tables on disk: CSV, Parquet and lists of JSON objects; and the table of tiles.
//!
//! | module | holds |
//! |---|---|
//! | `cells` | any of the three as rows of named cells |
//! | `positions` | the table of positions, by tile |
//! | `read` | CSV or Parquet to a record batch |
//! | `tiles` | the table of tiles: paths, grid places, positions |
//! | `write` | record batches to CSV or Parquet, whole or not at all |

mod cells;
mod positions;
mod read;
mod tiles;
mod write;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use positions::read_positions;
pub use read::read_table;
pub use tiles::{TilePosition, TileRow, read_tiles, write_tiles};
pub use write::{read_parquet, write_table};

/// A table that is not what it should be; rows count from 1, without the header.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] crate::Error),
    /// The suffix names no table format.
    #[error("{}: a table ends in .csv, .parquet or .json", path.display())]
    UnknownSuffix {
        /// The file.
        path: PathBuf,
    },
    /// The file is not of the format its suffix names.
    #[error("{}: not a readable table: {what}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        what: String,
    },
    /// A column that must be there is not.
    #[error("{}: column `{column}` is missing; the columns are {}", path.display(), found.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// A cell does not hold what its column holds.
    #[error("{}: row {row}, column `{column}`: found {found}, wanted {wanted}", path.display())]
    BadCell {
        /// The file.
        path: PathBuf,
        /// The row.
        row: usize,
        /// The column.
        column: String,
        /// What is there.
        found: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// A column of another type.
    #[error(
        "{}: column `{column}` is of type {found}, wanted {expected}", path.display()
    )]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type it should have.
        expected: String,
        /// The type it has.
        found: String,
    },
    /// Values of a row that contradict each other.
    #[error("{}: row {row}: wanted {wanted}", path.display())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The row.
        row: usize,
        /// What should be there.
        wanted: &'static str,
    },
    /// A file whose blobs cannot be read without the size of a voxel.
    #[error("{}: the voxel size is not known", path.display())]
    NoVoxelSize {
        /// The file.
        path: PathBuf,
    },
    /// Neither suffix nor content say which format of blobs a file has.
    #[error("{}: not a format of blobs that Hooke reads", path.display())]
    UnknownBlobs {
        /// The file.
        path: PathBuf,
    },
    /// Positions in pixels and in µm.
    #[error(
        "{}: positions in pixels (row {row_px}) and in µm (row {row_um}); give one unit for all",
        path.display()
    )]
    MixedUnits {
        /// The file.
        path: PathBuf,
        /// The first row with pixels.
        row_px: usize,
        /// The first row with µm.
        row_um: usize,
    },
    /// No row at all.
    #[error("{}: the table has no row", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableFormat {
    Csv,
    Parquet,
    Json,
}

fn format_of(path: &Path) -> Result<TableFormat, TableError> {
    let suffix = path.extension().and_then(|s| s.to_str()).unwrap_or_default();
    match suffix.to_ascii_lowercase().as_str() {
        "csv" => Ok(TableFormat::Csv),
        "parquet" => Ok(TableFormat::Parquet),
        "json" => Ok(TableFormat::Json),
        _ => Err(TableError::UnknownSuffix { path: path.to_owned() }),
    }
}
