//! Times the classical segmentation on one thread; prints one JSON line for channels and one for a colony.
//!
//! `time_segment [FRAMES]`. Simulation is not counted.

use hooke_lineage::LineageError;
use hooke_lineage::sim::{ColonyParams, MotherMachineParams};
use serde_json::json;

#[allow(missing_docs, dead_code)]
#[path = "../tests/it/segment_kit.rs"]
mod segment_kit;

use segment_kit::{Score, score_channels, score_colony};

fn print(kind: &str, score: &Score) {
    let line = json!({
        "kind": kind, "seconds": score.seconds, "mpx_per_s": score.pixels as f64 / 1e6 / score.seconds,
        "cell_frames_per_s": score.cells as f64 / score.seconds,
    });
    println!("{line}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let frames: u32 = std::env::args().nth(1).map_or(Ok(75), |n| n.parse())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        let channels = MotherMachineParams { frames, fluo: 0, ..MotherMachineParams::default() };
        print("channels", &score_channels(&channels)?);
        let colony = ColonyParams { frames, fluo: 0, ..ColonyParams::default() };
        print("colony", &score_colony(&colony, 5)?);
        Ok::<(), LineageError>(())
    })?;
    Ok(())
}
