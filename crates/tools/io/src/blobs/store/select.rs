//! Reading a store. Nothing is ever written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use hooke_core::{Blob, BlobPair, Review, Truth};
use rusqlite::{Row, ToSql};
use serde_json::Value;

use super::{BlobStore, StoreError};
use crate::blobs::set::{fill_components, in_order, order_pairs, pair_of};
use crate::blobs::sqlite::failed;
use crate::blobs::{BlobFilter, BlobImage, Roi, TableMeta, VoxelBox};
use crate::{Error, Result};

/// An experiment in a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Its row.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub date: Option<String>,
    /// The image and the parameters.
    pub meta: TableMeta,
    /// Number of its blobs.
    pub blobs: u64,
    /// Number of its matches.
    pub matches: u64,
}

/// Blobs of an experiment, and the matches between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredBlobs {
    /// The blobs, in the order of tables.
    pub blobs: Vec<Blob>,
    /// Matches whose two blobs are among them.
    pub pairs: Vec<BlobPair>,
    /// Whether blobs have the ids of the tables they came from; else those of their rows, because
    /// several had one id or some had none.
    pub own_ids: bool,
}

/// A match of the whole image, with its two blobs; ids are those of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMatch {
    /// Its row.
    pub id: u64,
    /// The row of its region.
    pub roi_id: u64,
    /// The blob of the lower channel.
    pub blob1: Blob,
    /// The blob of the higher channel.
    pub blob2: Blob,
    /// Distance in µm.
    pub distance_um: f64,
    /// Distance as MagellanMapper lists it.
    pub distance_scaled: f64,
    /// The rule that gave it.
    pub rule: String,
}

const COLUMNS: &str = "id, uid, t, channel, z, y, x, z_um, y_um, x_um, radius_um, response, score, \
                       probability, confirmed, truth, region, source, roi_id";

impl BlobStore {
    /// The experiments, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a damaged store.
    pub fn experiments(&self) -> Result<Vec<Experiment>> {
        let sql = "SELECT e.id, e.name, e.date, e.voxel_z_um, e.voxel_y_um, e.voxel_x_um, e.parameters, \
                   (SELECT count(*) FROM blobs b JOIN rois r ON r.id = b.roi_id WHERE r.experiment_id = e.id), \
                   (SELECT count(*) FROM blob_matches m JOIN rois r ON r.id = m.roi_id WHERE r.experiment_id = e.id) \
                   FROM experiments e ORDER BY e.name";
        self.all(sql, &[], |row| {
            let said: Option<String> = row.get(6)?;
            let sizes = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok(Experiment {
                id: row.get(0)?,
                name: row.get(1)?,
                date: row.get(2)?,
                meta: meta_of(said.as_deref(), sizes),
                blobs: row.get::<_, i64>(7)? as u64,
                matches: row.get::<_, i64>(8)? as u64,
            })
        })
    }

    /// The experiment of a name, or the only one.
    ///
    /// # Errors
    /// [`StoreError::NoExperiment`] with the names there are.
    pub fn experiment(&self, name: Option<&str>) -> Result<Experiment, StoreError> {
        let mut all = self.experiments()?;
        let index = match name {
            Some(name) => all.iter().position(|e| e.name == name),
            None => (all.len() == 1).then_some(0),
        };
        match index {
            Some(index) => Ok(all.swap_remove(index)),
            None => Err(StoreError::NoExperiment {
                path: self.path.clone(),
                wanted: name.map(str::to_owned),
                names: all.into_iter().map(|e| e.name).collect(),
            }),
        }
    }

    /// The wanted blobs of an experiment, of one of its regions or of all, and the matches between them.
    ///
    /// # Errors
    /// [`StoreError::NoExperiment`]; [`StoreError::File`] for a damaged store.
    pub fn select_blobs(
        &self,
        experiment: Option<&str>,
        roi: Option<Roi>,
        filter: &BlobFilter,
    ) -> Result<StoredBlobs, StoreError> {
        let experiment = self.experiment(experiment)?.id;
        let own_ids = self.has_own_ids(experiment)?;
        let rois = self.rois(experiment, roi)?;
        let mut found = StoredBlobs { own_ids, ..StoredBlobs::default() };
        let mut rows: HashMap<i64, usize> = HashMap::new();
        for roi in &rois {
            for (row, uid, mut blob) in self.blobs_of(*roi, filter)? {
                if let (true, Some(uid)) = (own_ids, uid) {
                    blob.id = uid;
                }
                rows.insert(row, found.blobs.len());
                found.blobs.push(blob);
            }
        }
        found.pairs = self.pairs_of(&rois, &rows, &found.blobs)?;
        found.blobs.sort_by(in_order);
        Ok(found)
    }

