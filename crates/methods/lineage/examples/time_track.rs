//! Times linking of simulated cells on true masks; prints JSON.
//!
//! `time_track [REPEATS]`: cell-frames a second for six channels of 300 frames and for a colony of up to 200 cells in 50
//! frames, with the time of the process alone (other work of the machine does not count).
#![allow(clippy::unwrap_used)]

#[path = "../tests/it/link_kit.rs"]
#[allow(dead_code)]
mod link_kit;

use hooke_lineage::sim::{ColonyParams, MotherMachineParams};
use hooke_lineage::track::dp::{DpParams, link_channel};
use hooke_lineage::track::flow::{FlowParams, link_colony};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The least time of several runs.
fn best(repeats: usize, mut run: impl FnMut()) -> f64 {
    let mut time = || {
        let start = seconds();
        run();
        seconds() - start
    };
    (0..repeats).map(|_| time()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let repeats: usize = std::env::args().nth(1).map_or(3, |n| n.parse().unwrap());
    let params = MotherMachineParams {
        frames: 300,
        channels: 6,
        empty_channels: 0,
        drift: 0.0,
        fluo: 0,
        ..MotherMachineParams::default()
    };
    let (channels, closed) = link_kit::channels(&params);
    let movies: Vec<_> = channels.iter().map(|c| link_kit::certain(c, closed)).collect();
    let cells: usize = channels.iter().flatten().map(Vec::len).sum();
    let dp = |repair: bool| {
        let params = DpParams { repair, ..DpParams::default() };
        let time = best(repeats, || {
            movies.iter().for_each(|movie| drop(link_channel(movie, &params).unwrap()));
        });
        json!({ "cell_frames": cells, "cpu_s": time, "cell_frames_per_s": cells as f64 / time })
    };
    let params = ColonyParams {
        frames: 65,
        founders: 8,
        size: 400,
        drift: 0.0,
        fluo: 0,
        ..ColonyParams::default()
    };
    let movie = link_kit::colony(&params);
    let masks = link_kit::masks(&movie[15..], 0, 3.0, 0.0);
    let frames = link_kit::cells_of(&masks);
    let cells: usize = frames.iter().map(Vec::len).sum();
    let time = best(repeats, || drop(link_colony(&frames, &FlowParams::default()).unwrap()));
    let report = json!({
        "dp": dp(false),
        "dp_repair": dp(true),
        "flow": { "cell_frames": cells, "cpu_s": time, "cell_frames_per_s": cells as f64 / time },
    });
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}
