//! Adding to a store: upserts, in one transaction.

use std::collections::HashMap;

use hooke_core::{Blob, BlobPair};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::{BlobStore, StoreError};
use crate::blobs::sqlite::failed;
use crate::blobs::{Roi, TableMeta};

/// What is added to one experiment.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// Name of the experiment; made when there is none.
    pub experiment: &'a str,
    /// When it was made; kept when the experiment is there.
    pub date: Option<&'a str>,
    /// Region that the blobs belong to.
    pub roi: Roi,
    /// The image and the parameters.
    pub meta: &'a TableMeta,
    /// The blobs.
    pub blobs: &'a [Blob],
    /// Matches, by the ids of these blobs or of ones added to the region before.
    pub pairs: &'a [BlobPair],
    /// The rule that gave the matches.
    pub rule: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blobs that were not there.
    pub new_blobs: u64,
    /// Blobs that were there and have new numbers.
    pub known_blobs: u64,
    /// Blobs at the place of another of the same import: the last one counts.
    pub same_place: u64,
    /// Matches that were not there.
    pub new_matches: u64,
    /// Matches that were there.
    pub known_matches: u64,
}

const BLOB: &str = "
INSERT INTO blobs (roi_id, uid, t, channel, z, y, x, z_um, y_um, x_um, radius_um, response, score,
    probability, confirmed, truth, region, source, kz, ky, kx, is_truth)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
ON CONFLICT (roi_id, t, channel, kz, ky, kx, is_truth) DO UPDATE SET
    uid = excluded.uid, z = excluded.z, y = excluded.y, x = excluded.x,
    z_um = excluded.z_um, y_um = excluded.y_um, x_um = excluded.x_um,
    radius_um = excluded.radius_um, response = excluded.response, score = excluded.score,
    probability = excluded.probability,
    confirmed = CASE excluded.confirmed WHEN -1 THEN confirmed ELSE excluded.confirmed END,
    truth = excluded.truth, region = excluded.region, source = excluded.source
RETURNING id";

const MATCH: &str = "
INSERT INTO blob_matches (roi_id, blob1, blob2, distance_um, distance_scaled, rule)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (roi_id, blob1, blob2) DO UPDATE SET
    distance_um = excluded.distance_um, distance_scaled = excluded.distance_scaled, rule = excluded.rule
RETURNING id";

const EXPERIMENT: &str = "
INSERT INTO experiments (name, date, voxel_z_um, voxel_y_um, voxel_x_um, shape, parameters)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (name) DO UPDATE SET
    voxel_z_um = coalesce(excluded.voxel_z_um, voxel_z_um),
    voxel_y_um = coalesce(excluded.voxel_y_um, voxel_y_um),
    voxel_x_um = coalesce(excluded.voxel_x_um, voxel_x_um),
    shape = coalesce(excluded.shape, shape),
    parameters = coalesce(excluded.parameters, parameters)
RETURNING id";

const ROI: &str = "
INSERT INTO rois (experiment_id, series, z0, y0, x0, nz, ny, nx)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT DO UPDATE SET series = excluded.series
RETURNING id";

impl BlobStore {
    /// Adds blobs and matches, all of them or, after an error or a kill, none.
    ///
    /// A blob that is there keeps its row, its matches and its review: its numbers are refreshed, and
    /// `confirmed` changes only to a value other than -1. Adding the same twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NoBlob`], [`StoreError::SharedId`] and [`StoreError::OtherBlobs`] for matches that
    /// do not belong to the blobs; [`StoreError::OtherVoxels`]; [`StoreError::File`].
    pub fn import(&mut self, imports: &[Import<'_>]) -> Result<Vec<Imported>, StoreError> {
        let path = self.path.clone();
        let failed = |e| failed(&path, "write", e);
        let change = self.db.transaction().map_err(failed)?;
        let adder = Adder { change: &change, path: &path };
        let done = imports.iter().map(|i| adder.add(i)).collect::<Result<Vec<_>, _>>()?;
        change.commit().map_err(failed)?;
        Ok(done)
    }
}

/// A blob in the store: its row and its channel.
type Place = (i64, u16);

struct Adder<'a> {
    change: &'a Transaction<'a>,
    path: &'a std::path::Path,
}

