//! Measures how well cells of simulated movies are linked on true masks; prints JSON.
//!
//! `accuracy_track [SEEDS]`: channels with every 1st to 10th frame of 3 % growth a frame.
#![allow(clippy::unwrap_used)]

#[path = "../tests/it/link_kit.rs"]
mod link_kit;

use hooke_lineage::score::{LinkScore, LinkSet, score_links};
use hooke_lineage::sim::MotherMachineParams;
use hooke_lineage::track::dp::{DpParams, link_channel};
use serde_json::{Map, Value, json};

fn main() {
    let seeds: u64 = std::env::args().nth(1).map_or(2, |n| n.parse().unwrap());
    let mut report = Map::new();
    report.insert("channels".into(), frame_drops(seeds));
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}

fn figures(score: &LinkScore) -> Value {
    json!({ "edge_f1": score.edges.f1(), "division_f1": score.divisions.f1(), "counts": score })
}

fn frame_drops(seeds: u64) -> Value {
    let mut scores = [LinkScore::default(); 10];
    for seed in 0..seeds {
        let params = MotherMachineParams {
            seed: 1000 + seed,
            frames: 320,
            channels: 6,
            empty_channels: 0,
            drift: 0.0,
            fluo: 0,
            ..MotherMachineParams::default()
        };
        let (channels, closed) = link_kit::channels(&params);
        for movie in &channels {
            for every in [1, 2, 4, 6, 8, 10] {
                let sampled = link_kit::sample(movie, every, |c| c.center[0]);
                let frames = link_kit::certain(&sampled.frames, closed);
                let found = link_channel(&frames, &DpParams::default()).unwrap();
                let found: LinkSet = found.links.iter().collect();
                scores[every - 1] += score_links(&sampled.truth, &found);
            }
        }
    }
    let row = |every: usize| (format!("every_{every}"), figures(&scores[every - 1]));
    Value::Object([1, 2, 4, 6, 8, 10].into_iter().map(row).collect())
}
