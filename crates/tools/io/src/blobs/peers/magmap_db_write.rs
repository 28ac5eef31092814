//! MagellanMapper's database, version 4: written.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use hooke_core::{Blob, BlobPair};
use rusqlite::{Connection, params};

use super::magmap_npz::segment;
use super::{Export, lost};
use crate::atomic::AtomicFile;
use crate::blobs::sqlite::failed;
use crate::tables::TableError;
use crate::{Error, Result};

/// The tables that MagellanMapper 1.6.0 expects.
const SCHEMA: &str = "
CREATE TABLE about (version INTEGER PRIMARY KEY, date DATE);
CREATE TABLE experiments (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, date DATE);
CREATE TABLE rois (id INTEGER PRIMARY KEY AUTOINCREMENT, experiment_id INTEGER, series INTEGER,
    offset_x INTEGER, offset_y INTEGER, offset_z INTEGER,
    size_x INTEGER, size_y INTEGER, size_z INTEGER,
    UNIQUE (experiment_id, series, offset_x, offset_y, offset_z));
CREATE TABLE blobs (id INTEGER PRIMARY KEY AUTOINCREMENT, roi_id INTEGER,
    x INTEGER, y INTEGER, z INTEGER, radius REAL, confirmed INTEGER, truth INTEGER, channel INTEGER,
    UNIQUE (roi_id, x, y, z, truth, channel));
CREATE TABLE blob_matches (id INTEGER PRIMARY KEY AUTOINCREMENT, roi_id INTEGER,
    blob1 INTEGER, blob2 INTEGER, dist REAL,
    FOREIGN KEY (roi_id) REFERENCES rois (id) ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (blob1) REFERENCES blobs (id) ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (blob2) REFERENCES blobs (id) ON UPDATE CASCADE ON DELETE CASCADE);
";

/// Writes a database of one experiment, whose only region is the whole image.
pub(super) fn write(path: &Path, export: &Export<'_>) -> Result<Vec<(String, String)>, TableError> {
    let image = export.image(path)?;
    let (places, moved) = places(path, export.blobs)?;
    let numbered = export.blobs.iter().enumerate().map(|(index, b)| (b.id, index as i64 + 1));
    let ids: HashMap<u64, i64> = numbered.collect();
    let ends = |pair: &BlobPair| match pair.blob_ids.map(|id| ids.get(&id).copied()) {
        [Some(first), Some(second)] => Ok([first, second]),
        _ => Err(lost(path, pair)),
    };
    let matches = export.pairs.iter().map(ends).collect::<Result<Vec<_>>>()?;
    let file = AtomicFile::create(path)?;
    let fill = |db: &mut Connection| -> rusqlite::Result<()> {
        db.execute_batch(SCHEMA)?;
        let change = db.transaction()?;
        change.execute("INSERT INTO about VALUES (4, ?1)", [export.date])?;
        let names = params![export.experiment, export.date];
        change.execute("INSERT INTO experiments VALUES (1, ?1, ?2)", names)?;
        change.execute("INSERT INTO rois VALUES (1, 1, 0, 0, 0, 0, 0, 0, 0)", [])?;
        {
            let mut insert =
                change.prepare("INSERT INTO blobs VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            for (index, (blob, [z, y, x])) in export.blobs.iter().zip(&places).enumerate() {
                let (id, radius) = (index as i64 + 1, segment(blob, image)[3]);
                let (confirmed, truth) = (blob.confirmed.code(), blob.truth.code());
                insert.execute(params![id, x, y, z, radius, confirmed, truth, blob.channel])?;
            }
            let mut insert = change.prepare(
                "INSERT INTO blob_matches (roi_id, blob1, blob2, dist) VALUES (1, ?1, ?2, ?3)",
            )?;
            for (pair, [first, second]) in export.pairs.iter().zip(&matches) {
                insert.execute(params![first, second, pair.distance_scaled])?;
            }
        }
        change.commit()
    };
    // Nobody else sees the file before it has its name: no journal is needed.
    let mut db = Connection::open(file.temporary()).map_err(|e| failed(path, "create", e))?;
    db.pragma_update(None, "journal_mode", "OFF").map_err(|e| failed(path, "create", e))?;
    fill(&mut db).map_err(|e| failed(path, "write", e))?;
    db.close().map_err(|(_, e)| failed(path, "write", e))?;
    file.commit_unstamped()?;
    let mut warnings = Vec::new();
    if moved > 0 {
        let what = format!(
            "{moved} blobs round to a voxel that another of their channel has; they stand in the nearest \
             free one"
        );
        warnings.push(("blobs-moved".to_owned(), what));
    }
    Ok(warnings)
}

/// Where each blob stands in whole voxels, and how many had to give way.
///
/// Coordinates are rounded half to even. Blobs of a channel that round to one voxel: the first stays,
/// the others take the nearest free voxel within 1.
fn places(path: &Path, blobs: &[Blob]) -> Result<(Vec<[i64; 3]>, u64)> {
    let rounded = |b: &Blob| b.position.map(|v| v.round_ties_even() as i64);
    let key = |b: &Blob, place: [i64; 3]| (place, b.truth, b.channel);
    let mut taken = HashSet::new();
    let mut places: Vec<[i64; 3]> = blobs.iter().map(rounded).collect();
    let mut losers = Vec::new();
    for (index, blob) in blobs.iter().enumerate() {
        if !taken.insert(key(blob, places[index])) {
            losers.push(index);
        }
    }
    for &index in &losers {
        let blob = &blobs[index];
        let mut near: Vec<[i64; 3]> = (0..27i64)
            .map(|n| [n / 9 - 1, n / 3 % 3 - 1, n % 3 - 1])
            .map(|step| std::array::from_fn(|d| places[index][d] + step[d]))
            .collect();
        let far = |p: &[i64; 3]| -> f64 {
            (0..3).map(|d| (p[d] as f64 - blob.position[d]).powi(2)).sum()
        };
        near.sort_by(|a, b| far(a).total_cmp(&far(b)).then(a.cmp(b)));
        let free = near.into_iter().find(|p| taken.insert(key(blob, *p)));
        places[index] = free.ok_or_else(|| {
            let what = format!("more than 27 blobs of channel {} around one voxel", blob.channel);
            Error::unsupported(path, what, "MagellanMapper's databases have whole voxels")
        })?;
    }
    Ok((places, losers.len() as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(x: f64) -> Blob {
        Blob::at(0, [1.0, 2.0, x], [0.0; 3], 1.0, &"hooke".into())
    }

    #[test]
    fn the_first_blob_stays_and_others_take_the_nearest_free_voxel() {
        // 2.5 and 3.5 round to even; 2.4 finds 2 taken, and 3 is nearest. Then 2.0 has five
        // neighbours as far as each other, of which the first along z is taken.
        let blobs = [at(2.5), at(3.5), at(2.4), at(2.0)];
        let (found, moved) = places(Path::new("a.db"), &blobs).unwrap();
        let wanted = vec![[1, 2, 2], [1, 2, 4], [1, 2, 3], [0, 2, 2]];
        assert_eq!((found, moved), (wanted, 2));
        let crowd: Vec<Blob> = (0..28).map(|_| at(5.0)).collect();
        assert!(places(Path::new("a.db"), &crowd[..27]).is_ok());
        assert!(places(Path::new("a.db"), &crowd).is_err());
    }
}
