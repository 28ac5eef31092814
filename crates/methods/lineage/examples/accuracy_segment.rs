//! SEG and DET of the classical segmentation over several simulated seeds; prints one JSON line per movie.
//!
//! `accuracy_segment [SEEDS]`: channels that are wide (the default), tight or noisy, and colonies, also with strong
//! halos.

use hooke_lineage::sim::{CellParams, ColonyParams, MotherMachineParams, OpticsParams};
use serde_json::json;

#[allow(missing_docs, dead_code)]
#[path = "../tests/it/segment_kit.rs"]
mod segment_kit;

use segment_kit::{Score, score_channels, score_colony};

fn print(kind: &str, seed: u64, score: &Score) {
    let line = json!({
        "kind": kind, "seed": seed, "cells": score.cells, "seg": score.seg(), "det": score.det(),
        "splits": score.splits, "missed": score.missed, "false": score.false_found,
    });
    println!("{line}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seeds: u64 = std::env::args().nth(1).map_or(Ok(3), |n| n.parse())?;
    let dull = OpticsParams { contrast: 0.45, halo: 0.6, wall: 0.4, ..OpticsParams::default() };
    let thick = CellParams { width: 10.0, ..CellParams::default() };
    for seed in 1000..1000 + seeds {
        let wide = MotherMachineParams { seed, fluo: 0, ..MotherMachineParams::default() };
        let tight = MotherMachineParams {
            channel_width: 12.5,
            cells: thick.clone(),
            optics: dull.clone(),
            ..wide.clone()
        };
        let optics = OpticsParams { noise: 0.05, ..dull.clone() };
        let noisy = MotherMachineParams { optics, ..tight.clone() };
        for (kind, params) in [("wide", &wide), ("tight", &tight), ("noisy", &noisy)] {
            print(kind, seed, &score_channels(params)?);
        }
        let colony = ColonyParams { seed, frames: 75, fluo: 0, ..ColonyParams::default() };
        let optics = OpticsParams { contrast: 0.4, halo: 1.5, ..OpticsParams::default() };
        let cells = CellParams { division_length: 44.0, ..thick.clone() };
        let halo = ColonyParams { optics, cells, ..colony.clone() };
        for (kind, params) in [("colony", &colony), ("halo", &halo)] {
            print(kind, seed, &score_colony(params, 5)?);
        }
    }
    Ok(())
}