impl Adder<'_> {
    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        Ok(result.map_err(|e| failed(self.path, "write", e))?)
    }

    fn add(&self, import: &Import<'_>) -> Result<Imported, StoreError> {
        let experiment = self.experiment(import)?;
        let Roi { series, offset: [z0, y0, x0], shape: [nz, ny, nx] } = import.roi;
        let values = params![experiment, series, z0, y0, x0, nz, ny, nx];
        let roi: i64 = self.sql(self.change.query_row(ROI, values, |row| row.get(0)))?;
        let mut done = Imported::default();
        let places = self.blobs(import, roi, &mut done)?;
        self.matches(import, roi, &places, &mut done)?;
        Ok(done)
    }

    fn experiment(&self, import: &Import<'_>) -> Result<i64, StoreError> {
        let image = import.meta.image.as_ref();
        if let Some(image) = image {
            let sql = "SELECT voxel_z_um, voxel_y_um, voxel_x_um FROM experiments WHERE name = ?1";
            let sizes = |row: &Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
            let there: Option<[Option<f64>; 3]> =
                self.sql(self.change.query_row(sql, [import.experiment], sizes).optional())?;
            if let Some([Some(z), Some(y), Some(x)]) = there {
                let (stored, given) = ([z, y, x], image.voxel_size_um);
                if (0..3).any(|d| (stored[d] - given[d]).abs() > 1e-6 * stored[d].abs()) {
                    let (path, experiment) = (self.path.to_owned(), import.experiment.to_owned());
                    return Err(StoreError::OtherVoxels { path, experiment, stored, given });
                }
            }
        }
        let size = |d: usize| image.map(|i| i.voxel_size_um[d]);
        let shape = image.filter(|i| !i.shape.is_empty()).map(|i| json!(i.shape).to_string());
        // What a table says of itself, whole: axes and origin have no column of their own.
        let said = (import.meta != &TableMeta::default()).then(|| {
            json!({"hooke.image": image, "hooke.parameters": import.meta.parameters}).to_string()
        });
        let values =
            params![import.experiment, import.date, size(0), size(1), size(2), shape, said];
        self.sql(self.change.query_row(EXPERIMENT, values, |row| row.get(0)))
    }

    fn last_id(&self, table: &str) -> Result<i64, StoreError> {
        let sql = format!("SELECT coalesce(max(id), 0) FROM {table}");
        self.sql(self.change.query_row(&sql, [], |row| row.get(0)))
    }

    fn blobs(
        &self,
        import: &Import<'_>,
        roi: i64,
        done: &mut Imported,
    ) -> Result<HashMap<u64, Vec<Place>>, StoreError> {
        let before = self.last_id("blobs")?;
        let mut insert = self.sql(self.change.prepare_cached(BLOB))?;
        let mut ids = Vec::with_capacity(import.blobs.len());
        let mut places: HashMap<u64, Vec<Place>> = HashMap::new();
        for blob in import.blobs {
            let [z, y, x] = blob.position;
            let [z_um, y_um, x_um] = blob.position_um;
            let [kz, ky, kx] = blob.position.map(|v| (1000.0 * v).round() as i64);
            let values = params![
                roi,
                blob.id as i64,
                blob.t,
                blob.channel,
                z,
                y,
                x,
                z_um,
                y_um,
                x_um,
                f64::from(blob.radius_um),
                f64::from(blob.response),
                f64::from(blob.score),
                blob.probability.map(f64::from),
                blob.confirmed.code(),
                blob.truth.code(),
                blob.region,
                &*blob.source,
                kz,
                ky,
                kx,
                blob.truth.code() >= 0,
            ];
            let id: i64 = self.sql(insert.query_row(values, |row| row.get(0)))?;
            ids.push(id);
            if !import.pairs.is_empty() {
                places.entry(blob.id).or_default().push((id, blob.channel));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        done.same_place = (import.blobs.len() - ids.len()) as u64;
        done.new_blobs = ids.iter().filter(|id| **id > before).count() as u64;
        done.known_blobs = ids.len() as u64 - done.new_blobs;
        Ok(places)
    }

    fn matches(
        &self,
        import: &Import<'_>,
        roi: i64,
        places: &HashMap<u64, Vec<Place>>,
        done: &mut Imported,
    ) -> Result<(), StoreError> {
        if import.pairs.is_empty() {
            return Ok(());
        }
        let stored = match import.blobs.is_empty() {
            true => self.stored_places(roi)?,
            false => HashMap::new(),
        };
        let known = if import.blobs.is_empty() { &stored } else { places };
        let before = self.last_id("blob_matches")?;
        let mut insert = self.sql(self.change.prepare_cached(MATCH))?;
        let mut ids = Vec::with_capacity(import.pairs.len());
        for pair in import.pairs {
            let [(first, a), (second, b)] = [
                self.place(import, pair, pair.blob_ids[0], known)?,
                self.place(import, pair, pair.blob_ids[1], known)?,
            ];
            if [a, b] != pair.channels {
                let (match_id, stated) = (pair.match_id, pair.channels);
                return Err(StoreError::OtherBlobs { match_id, stated, found: [a, b] });
            }
            let (um, scaled) = (pair.distance_um, pair.distance_scaled);
            let values = params![roi, first, second, um, scaled, import.rule];
            let id: i64 = self.sql(insert.query_row(values, |row| row.get(0)))?;
            ids.push(id);
        }
        ids.sort_unstable();
        ids.dedup();
        done.new_matches = ids.iter().filter(|id| **id > before).count() as u64;
        done.known_matches = ids.len() as u64 - done.new_matches;
        Ok(())
    }

    fn place(
        &self,
        import: &Import<'_>,
        pair: &BlobPair,
        blob_id: u64,
        known: &HashMap<u64, Vec<Place>>,
    ) -> Result<Place, StoreError> {
        let (match_id, experiment) = (pair.match_id, import.experiment.to_owned());
        match known.get(&blob_id).map(Vec::as_slice) {
            Some([one]) => Ok(*one),
            Some(several) if several.len() > 1 => {
                let count = several.len();
                Err(StoreError::SharedId { match_id, blob_id, experiment, count })
            }
            _ => Err(StoreError::NoBlob { match_id, blob_id, experiment }),
        }
    }

    /// The blobs of a region by the ids they came with.
    fn stored_places(&self, roi: i64) -> Result<HashMap<u64, Vec<Place>>, StoreError> {
        let sql = "SELECT uid, id, channel FROM blobs WHERE roi_id = ?1 AND uid IS NOT NULL";
        let mut places: HashMap<u64, Vec<Place>> = HashMap::new();
        let mut read = || -> rusqlite::Result<()> {
            let mut select = self.change.prepare(sql)?;
            let mut rows = select.query([roi])?;
            while let Some(row) = rows.next()? {
                let uid: i64 = row.get(0)?;
                places.entry(uid as u64).or_default().push((row.get(1)?, row.get(2)?));
            }
            Ok(())
        };
        self.sql(read())?;
        Ok(places)
    }
}
