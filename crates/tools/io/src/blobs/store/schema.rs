//! The tables of a store, and what else a file must be to be one.

use std::path::Path;

use crate::blobs::sqlite::{columns, open_to_read, user_version};
use crate::{Error, Result};

/// `user_version` of the stores that are written and read.
pub(super) const VERSION: i64 = 1;

/// The tables. `uid` is the id in the table a blob came from; `kz, ky, kx` are
/// `round(1000 * coordinate)`, so that equal places are equal numbers; the whole image is the region
/// of zeros.
pub(super) const SCHEMA: &str = "
CREATE TABLE experiments (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    date TEXT,
    voxel_z_um REAL, voxel_y_um REAL, voxel_x_um REAL,
    shape TEXT,
    parameters TEXT
);
CREATE TABLE rois (
    id INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL
        REFERENCES experiments (id) ON UPDATE RESTRICT ON DELETE RESTRICT,
    series INTEGER NOT NULL,
    z0 INTEGER NOT NULL, y0 INTEGER NOT NULL, x0 INTEGER NOT NULL,
    nz INTEGER NOT NULL, ny INTEGER NOT NULL, nx INTEGER NOT NULL,
    UNIQUE (experiment_id, series, z0, y0, x0, nz, ny, nx)
);
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    roi_id INTEGER NOT NULL REFERENCES rois (id) ON UPDATE RESTRICT ON DELETE RESTRICT,
    uid INTEGER,
    t INTEGER NOT NULL, channel INTEGER NOT NULL,
    z REAL NOT NULL, y REAL NOT NULL, x REAL NOT NULL,
    z_um REAL NOT NULL, y_um REAL NOT NULL, x_um REAL NOT NULL,
    radius_um REAL, response REAL, score REAL, probability REAL,
    confirmed INTEGER NOT NULL, truth INTEGER NOT NULL,
    region INTEGER NOT NULL, source TEXT NOT NULL,
    kz INTEGER NOT NULL, ky INTEGER NOT NULL, kx INTEGER NOT NULL,
    is_truth INTEGER NOT NULL,
    UNIQUE (roi_id, t, channel, kz, ky, kx, is_truth)
);
CREATE INDEX blobs_by_place ON blobs (roi_id, channel, z);
CREATE TABLE blob_matches (
    id INTEGER PRIMARY KEY,
    roi_id INTEGER NOT NULL REFERENCES rois (id) ON UPDATE RESTRICT ON DELETE RESTRICT,
    blob1 INTEGER NOT NULL REFERENCES blobs (id) ON UPDATE RESTRICT ON DELETE RESTRICT,
    blob2 INTEGER NOT NULL REFERENCES blobs (id) ON UPDATE RESTRICT ON DELETE RESTRICT,
    distance_um REAL, distance_scaled REAL,
    rule TEXT,
    UNIQUE (roi_id, blob1, blob2)
);
CREATE INDEX blob_matches_by_blob2 ON blob_matches (blob2);
";

/// Some columns of each table that no other program's table of that name has.
const MARKS: [(&str, &[&str]); 4] = [
    ("experiments", &["id", "name", "voxel_z_um", "shape", "parameters"]),
    ("rois", &["id", "experiment_id", "series", "z0", "nx"]),
    ("blobs", &["id", "roi_id", "uid", "z_um", "kz", "ky", "kx", "is_truth"]),
    ("blob_matches", &["id", "roi_id", "blob1", "blob2", "distance_um", "rule"]),
];

/// Refuses what is no store, without changing it.
pub(super) fn check(path: &Path) -> Result<()> {
    let db = open_to_read(path)?;
    let version = user_version(path, &db)?;
    let foreign = |found: String| Err(Error::Unrecognised { path: path.to_owned(), found });
    for (table, wanted) in MARKS {
        let found = columns(path, &db, table)?;
        if !wanted.iter().all(|w| found.iter().any(|f| f == w)) {
            return foreign(match found.iter().any(|c| c == "offset_x" || c == "date") {
                true => "a database of MagellanMapper, not a store of Hooke".to_owned(),
                false => "a database, but not a store of Hooke".to_owned(),
            });
        }
    }
    match version {
        VERSION => Ok(()),
        newer if newer > VERSION => Err(Error::unsupported(
            path,
            format!("a store of version {newer}"),
            "it was made by a newer Hooke; update this one",
        )),
        other => foreign(format!("a database of version {other}, not a store of Hooke")),
    }
}

/// Whether a file is a store.
pub fn is_store(path: &Path) -> bool {
    path.is_file() && check(path).is_ok()
}
