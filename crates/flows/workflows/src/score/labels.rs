//! `hooke score labels`: ids that are unique over all tiles against the true objects.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use hooke_io::tables::{TableError, read_table};
use hooke_tileset::score::{adjusted_rand, score_links};
use serde_json::{Value, json};

use crate::tileset::SetError;
use crate::tileset::to_global::numbers;

/// A table of ids against the truth of a simulation: text and JSON.
///
/// `overlaps` is the table of overlaps beside the ids when it is not given; without one the
/// objects that cross tiles are not known.
///
/// # Errors
/// When a table cannot be read or is not what it should be.
pub fn score_labels(
    ids: &Path,
    truth: &Path,
    overlaps: Option<&Path>,
) -> Result<(String, Value), SetError> {
    let found = Table::read(ids, ["tile", "old_id", "new_id", "n_voxels"])?;
    let known = Table::read(truth, ["tile", "label", "object", "n_voxels"])?;
    let new_ids: HashMap<(u64, u64), (u64, u64)> =
        found.rows().map(|[tile, old, new, n]| ((tile, old), (new, n))).collect();
    let objects: HashMap<(u64, u64), u64> =
        known.rows().map(|[tile, label, object, _]| ((tile, label), object)).collect();
    let (mut pairs, mut missing, mut lost) = (Vec::new(), 0u64, 0u64);
    for [tile, label, object, n] in known.rows() {
        match new_ids.get(&(tile, label)) {
            Some((id, voxels)) => {
                pairs.push((object, *id));
                lost += n.saturating_sub(*voxels);
            }
            None => {
                missing += 1;
                lost += n;
            }
        }
    }
    let unknown = new_ids.keys().filter(|k| !objects.contains_key(k)).count();
    let (a, b): (Vec<u64>, Vec<u64>) = pairs.iter().copied().unzip();
    let beside = beside(ids);
    let overlaps = overlaps.or(beside.as_deref().filter(|p| p.is_file()));
    let crossing = overlaps.map(|path| crossing(path, &objects)).transpose()?;
    let links = score_links(&pairs, crossing.as_deref().unwrap_or_default());
    let fraction = |n: u64, of: u64| (of > 0).then(|| n as f64 / of as f64);
    let mut different: Vec<u64> = a.clone();
    different.sort_unstable();
    different.dedup();
    let result = json!({
        "adjusted_rand": adjusted_rand(&a, &b), "labels": pairs.len(),
        "objects": different.len(), "ids": links.ids, "lost_voxels": lost,
        "missing_labels": missing, "unknown_labels": unknown,
        "crossing": crossing.as_ref().map(|_| links.crossing),
        "merged": crossing.as_ref().map(|_| links.merged),
        "merged_fraction": crossing.as_ref().and_then(|_| fraction(links.merged, links.crossing)),
        "false_merges": links.false_merges,
        "false_merge_fraction": fraction(links.false_merges, links.ids),
    });
    Ok((super::to_text(&result), result))
}

/// `OUT.overlaps.parquet` beside `OUT.ids.parquet`.
fn beside(ids: &Path) -> Option<PathBuf> {
    let name = ids.file_name()?.to_str()?;
    Some(ids.with_file_name(name.replacen(".ids.", ".overlaps.", 1))).filter(|p| p != ids)
}

/// Objects of which two tiles hold voxels that they share.
fn crossing(path: &Path, objects: &HashMap<(u64, u64), u64>) -> Result<Vec<u64>, SetError> {
    let table = Table::read(path, ["tile_a", "label_a", "tile_b", "label_b"])?;
    let same = |[tile_a, label_a, tile_b, label_b]: [u64; 4]| {
        let (a, b) = (objects.get(&(tile_a, label_a))?, objects.get(&(tile_b, label_b))?);
        (a == b).then_some(*a)
    };
    let mut crossing: Vec<u64> = table.rows().filter_map(same).collect();
    crossing.sort_unstable();
    crossing.dedup();
    Ok(crossing)
}

/// Four columns of whole numbers.
struct Table([Vec<u64>; 4]);

impl Table {
    fn read(path: &Path, names: [&str; 4]) -> Result<Table, SetError> {
        let table = read_table(path)?;
        let mut columns: [Vec<u64>; 4] = Default::default();
        for (column, name) in columns.iter_mut().zip(names) {
            *column = whole(path, &table, name)?;
        }
        Ok(Table(columns))
    }

    fn rows(&self) -> impl Iterator<Item = [u64; 4]> + '_ {
        let [a, b, c, d] = &self.0;
        (0..a.len()).map(move |i| [a[i], b[i], c[i], d[i]])
    }
}

fn whole(path: &Path, table: &RecordBatch, name: &str) -> Result<Vec<u64>, SetError> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;
    let array = table.column_by_name(name).ok_or_else(|| TableError::NoColumn {
        path: path.to_owned(),
        column: name.to_owned(),
        found: table.schema().fields().iter().map(|f| f.name().clone()).collect(),
    })?;
    // Ids may be larger than f64 holds exactly.
    if let Some(exact) = array.as_primitive_opt::<UInt64Type>() {
        return Ok(exact.values().to_vec());
    }
    let bad = |row: usize| TableError::BadCell {
        path: path.to_owned(),
        row: row + 1,
        column: name.to_owned(),
        found: "no whole number".to_owned(),
        wanted: "a whole number from 0",
    };
    let values = numbers(array.as_ref()).ok_or_else(|| bad(0))?;
    let one = |(row, v): (usize, &f64)| match *v >= 0.0 && v.fract() == 0.0 && *v < 2f64.powi(53) {
        true => Ok(*v as u64),
        false => Err(bad(row).into()),
    };
    values.iter().enumerate().map(one).collect()
}
