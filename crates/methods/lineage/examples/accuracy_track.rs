//! Measures how well cells of simulated movies are linked on true masks; prints JSON.
//!
//! `accuracy_track [SEEDS]`: channels with every 1st to 10th frame of 3 % growth a frame, measured exactly and
//! with 4 % and a pixel of error; colonies of up to 200 cells, shaken by 3 pixels, without and with 2 % of wrong masks.
#![allow(clippy::unwrap_used)]

#[path = "../tests/it/link_kit.rs"]
mod link_kit;

use hooke_core::seed::rng_at;
use hooke_lineage::score::{Counts, LinkScore, LinkSet, score_links};
use hooke_lineage::sim::{ColonyParams, MotherMachineParams};
use hooke_lineage::track::dp::{CellSet, DpParams, link_channel};
use hooke_lineage::track::flow::{FlowParams, link_colony};
use rand_distr::{Distribution, StandardNormal};
use serde_json::{Map, Value, json};

fn main() {
    let seeds: u64 = std::env::args().nth(1).map_or(2, |n| n.parse().unwrap());
    let mut report = Map::new();
    report.insert("channels".into(), frame_drops(seeds, 0.0));
    report.insert("channels_with_errors".into(), frame_drops(seeds, 0.04));
    report.insert("colonies".into(), colonies(seeds));
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}

fn figures(score: &LinkScore) -> Value {
    json!({ "edge_f1": score.edges.f1(), "division_f1": score.divisions.f1(), "counts": score })
}

/// Every k-th frame of channels, lengths off by a part of them, positions by 25 times as many pixels.
fn frame_drops(seeds: u64, error: f64) -> Value {
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
                let mut frames = link_kit::certain(&sampled.frames, closed);
                disturb(&mut frames, seed, error);
                let found = link_channel(&frames, &DpParams::default()).unwrap();
                let found: LinkSet = found.links.iter().collect();
                scores[every - 1] += score_links(&sampled.truth, &found);
            }
        }
    }
    let row = |every: usize| (format!("every_{every}"), figures(&scores[every - 1]));
    Value::Object([1, 2, 4, 6, 8, 10].into_iter().map(row).collect())
}

fn disturb(frames: &mut [Vec<CellSet>], seed: u64, error: f64) {
    let mut rng = rng_at(seed, "accuracy-disturb", &[]);
    for cell in frames.iter_mut().flatten().flat_map(|set| &mut set.cells) {
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        cell.length *= (error * normal()).exp();
        cell.position += 25.0 * error * normal();
    }
}

fn colonies(seeds: u64) -> Value {
    let (mut right, mut wrong) = (LinkScore::default(), Counts::default());
    let mut largest = 0;
    for seed in 0..seeds {
        let params = ColonyParams {
            seed: 2000 + seed,
            frames: 64,
            founders: 8,
            size: 400,
            drift: 0.0,
            fluo: 0,
            ..ColonyParams::default()
        };
        let movie = link_kit::colony(&params);
        largest = movie.iter().map(Vec::len).max().unwrap().max(largest);
        let sampled = link_kit::sample(&movie, 1, |c| f64::from(c.cell));
        let link = |masks| link_colony(&link_kit::cells_of(masks), &FlowParams::default()).unwrap();
        let masks = link_kit::masks(&sampled.frames, seed, 3.0, 0.0);
        right += score_links(&sampled.truth, &link(&masks).links.iter().collect());
        let masks = link_kit::masks(&sampled.frames, seed, 3.0, 0.02);
        wrong += link_kit::score_divisions(&sampled.frames, &masks, &link(&masks).links);
    }
    json!({
        "largest": largest,
        "true_masks": figures(&right),
        "wrong_masks": { "division_f1": wrong.f1(), "counts": wrong },
    })
}
