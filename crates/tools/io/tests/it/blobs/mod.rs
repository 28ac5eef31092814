//! Blobs: tables, the store, and the files of other programs.

mod conformance;
mod damage;
mod peers;
mod store;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::{Axes, Blob, BlobPair, Review, Truth};
use hooke_io::blobs::{BlobImage, TableMeta, number_in_order};
use serde_json::json;

use crate::harness::Dice;

/// The folder of conformance data of blobs.
fn conformance() -> Option<PathBuf> {
    let shared = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"));
    if shared.is_none() {
        println!("SKIPPED: no shared test data");
    }
    shared.map(|s| s.join("conformance/blobs"))
}

fn image() -> BlobImage {
    BlobImage {
        shape: vec![3, 60, 200, 200],
        axes: Axes::parse("czyx").unwrap(),
        voxel_size_um: [3.0, 1.0, 0.5],
        origin_um: [-7.5, 0.25, 1000.0],
    }
}

fn meta() -> TableMeta {
    TableMeta { image: Some(image()), parameters: Some(json!({"radius": [4.0, 8.0]})) }
}

/// Blobs of some channels with all kinds of values, in the order of tables.
fn blobs(count: usize, channels: u64) -> Vec<Blob> {
    let mut dice = Dice::new(5);
    let sources: [Arc<str>; 3] = ["hooke".into(), "magmap".into(), "ä, \"b\"".into()];
    let mut all: Vec<Blob> = (0..count)
        .map(|_| {
            let mut part = |n: u64| dice.below(n * 1000) as f64 / 1000.0;
            let position = [part(60), part(200), part(200)];
            let radius = 4.0 + part(4) as f32;
            let channel = dice.below(channels) as u16;
            let source = &sources[dice.below(3) as usize];
            let mut b = Blob::at(channel, position, image().to_um(position), radius, source);
            b.response = dice.below(1 << 24) as f32 / 7.0;
            b.score = dice.below(1000) as f32 / 9.0;
            b.confirmed = [Review::Unseen, Review::Rejected, Review::Confirmed, Review::Unsure]
                [dice.below(4) as usize];
            b.region = dice.below(5) as i64 - 1;
            if dice.below(2) == 0 {
                b.amplitude = Some(dice.below(900) as f32 / 3.0);
                b.background = Some(-0.125);
                b.covariance_um2 = Some([0.1, 0.2, 0.3, -0.4, 0.5, -0.6]);
                b.fit_chi2 = Some(1.0 / 3.0);
                b.probability = Some(0.75);
            }
            if dice.below(8) == 0 {
                b.truth = [Truth::Missed, Truth::Found][dice.below(2) as usize];
            }
            b
        })
        .collect();
    number_in_order(&mut all, &mut []);
    all
}

/// A match of each blob with one of the next channel, where there is one.
fn pairs(blobs: &[Blob]) -> Vec<BlobPair> {
    let mut found = Vec::new();
    for (i, a) in blobs.iter().enumerate() {
        let Some(b) = blobs[i..].iter().find(|b| b.channel == a.channel + 1) else { continue };
        let distance: f64 =
            (0..3).map(|d| (a.position_um[d] - b.position_um[d]).powi(2)).sum::<f64>().sqrt();
        found.push(BlobPair {
            match_id: found.len() as u64 + 1,
            roi_id: 0,
            t: 0,
            channels: [a.channel, b.channel],
            blob_ids: [a.id, b.id],
            distance_um: distance,
            distance_scaled: distance / 1.5,
            gate_distance: 0.25,
            position: std::array::from_fn(|d| f64::midpoint(a.position[d], b.position[d])),
            position_um: std::array::from_fn(|d| f64::midpoint(a.position_um[d], b.position_um[d])),
            component: a.id,
            rivals: 2,
        });
    }
    found
}