    /// Whether every blob of an experiment has an id of its own from the table it came from.
    fn has_own_ids(&self, experiment: i64) -> Result<bool> {
        let sql = "SELECT count(*) = count(DISTINCT b.uid) FROM blobs b JOIN rois r ON r.id = b.roi_id \
                   WHERE r.experiment_id = ?1";
        self.sql("read", |db| db.query_row(sql, [experiment], |row| row.get(0)))
    }

    fn rois(&self, experiment: i64, roi: Option<Roi>) -> Result<Vec<i64>> {
        let sql = "SELECT id, series, z0, y0, x0, nz, ny, nx FROM rois WHERE experiment_id = ?1 ORDER BY id";
        let all: Vec<(i64, Roi)> = self.all(sql, &[&experiment], |row| {
            let n = |i: usize| row.get::<_, i64>(i);
            let (offset, shape) = ([n(2)?, n(3)?, n(4)?], [n(5)?, n(6)?, n(7)?]);
            Ok((row.get(0)?, Roi { series: n(1)?, offset, shape }))
        })?;
        let wanted = all.into_iter().filter(|(_, r)| roi.is_none_or(|wanted| wanted == *r));
        Ok(wanted.map(|(id, _)| id).collect())
    }

    /// Row, id in its table, and blob.
    fn blobs_of(&self, roi: i64, filter: &BlobFilter) -> Result<Vec<(i64, Option<u64>, Blob)>> {
        let mut sql = format!("SELECT {COLUMNS} FROM blobs WHERE roi_id = ?1");
        let bounds = filter.within.map(|w| (w.offset[0], w.offset[0] + w.shape[0]));
        let mut values: Vec<&dyn ToSql> = vec![&roi];
        if let Some((low, high)) = &bounds {
            sql += " AND z >= ?2 AND z < ?3";
            values.extend([low as &dyn ToSql, high as &dyn ToSql]);
        }
        if let Some(channels) = &filter.channels {
            let list: Vec<String> = channels.iter().map(u16::to_string).collect();
            sql += &format!(" AND channel IN ({})", list.join(", "));
        }
        sql += " ORDER BY id";
        let mut sources = Sources::default();
        let rows = self.all(&sql, &values, |row| sources.blob(row))?;
        let (mut found, path) = (Vec::with_capacity(rows.len()), &self.path);
        for row in rows {
            let (id, uid, blob) = row.map_err(|what| Error::corrupt(path, what))?;
            if filter.keeps(&blob) {
                found.push((id, uid, blob));
            }
        }
        Ok(found)
    }

    fn pairs_of(
        &self,
        rois: &[i64],
        rows: &HashMap<i64, usize>,
        blobs: &[Blob],
    ) -> Result<Vec<BlobPair>> {
        let mut pairs = Vec::new();
        for roi in rois {
            let sql = "SELECT blob1, blob2, distance_um, distance_scaled FROM blob_matches \
                       WHERE roi_id = ?1 ORDER BY id";
            let found = self.all(sql, &[roi], |row| {
                let end = |i: usize| Ok::<_, rusqlite::Error>(rows.get(&row.get(i)?));
                let numbers: [Option<f64>; 2] = [row.get(2)?, row.get(3)?];
                Ok((end(0)?.copied(), end(1)?.copied(), numbers.map(|n| n.unwrap_or(f64::NAN))))
            })?;
            for (first, second, [um, scaled]) in found {
                let (Some(first), Some(second)) = (first, second) else { continue };
                let pair = pair_of(&blobs[first], &blobs[second], scaled);
                pairs.extend(pair.map(|p| BlobPair { distance_um: um, ..p }));
            }
        }
        order_pairs(&mut pairs);
        fill_components(&mut pairs);
        Ok(pairs)
    }

