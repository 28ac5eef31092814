//! What several tests need: shared answers, blobs from rows, random points.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::Blob;
use hooke_core::seed::rng_at;
use rand::RngExt;
use serde_json::Value;

/// The folder of shared answers, or `None` with a line that says so.
pub fn conformance() -> Option<PathBuf> {
    let folder =
        hooke_testdata::shared(env!("CARGO_MANIFEST_DIR")).map(|s| s.join("conformance/blobs"));
    if folder.is_none() {
        println!("SKIPPED: no shared test data here");
    }
    folder
}

pub fn answers(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(conformance()?.join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

pub fn triple(value: &Value) -> [f64; 3] {
    numbers(value).try_into().unwrap()
}

pub fn points(value: &Value) -> Vec<[f64; 3]> {
    value.as_array().unwrap().iter().map(triple).collect()
}

/// Blobs of rows `z, y, x, radius, ..., channel`, ids from 1.
pub fn blobs(rows: &[Vec<f64>], voxel_um: [f64; 3]) -> Vec<Blob> {
    let source: Arc<str> = "test".into();
    let blob = |(i, row): (usize, &Vec<f64>)| {
        let position = [row[0], row[1], row[2]];
        let position_um = std::array::from_fn(|d| position[d] * voxel_um[d]);
        let channel = *row.last().unwrap() as u16;
        Blob {
            id: i as u64 + 1,
            ..Blob::at(channel, position, position_um, row[3] as f32, &source)
        }
    };
    rows.iter().enumerate().map(blob).collect()
}

/// Blobs at points in µm with voxels of 1 µm, ids from `first_id`.
pub fn blobs_at(channel: u16, first_id: u64, points: &[[f64; 3]]) -> Vec<Blob> {
    let source: Arc<str> = "test".into();
    let blob = |(i, p): (usize, &[f64; 3])| Blob {
        id: first_id + i as u64,
        ..Blob::at(channel, *p, *p, 3.0, &source)
    };
    points.iter().enumerate().map(blob).collect()
}

/// Points spread evenly over a box.
pub fn scattered(seed: u64, n: usize, extent: [f64; 3]) -> Vec<[f64; 3]> {
    let mut rng = rng_at(seed, "scattered points", &[]);
    (0..n).map(|_| extent.map(|e| e * rng.random::<f64>())).collect()
}

pub fn close(found: f64, wanted: f64, relative: f64) -> bool {
    found == wanted || (found - wanted).abs() <= relative * wanted.abs().max(1e-300)
}
