//! MagellanMapper's databases, `magmap.db`, versions 1 to 4: read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hooke_core::{Blob, Review, Truth};
use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::magmap_npz::BY_HAND;
use crate::blobs::set::{fill_components, order_pairs, pair_of};
use crate::blobs::sqlite::{columns, failed, open_to_read};
use crate::blobs::{BlobFile, BlobImage, BlobSet, Roi};
use crate::tables::TableError;
use crate::{Error, Result};

/// The newest version that is read.
const VERSION: i64 = 4;

/// Reads every experiment and region of a database.
pub(super) fn read(path: &Path, image: &BlobImage) -> Result<BlobFile, TableError> {
    let db = open_to_read(path)?;
    let source = Database { path, db: &db, image };
    source.check()?;
    Ok(source.read()?)
}

struct Database<'a> {
    path: &'a Path,
    db: &'a Connection,
    image: &'a BlobImage,
}

impl Database<'_> {
    fn columns(&self, table: &str) -> Result<Vec<String>> {
        columns(self.path, self.db, table)
    }

    /// Refuses other databases.
    fn check(&self) -> Result<()> {
        let needed: [(&str, &[&str]); 3] = [
            ("experiments", &["id", "name"]),
            ("rois", &["id", "experiment_id", "offset_x", "size_x"]),
            ("blobs", &["id", "roi_id", "x", "y", "z", "radius"]),
        ];
        for (table, wanted) in needed {
            let found = self.columns(table)?;
            if let Some(missing) = wanted.iter().find(|w| !found.iter().any(|f| f == *w)) {
                let what = match found.is_empty() {
                    true => format!("a database without the table `{table}`"),
                    false => format!("a database whose table `{table}` has no column `{missing}`"),
                };
                return Err(Error::Unrecognised { path: self.path.to_owned(), found: what });
            }
        }
        if self.columns("about")?.iter().any(|c| c == "version") {
            let version = |row: &Row<'_>| row.get::<_, Option<i64>>(0);
            let version = self.one("SELECT max(version) FROM about", version)?;
            if version.is_some_and(|v| v > VERSION) {
                let what =
                    format!("version {} of MagellanMapper's databases", version.unwrap_or(0));
                return Err(Error::unsupported(self.path, what, "up to 4 are read"));
            }
        }
        Ok(())
    }

    fn one<T>(&self, sql: &str, read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>) -> Result<T> {
        self.db.query_row(sql, [], read).map_err(|e| failed(self.path, "read", e))
    }

    fn each(
        &self,
        sql: &str,
        roi: Option<i64>,
        mut with: impl FnMut(&Row<'_>) -> rusqlite::Result<Result<()>>,
    ) -> Result<()> {
        let failed = |e| failed(self.path, "read", e);
        let mut statement = self.db.prepare(sql).map_err(failed)?;
        let mut rows = match roi {
            Some(roi) => statement.query([roi]),
            None => statement.query([]),
        }
        .map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            with(row).map_err(failed)??;
        }
        Ok(())
    }

    fn read(&self) -> Result<BlobFile> {
        let date = match self.columns("experiments")?.iter().any(|c| c == "date") {
            true => "e.date",
            false => "NULL",
        };
        let series = match self.columns("rois")?.iter().any(|c| c == "series") {
            true => "r.series",
            false => "0",
        };
        let sql = format!(
            "SELECT r.id, e.name, {date}, {series}, r.offset_z, r.offset_y, r.offset_x, \
             r.size_z, r.size_y, r.size_x FROM rois r JOIN experiments e ON e.id = r.experiment_id \
             ORDER BY r.id"
        );
        let mut regions: Vec<(i64, BlobSet)> = Vec::new();
        self.each(&sql, None, |row| {
            let number = |i: usize| row.get::<_, Option<i64>>(i).map(|n| n.unwrap_or(0));
            let set = BlobSet {
                experiment: row.get(1)?,
                date: row.get(2)?,
                roi: Roi {
                    series: number(3)?,
                    offset: [number(4)?, number(5)?, number(6)?],
                    shape: [number(7)?, number(8)?, number(9)?],
                },
                image: Some(self.image.clone()),
                ..BlobSet::default()
            };
            regions.push((row.get(0)?, set));
            Ok(Ok(()))
        })?;
        let mut file = BlobFile::default();
        for (roi, mut set) in regions {
            set.blobs = self.blobs(roi)?;
            let lost = self.matches(roi, &mut set)?;
            if lost > 0 {
                let what =
                    format!("{lost} matches are of blobs that are not there, or of one channel");
                file.warnings.push(("matches-left-out".to_owned(), what));
            }
            file.sets.push(set);
        }
        Ok(file)
    }

    fn blobs(&self, roi: i64) -> Result<Vec<Blob>> {
        let there = self.columns("blobs")?;
        let column = |name: &'static str, missing: &'static str| {
            if there.iter().any(|c| c == name) { name } else { missing }
        };
        let sql = format!(
            "SELECT id, z, y, x, radius, {}, {}, {} FROM blobs WHERE roi_id = ?1 ORDER BY id",
            column("confirmed", "-1"),
            column("truth", "-1"),
            column("channel", "0"),
        );
        let (by_machine, by_hand): (Arc<str>, Arc<str>) = ("magmap".into(), "manual".into());
        let mut blobs = Vec::new();
        self.each(&sql, Some(roi), |row| {
            let id: i64 = row.get(0)?;
            let bad = |what: &str| Err(Error::corrupt(self.path, format!("blob {id}: {what}")));
            let mut position = [0.0; 3];
            for (d, value) in position.iter_mut().enumerate() {
                match number(row, 1 + d)? {
                    Some(v) if v.is_finite() => *value = v,
                    _ => return Ok(bad("no position")),
                }
            }
            let radius = number(row, 4)?.unwrap_or(0.0);
            let code = |i: usize, missing: i64| whole(row, i).map(|n| n.unwrap_or(missing));
            let Ok(channel) = u16::try_from(code(7, 0)?) else { return Ok(bad("no channel")) };
            let (Some(review), Some(truth)) =
                (Review::from_code(code(5, -1)?), Truth::from_code(code(6, -1)?))
            else {
                return Ok(bad("`confirmed` or `truth` is none of MagellanMapper's codes"));
            };
            let Ok(id) = u64::try_from(id) else { return Ok(bad("a negative id")) };
            let source = if radius < BY_HAND { &by_hand } else { &by_machine };
            let um = (radius * self.image.shortest_um()) as f32;
            let place = self.image.to_um(position);
            let mut blob = Blob::at(channel, position, place, um, source);
            (blob.id, blob.confirmed, blob.truth) = (id, review, truth);
            blobs.push(blob);
            Ok(Ok(()))
        })?;
        Ok(blobs)
    }

    /// Adds the matches of a region; returns how many could not be.
    fn matches(&self, roi: i64, set: &mut BlobSet) -> Result<u64> {
        if self.columns("blob_matches")?.is_empty() {
            return Ok(0);
        }
        let by_id: HashMap<u64, &Blob> = set.blobs.iter().map(|b| (b.id, b)).collect();
        let mut lost = 0;
        let mut pairs = Vec::new();
        let sql = "SELECT blob1, blob2, dist FROM blob_matches WHERE roi_id = ?1 ORDER BY id";
        self.each(sql, Some(roi), |row| {
            let end = |i: usize| -> rusqlite::Result<Option<&&Blob>> {
                let id = row.get::<_, Option<i64>>(i)?.and_then(|id| u64::try_from(id).ok());
                Ok(id.and_then(|id| by_id.get(&id)))
            };
            let distance = number(row, 2)?.unwrap_or(f64::NAN);
            match (end(0)?, end(1)?) {
                (Some(a), Some(b)) => match pair_of(a, b, distance) {
                    Some(pair) => pairs.push(pair),
                    None => lost += 1,
                },
                _ => lost += 1,
            }
            Ok(Ok(()))
        })?;
        order_pairs(&mut pairs);
        fill_components(&mut pairs);
        set.pairs = pairs;
        Ok(lost)
    }
}

/// A number of either kind.
fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<f64>> {
    Ok(match row.get::<_, Value>(index)? {
        Value::Integer(v) => Some(v as f64),
        Value::Real(v) => Some(v),
        _ => None,
    })
}

/// A whole number of either kind.
fn whole(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<i64>> {
    let value = number(row, index)?;
    Ok(value.map(|v| if v.fract() == 0.0 && v.abs() < 9e15 { v as i64 } else { i64::MAX }))
}
