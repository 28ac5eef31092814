//! `hooke tileset` from outside.

mod bad_input;
mod conformance;
mod images;
mod labels;
mod positions;
mod same_bits;

use std::collections::BTreeMap;
use std::path::Path;

use crate::hooke::Bench;

/// Four tiles of labels with truth in `labels/`.
fn with_labels(more: &str) -> Bench {
    let bench = Bench::new();
    bench.ok(&format!(
        "simulate tiles -o labels --labels --grid 2,2 --tile 16,96,96 --overlap 16 --objects 120 -q {more}"
    ));
    bench
}

/// The rows of a CSV, by column.
fn csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    lines.map(|cells| head.iter().cloned().zip(cells).collect()).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} in {row:?}"))
}

/// Values of a little-endian NPY file.
fn npy<const N: usize, T>(path: &Path, from: fn([u8; N]) -> T) -> Vec<T> {
    let bytes = std::fs::read(path).unwrap();
    let header = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    bytes[header..].as_chunks::<N>().0.iter().map(|b| from(*b)).collect()
}

/// What `info --stats` says of an image.
fn stats(bench: &Bench, name: &str) -> serde_json::Value {
    bench.json(&format!("info {name} --stats"))["files"][0]["images"][0]["stats"].clone()
}
