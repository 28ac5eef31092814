//! Which format a file of blobs has.

use std::path::Path;

use crate::blobs::csv::Records;
use crate::tables::TableError;

/// A format of blobs or matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BlobFormat {
    Parquet,
    Csv,
    MagmapNpz,
    MagmapDb,
    MagmapCsv,
    MagmapBlobsCsv,
    CellfinderXml,
    CellfinderCsv,
    ClearmapNpy,
    NapariCsv,
    RsfishCsv,
    TrackmateCsv,
    Neuroglancer,
}

impl BlobFormat {
    /// Every format.
    pub const ALL: [BlobFormat; 13] = [
        BlobFormat::Parquet,
        BlobFormat::Csv,
        BlobFormat::MagmapNpz,
        BlobFormat::MagmapDb,
        BlobFormat::MagmapCsv,
        BlobFormat::MagmapBlobsCsv,
        BlobFormat::CellfinderXml,
        BlobFormat::CellfinderCsv,
        BlobFormat::ClearmapNpy,
        BlobFormat::NapariCsv,
        BlobFormat::RsfishCsv,
        BlobFormat::TrackmateCsv,
        BlobFormat::Neuroglancer,
    ];

    /// Its name, as people type it.
    pub fn name(self) -> &'static str {
        match self {
            BlobFormat::Parquet => "parquet",
            BlobFormat::Csv => "csv",
            BlobFormat::MagmapNpz => "magmap-npz",
            BlobFormat::MagmapDb => "magmap-db",
            BlobFormat::MagmapCsv => "magmap-csv",
            BlobFormat::MagmapBlobsCsv => "magmap-blobs-csv",
            BlobFormat::CellfinderXml => "cellfinder-xml",
            BlobFormat::CellfinderCsv => "cellfinder-csv",
            BlobFormat::ClearmapNpy => "clearmap-npy",
            BlobFormat::NapariCsv => "napari-csv",
            BlobFormat::RsfishCsv => "rsfish-csv",
            BlobFormat::TrackmateCsv => "trackmate-csv",
            BlobFormat::Neuroglancer => "neuroglancer",
        }
    }

    /// The format of a name.
    pub fn parse(name: &str) -> Option<BlobFormat> {
        let name = if name == "csv.gz" { "csv" } else { name };
        BlobFormat::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Whether its rows are matches, whatever is asked for.
    pub fn is_of_matches(self) -> bool {
        self == BlobFormat::MagmapCsv
    }

    /// Whether it cannot be written without the size of a voxel.
    pub fn needs_voxel_size(self) -> bool {
        matches!(
            self,
            BlobFormat::MagmapNpz
                | BlobFormat::MagmapDb
                | BlobFormat::MagmapCsv
                | BlobFormat::MagmapBlobsCsv
                | BlobFormat::ClearmapNpy
                | BlobFormat::Neuroglancer
        )
    }

    /// Whether it can hold matches.
    pub fn holds_matches(self) -> bool {
        matches!(
            self,
            BlobFormat::Parquet
                | BlobFormat::Csv
                | BlobFormat::MagmapDb
                | BlobFormat::MagmapCsv
                | BlobFormat::Neuroglancer
        )
    }

    /// The format that a suffix stands for.
    pub fn of_suffix(path: &Path) -> Option<BlobFormat> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let ends = |suffix: &str| name.ends_with(suffix);
        if ends(".parquet") {
            Some(BlobFormat::Parquet)
        } else if ends(".csv") || ends(".csv.gz") {
            Some(BlobFormat::Csv)
        } else if ends(".npz") {
            Some(BlobFormat::MagmapNpz)
        } else if ends(".db") {
            Some(BlobFormat::MagmapDb)
        } else if ends(".xml") {
            Some(BlobFormat::CellfinderXml)
        } else if ends(".npy") {
            Some(BlobFormat::ClearmapNpy)
        } else {
            None
        }
    }

    /// The format of a file that is there: by its suffix, and in CSV by its columns.
    ///
    /// # Errors
    /// [`TableError::UnknownBlobs`] when neither says it; when a CSV cannot be read.
    pub fn of_file(path: &Path) -> Result<BlobFormat, TableError> {
        if path.join("info").is_file() {
            return Ok(BlobFormat::Neuroglancer);
        }
        let unknown = || TableError::UnknownBlobs { path: path.to_owned() };
        match BlobFormat::of_suffix(path).ok_or_else(unknown)? {
            BlobFormat::Csv => of_columns(&Records::open(path)?.head).ok_or_else(unknown),
            format => Ok(format),
        }
    }
}

fn of_columns(head: &[String]) -> Option<BlobFormat> {
    let has = |names: &[&str]| names.iter().all(|n| head.iter().any(|h| h == n));
    [
        (&["id", "channel", "z", "z_um", "source"][..], BlobFormat::Csv),
        (&["Blob1", "Blob2", "Distance"], BlobFormat::MagmapCsv),
        (&["z", "y", "x", "r"], BlobFormat::MagmapBlobsCsv),
        (&["x", "y", "z", "t", "c", "intensity"], BlobFormat::RsfishCsv),
        (&["x", "y", "z", "type"], BlobFormat::CellfinderCsv),
        (&["axis-0", "axis-1"], BlobFormat::NapariCsv),
        (&["POSITION_X", "POSITION_Y", "POSITION_Z"], BlobFormat::TrackmateCsv),
    ]
    .into_iter()
    .find_map(|(names, format)| has(names).then_some(format))
}
