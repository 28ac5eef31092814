//! What several tests need: shared arrays as tiles, sets of tiles, tiles that lie apart.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hooke_core::{Sample, TilesInMemory};
use hooke_testdata::{NpzArray, read_npz, shared};
use hooke_tileset::Placement;
use hooke_tileset::dedup::Dedup;
use ndarray::Array3;
use serde_json::Value;

/// The folder of shared answers, or `None` with a line that says so.
pub fn conformance() -> Option<PathBuf> {
    let folder = shared(env!("CARGO_MANIFEST_DIR")).map(|s| s.join("conformance/tileset"));
    if folder.is_none() {
        println!("SKIPPED: no shared test data here");
    }
    folder
}

pub type Arrays = BTreeMap<String, NpzArray>;

pub fn arrays(name: &str) -> Option<Arrays> {
    Some(read_npz(&conformance()?.join(name)).unwrap())
}

pub fn expected() -> Option<Value> {
    let text = std::fs::read_to_string(conformance()?.join("expected.json")).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// An array of up to three dimensions, missing axes in front.
pub fn volume<T: Sample>(a: &NpzArray) -> Array3<T> {
    let mut shape = [1; 3];
    shape[3 - a.shape.len()..].copy_from_slice(&a.shape);
    Array3::from_shape_vec(shape, a.values.iter().map(|v| T::from_f64(*v)).collect()).unwrap()
}

/// `tile0`, `tile1`, ... as far as they go.
pub fn tiles<T: Sample>(arrays: &Arrays) -> Vec<Array3<T>> {
    (0..).map_while(|i| arrays.get(&format!("tile{i}"))).map(volume).collect()
}

/// Slices of the first axis of a four-dimensional array.
pub fn stack<T: Sample>(a: &NpzArray) -> Vec<Array3<T>> {
    let shape = [a.shape[1], a.shape[2], a.shape[3]];
    let one = |v: &[f64]| v.iter().map(|v| T::from_f64(*v)).collect();
    let parts = a.values.chunks(shape.iter().product());
    parts.map(|v| Array3::from_shape_vec(shape, one(v)).unwrap()).collect()
}

/// Rows of three numbers, as they stand or from x, y, z to z, y, x.
pub fn rows(a: &NpzArray) -> Vec<[f64; 3]> {
    a.values.as_chunks::<3>().0.to_vec()
}

pub fn reversed(rows: &[[f64; 3]]) -> Vec<[f64; 3]> {
    rows.iter().map(|[x, y, z]| [*z, *y, *x]).collect()
}

pub fn triples(value: &Value) -> Vec<[f64; 3]> {
    let row = |row: &Value| std::array::from_fn(|d| row[d].as_f64().unwrap());
    value.as_array().unwrap().iter().map(row).collect()
}

pub fn views<T>(tiles: &[Array3<T>]) -> TilesInMemory<'_, T> {
    TilesInMemory { tiles: tiles.iter().map(|t| t.view()).collect() }
}

pub fn shapes<T>(tiles: &[Array3<T>]) -> Vec<[u64; 3]> {
    tiles.iter().map(|t| <[usize; 3]>::from(t.dim()).map(|n| n as u64)).collect()
}

pub fn placed<T>(starts: &[[i64; 3]], tiles: &[Array3<T>]) -> Placement {
    Placement::from_starts(starts, &shapes(tiles)).unwrap()
}

pub fn starts(a: &NpzArray) -> Vec<[i64; 3]> {
    rows(a).into_iter().map(|r| r.map(|v| v as i64)).collect()
}

/// The labels that share a new id, `(tile, label)`, sets and labels ascending.
pub fn sets(found: &Dedup) -> Vec<Vec<(usize, u64)>> {
    let mut sets = BTreeMap::<u64, Vec<(usize, u64)>>::new();
    for row in &found.ids {
        sets.entry(row.new_id).or_default().push((row.tile, row.old_id));
    }
    let mut sets: Vec<_> = sets.into_values().collect();
    sets.sort();
    sets
}

pub fn close(found: f64, wanted: f64, relative: f64) -> bool {
    found == wanted || (found - wanted).abs() <= relative * wanted.abs().max(1.0)
}