    /// Matches of the whole image, by pair of channels, the lower channel first.
    ///
    /// `None` when there is none; pairs of channels without matches have no entry. With `within`, both
    /// blobs must lie in the box.
    ///
    /// # Errors
    /// [`StoreError::NoExperiment`] when there is none of that name, or none is named and there are
    /// several; [`StoreError::File`] for a damaged store.
    pub fn select_matches(
        &self,
        channels: Option<&[u16]>,
        within: Option<VoxelBox>,
        experiment: Option<&str>,
    ) -> Result<Option<BTreeMap<(u16, u16), Vec<StoredMatch>>>, StoreError> {
        let experiment = self.experiment(experiment)?.id;
        let mut found: BTreeMap<(u16, u16), Vec<StoredMatch>> = BTreeMap::new();
        for roi in self.rois(experiment, Some(Roi::WHOLE))? {
            let sql = "SELECT id, blob1, blob2, distance_um, distance_scaled, rule FROM blob_matches \
                       WHERE roi_id = ?1 ORDER BY id";
            let rows: Vec<(i64, i64, i64, Option<f64>, Option<f64>, Option<String>)> =
                self.all(sql, &[&roi], |row| {
                    let ends = (row.get(1)?, row.get(2)?);
                    Ok((row.get(0)?, ends.0, ends.1, row.get(3)?, row.get(4)?, row.get(5)?))
                })?;
            let wanted: HashSet<i64> = rows.iter().flat_map(|r| [r.1, r.2]).collect();
            let filter = BlobFilter {
                channels: channels.map(<[u16]>::to_vec),
                within,
                ..BlobFilter::default()
            };
            let blobs: HashMap<i64, Blob> = self
                .blobs_of(roi, &filter)?
                .into_iter()
                .filter(|(row, ..)| wanted.contains(row))
                .map(|(row, _, blob)| (row, blob))
                .collect();
            for (id, first, second, um, scaled, rule) in rows {
                let (Some(a), Some(b)) = (blobs.get(&first), blobs.get(&second)) else { continue };
                let (blob1, blob2) = if a.channel <= b.channel { (a, b) } else { (b, a) };
                found.entry((blob1.channel, blob2.channel)).or_default().push(StoredMatch {
                    id: id as u64,
                    roi_id: roi as u64,
                    blob1: blob1.clone(),
                    blob2: blob2.clone(),
                    distance_um: um.unwrap_or(f64::NAN),
                    distance_scaled: scaled.unwrap_or(f64::NAN),
                    rule: rule.unwrap_or_default(),
                });
            }
        }
        Ok((!found.is_empty()).then_some(found))
    }

    fn all<T>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut collect = || -> rusqlite::Result<Vec<T>> {
            let mut select = self.db.prepare_cached(sql)?;
            select.query_map(values, &mut read)?.collect()
        };
        collect().map_err(|e| failed(&self.path, "read", e))
    }
}

/// What a store keeps of the metadata of tables.
fn meta_of(said: Option<&str>, sizes: (Option<f64>, Option<f64>, Option<f64>)) -> TableMeta {
    let said: Value = said.and_then(|s| serde_json::from_str(s).ok()).unwrap_or_default();
    let image = serde_json::from_value::<BlobImage>(said["hooke.image"].clone()).ok();
    let sized = match sizes {
        (Some(z), Some(y), Some(x)) => Some(BlobImage::of_voxels([z, y, x])),
        _ => None,
    };
    let parameters = Some(said["hooke.parameters"].clone()).filter(|p| !p.is_null());
    TableMeta { image: image.or(sized).filter(BlobImage::is_usable), parameters }
}

/// Names of sources, each kept once.
#[derive(Default)]
struct Sources(Vec<Arc<str>>);

impl Sources {
    fn blob(
        &mut self,
        row: &Row<'_>,
    ) -> rusqlite::Result<Result<(i64, Option<u64>, Blob), String>> {
        let id: i64 = row.get(0)?;
        let uid = row.get::<_, Option<i64>>(1)?.map(|uid| uid as u64);
        let single =
            |i: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<f64>>(i)?.map(|v| v as f32));
        let position = [row.get(4)?, row.get(5)?, row.get(6)?];
        let position_um = [row.get(7)?, row.get(8)?, row.get(9)?];
        let name = row.get_ref(17)?.as_str()?;
        let source = match self.0.iter().find(|s| ***s == *name) {
            Some(source) => source.clone(),
            None => {
                self.0.push(name.into());
                name.into()
            }
        };
        let radius = single(10)?.unwrap_or(f32::NAN);
        let mut blob = Blob::at(row.get(3)?, position, position_um, radius, &source);
        blob.id = id as u64;
        blob.t = row.get(2)?;
        blob.response = single(11)?.unwrap_or(f32::NAN);
        blob.score = single(12)?.unwrap_or(f32::NAN);
        blob.probability = single(13)?;
        let (review, truth) = (Review::from_code(row.get(14)?), Truth::from_code(row.get(15)?));
        let (Some(review), Some(truth)) = (review, truth) else {
            return Ok(Err(format!("blob {id}: `confirmed` or `truth` is none of their codes")));
        };
        (blob.confirmed, blob.truth) = (review, truth);
        blob.region = row.get(16)?;
        Ok(Ok((id, uid, blob)))
    }
}
