//! Blobs in the files of other programs.
//!
//! | module | format |
//! |---|---|
//! | `magmap_npz`, `magmap_db`, `magmap_db_write`, `magmap_csv`, [`magmap_meta`] | MagellanMapper |
//! | `cellfinder` | cellfinder's XML |
//! | `clearmap` | ClearMap's structured arrays |
//! | `points` | cellfinder, napari, RS-FISH, TrackMate and MagellanMapper's blobs as CSV |
//! | `neuroglancer` | precomputed annotations |

mod cellfinder;
mod clearmap;
mod format;
mod magmap_csv;
mod magmap_db;
mod magmap_db_write;
pub mod magmap_meta;
mod magmap_npz;
mod neuroglancer;
mod points;

use std::path::Path;

use hooke_core::{Blob, BlobPair};

use super::{
    BlobFile, BlobImage, BlobSet, ColocFlags, TableMeta, read_csv_rows, read_rows, write_csv_rows,
    write_rows,
};
use crate::Error;
use crate::tables::TableError;
pub use format::BlobFormat;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The blobs.
    pub blobs: &'a [Blob],
    /// Matches; both ends are among the blobs.
    pub pairs: &'a [BlobPair],
    /// Whether a format that holds either holds the matches.
    pub matches: bool,
    /// What is known of the image.
    pub meta: &'a TableMeta,
    /// Flags of colocalization, a row per blob.
    pub colocs: Option<&'a ColocFlags>,
    /// The experiment, for formats that name it.
    pub experiment: &'a str,
    /// The time in `YYYY-MM-DD HH:MM:SS`, for formats that keep it.
    pub date: &'a str,
}

impl Export<'_> {
    /// The image, which formats in voxels of equal edges cannot do without.
    fn image(&self, path: &Path) -> Result<&BlobImage, TableError> {
        let missing = || TableError::NoVoxelSize { path: path.to_owned() };
        self.meta.image.as_ref().ok_or_else(missing)
    }
}

/// A match whose blob is not among the blobs.
fn lost(path: &Path, pair: &BlobPair) -> Error {
    let [a, b] = pair.blob_ids;
    let what = format!("match {} of blobs {a} and {b}, not both of which are there", pair.match_id);
    Error::metadata(path, what)
}

/// Reads a file of blobs.
///
/// `voxel_size_um` over `z, y, x` stands for what the file says, and is needed where it says nothing.
///
/// # Errors
/// [`TableError::NoVoxelSize`] where it is needed; else as the file is damaged, foreign or incomplete.
pub fn read(
    path: &Path,
    format: BlobFormat,
    voxel_size_um: Option<[f64; 3]>,
) -> Result<BlobFile, TableError> {
    let given = voxel_size_um.map(BlobImage::of_voxels);
    let needed = || given.clone().ok_or_else(|| TableError::NoVoxelSize { path: path.to_owned() });
    match format {
        BlobFormat::Parquet => {
            let (blobs, TableMeta { image, parameters }) = read_rows::<Blob>(path)?;
            let image = image.or(given);
            Ok(BlobSet { blobs, image, parameters, ..BlobSet::default() }.into())
        }
        BlobFormat::Csv => {
            let blobs = read_csv_rows::<Blob>(path)?;
            Ok(BlobSet { blobs, image: given, ..BlobSet::default() }.into())
        }
        BlobFormat::MagmapNpz => magmap_npz::read(path, voxel_size_um),
        BlobFormat::MagmapDb => magmap_db::read(path, &needed()?),
        BlobFormat::MagmapCsv => magmap_csv::read(path, &needed()?),
        BlobFormat::CellfinderXml => cellfinder::read(path, &needed()?),
        BlobFormat::ClearmapNpy => clearmap::read(path, &needed()?),
        BlobFormat::Neuroglancer => neuroglancer::read(path),
        BlobFormat::CellfinderCsv
        | BlobFormat::NapariCsv
        | BlobFormat::RsfishCsv
        | BlobFormat::TrackmateCsv
        | BlobFormat::MagmapBlobsCsv => points::read(path, format, &needed()?),
    }
}

/// Writes a file of blobs or matches; `(code, message)` tell what the format could not hold as it was.
///
/// # Errors
/// [`TableError::NoVoxelSize`] where the format needs one; [`TableError::File`] when the file cannot
/// be written, or the format cannot hold the rows.
pub fn write(
    path: &Path,
    format: BlobFormat,
    export: &Export<'_>,
) -> Result<Vec<(String, String)>, TableError> {
    let done = |()| Vec::new();
    match format {
        BlobFormat::Parquet if export.matches => {
            write_rows(path, export.pairs, export.meta).map(done)
        }
        BlobFormat::Parquet => write_rows(path, export.blobs, export.meta).map(done),
        BlobFormat::Csv if export.matches => write_csv_rows(path, export.pairs).map(done),
        BlobFormat::Csv => write_csv_rows(path, export.blobs).map(done),
        BlobFormat::MagmapNpz => magmap_npz::write(path, export).map(done),
        BlobFormat::MagmapDb => magmap_db_write::write(path, export),
        BlobFormat::MagmapCsv => magmap_csv::write(path, export).map(done),
        BlobFormat::CellfinderXml => cellfinder::write(path, export.blobs).map(done),
        BlobFormat::ClearmapNpy => clearmap::write(path, export).map(done),
        BlobFormat::Neuroglancer => neuroglancer::write(path, export).map(done),
        BlobFormat::CellfinderCsv
        | BlobFormat::NapariCsv
        | BlobFormat::RsfishCsv
        | BlobFormat::TrackmateCsv
        | BlobFormat::MagmapBlobsCsv => points::write(path, format, export).map(done),
    }
}
