//! Writes blobs and matches in the formats of other programs, for readers other than ours to check.
//!
//! ```sh
//! cargo run --release -p hooke-io --example write_blobs -- OUT
//! ```
//!
//! `OUT/blobs.json` lists the rows. `./x test` has the files read by `tests/python/check_blobs.py`.

use std::error::Error;
use std::path::PathBuf;

use hooke_core::{Axes, Blob, BlobPair, Review, Truth};
use hooke_io::blobs::peers::{self, BlobFormat, Export};
use hooke_io::blobs::{BlobImage, TableMeta, number_in_order};
use serde_json::json;

const FILES: [(&str, BlobFormat); 6] = [
    ("blobs.npz", BlobFormat::MagmapNpz),
    ("blobs.db", BlobFormat::MagmapDb),
    ("matches.csv", BlobFormat::MagmapCsv),
    ("cells.xml", BlobFormat::CellfinderXml),
    ("cells.npy", BlobFormat::ClearmapNpy),
    ("annotations", BlobFormat::Neuroglancer),
];

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("give a folder")?);
    std::fs::create_dir_all(&out)?;
    let image = BlobImage {
        shape: vec![3, 20, 30, 40],
        axes: Axes::parse("czyx").ok_or("axes")?,
        voxel_size_um: [3.0, 1.0, 0.5],
        origin_um: [0.0; 3],
    };
    let source = "hooke".into();
    let mut blobs = Vec::new();
    for i in 0..60u16 {
        let n = f64::from(i / 3);
        let position = [n / 2.0, 1.5 * n, 2.0 * n + 0.25];
        let mut blob = Blob::at(i % 3, position, image.to_um(position), 4.0 + n as f32, &source);
        blob.confirmed = if i % 4 == 0 { Review::Confirmed } else { Review::Unseen };
        blob.truth = if i % 7 == 0 { Truth::Found } else { Truth::No };
        (blob.region, blob.amplitude, blob.background) = (i64::from(i), Some(80.0), Some(12.5));
        blobs.push(blob);
    }
    number_in_order(&mut blobs, &mut []);
    let pairs: Vec<BlobPair> = matches(&blobs);
    let meta = TableMeta { image: Some(image.clone()), parameters: None };
    for (name, format) in FILES {
        let export = Export {
            blobs: &blobs,
            pairs: &pairs,
            matches: format.is_of_matches(),
            meta: &meta,
            colocs: None,
            experiment: "expt",
            date: "2026-01-02 03:04:05.000006",
        };
        peers::write(&out.join(name), format, &export)?;
    }
    let rows: Vec<_> = blobs
        .iter()
        .map(|b| {
            json!({
                "id": b.id, "channel": b.channel, "position": b.position, "radius_um": b.radius_um,
                "confirmed": b.confirmed.code(), "truth": b.truth.code(), "region": b.region,
            })
        })
        .collect();
    let pairs: Vec<_> = pairs.iter().map(|p| json!([p.blob_ids, p.distance_scaled])).collect();
    let list = json!({"voxel_size_um": image.voxel_size_um, "blobs": rows, "matches": pairs});
    std::fs::write(out.join("blobs.json"), list.to_string())?;
    Ok(())
}

/// Blobs of different channels that lie at one place.
fn matches(blobs: &[Blob]) -> Vec<BlobPair> {
    let mut pairs = Vec::new();
    for (i, a) in blobs.iter().enumerate() {
        for b in blobs[i + 1..].iter().filter(|b| b.position == a.position) {
            pairs.push(BlobPair {
                match_id: pairs.len() as u64 + 1,
                roi_id: 0,
                t: 0,
                channels: [a.channel, b.channel],
                blob_ids: [a.id, b.id],
                distance_um: 0.0,
                distance_scaled: a.position[0] + f64::from(b.channel),
                gate_distance: 0.0,
                position: a.position,
                position_um: a.position_um,
                component: a.id,
                rivals: 0,
            });
        }
    }
    pairs
}
