//! Simulates whole sets in memory, aligns and places them, and prints CPU seconds and errors as JSON.
//!
//! `cargo run --release -p hooke-stitch --example time_align [SET...] [--seed N]`
#![allow(clippy::unwrap_used)]

use hooke_stitch::align::{AlignParams, Correction, align_pair, prepare};
use hooke_stitch::pairs::pair_tasks;
use hooke_stitch::place::{PlaceParams, place};
use hooke_stitch::sim::{TileKind, TileSim, TileSimParams};
use hooke_stitch::tile_pixels::{TileError, TilePixels};
use rayon::prelude::*;

struct Tiles16 {
    shape: [usize; 3],
    tiles: Vec<Vec<u16>>,
}

impl TilePixels<f32> for Tiles16 {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<f32>,
    ) -> Result<(), TileError> {
        out.clear();
        let [_, ny, nx] = self.shape;
        for z in start[0]..start[0] + shape[0] {
            for y in start[1]..start[1] + shape[1] {
                let row = (z * ny + y) * nx + start[2];
                out.extend(self.tiles[tile][row..row + shape[2]].iter().map(|v| f32::from(*v)));
            }
        }
        Ok(())
    }
}

/// User and system time of this process in seconds, to 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Root mean square and largest distance to the truth after removing the mean difference.
fn errors(found: &[[f64; 3]], truth: &[[f64; 3]]) -> (f64, f64, [f64; 3]) {
    let n = found.len() as f64;
    let mean: [f64; 3] =
        std::array::from_fn(|d| found.iter().zip(truth).map(|(f, t)| f[d] - t[d]).sum::<f64>() / n);
    let mut per = [0.0; 3];
    let (mut sum, mut max) = (0.0, 0.0f64);
    for (f, t) in found.iter().zip(truth) {
        let e: [f64; 3] = std::array::from_fn(|d| f[d] - t[d] - mean[d]);
        (0..3).for_each(|d| per[d] += e[d] * e[d] / n);
        let e2: f64 = e.iter().map(|v| v * v).sum();
        sum += e2 / n;
        max = max.max(e2.sqrt());
    }
    (sum.sqrt(), max, per.map(f64::sqrt))
}

fn set(name: &str, seed: u64) -> TileSimParams {
    let full = TileSimParams { seed, ..Default::default() };
    let scaled = TileSimParams {
        tile: [32, 256, 256],
        overlap: [0, 40, 40],
        jitter: [4.0, 8.0, 8.0],
        ..full.clone()
    };
    let flat = TileSimParams {
        grid: [1, 4, 4],
        tile: [1, 256, 256],
        overlap: [0, 40, 40],
        jitter: [0.0, 8.0, 8.0],
        ..full.clone()
    };
    match name {
        "easy" => full,
        "subpixel" => TileSimParams { kind: TileKind::Subpixel, ..full },
        "hard" => TileSimParams { kind: TileKind::Hard, ..full },
        "scaled_easy" => scaled,
        "scaled_subpixel" => TileSimParams { kind: TileKind::Subpixel, ..scaled },
        "scaled_hard" => TileSimParams { kind: TileKind::Hard, ..scaled },
        "flat" => TileSimParams { kind: TileKind::Subpixel, ..flat },
        "flat_hard" => TileSimParams { kind: TileKind::Hard, ..flat },
        _ => panic!("unknown set {name}"),
    }
}

fn main() {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    let mut seed = 1;
    let mut verbose = false;
    if let Some(i) = names.iter().position(|a| a == "-v") {
        names.remove(i);
        verbose = true;
    }
    if let Some(i) = names.iter().position(|a| a == "--seed") {
        seed = names[i + 1].parse().unwrap();
        names.drain(i..i + 2);
    }
    let mut runs = 1;
    if let Some(i) = names.iter().position(|a| a == "--runs") {
        runs = names[i + 1].parse().unwrap();
        names.drain(i..i + 2);
    }
    if names.is_empty() {
        names = ["easy", "subpixel", "hard", "scaled_hard", "flat"].map(String::from).to_vec();
    }
    for (name, seed) in names.iter().flat_map(|n| (seed..seed + runs).map(move |s| (n, s))) {
        let sim = TileSim::new(set(name, seed)).unwrap();
        let tiles = Tiles16 {
            shape: sim.params().tile,
            tiles: (0..sim.len()).map(|i| sim.tile(i)).collect(),
        };
        let mut layout = sim.layout();
        let params = AlignParams { max_shift: [[-20, 20]; 3], ..Default::default() };
        let correction = Correction::default();
        let (wall, cpu) = (std::time::Instant::now(), cpu_seconds());
        let statistics = prepare(&layout, &tiles, &params, &correction, &()).unwrap();
        let cpu_prepare = cpu_seconds() - cpu;
        let tasks = pair_tasks(&layout, &params).unwrap();
        let outcomes: Vec<_> = tasks
            .par_iter()
            .map(|t| align_pair(&layout, t, &tiles, &params, &correction, &statistics).unwrap())
            .collect();
        let (cpu, wall) = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
        layout.pairs = outcomes.iter().map(|o| o.pair.clone()).collect();
        let warnings: Vec<_> =
            outcomes.iter().flat_map(|o| &o.warnings).map(|w| w.message.clone()).collect();
        place(&mut layout, &PlaceParams::default()).unwrap();
        let found: Vec<[f64; 3]> = layout.tiles.iter().map(|t| t.position_px.unwrap().0).collect();
        let (rms, max, per) = errors(&found, sim.truth());
        let mut covered = (0, 0);
        let mut z2 = 0.0;
        for p in &layout.pairs {
            let truth: [f64; 3] =
                std::array::from_fn(|d| sim.truth()[p.post][d] - sim.truth()[p.pre][d]);
            let error: [f64; 3] = std::array::from_fn(|d| p.displacement_px[d] - truth[d]);
            if let Some(sd) = p.sd_px {
                for d in (0..3).filter(|d| sd[*d] > 0.0) {
                    covered.1 += 1;
                    z2 += (error[d] / sd[d]).powi(2);
                    covered.0 += usize::from(error[d].abs() <= 1.96 * sd[d]);
                }
            }
            if verbose {
                println!(
                    "  {}-{} {:?} err {:.4?} sd {:.4?} ncc {:.3?} p {:.1e} ratio {:.2?} {:?}",
                    p.pre,
                    p.post,
                    p.status,
                    error,
                    p.sd_px.map(|s| s.0),
                    p.ncc.unwrap_or(f64::NAN),
                    p.p_false.unwrap_or(f64::NAN),
                    p.peak_ratio.unwrap_or(f64::NAN),
                    p.reason
                );
            }
        }
        println!(
            "{}",
            serde_json::json!({
                "set": name, "seed": seed, "cpu_s": cpu, "cpu_prepare_s": cpu_prepare, "wall_s": wall,
                "rms_px": rms, "max_px": max, "rms_zyx_px": per, "pairs": layout.pairs.len(),
                "covered_95": format!("{}/{}", covered.0, covered.1),
                "z_rms": (z2 / f64::from(covered.1)).sqrt(), "null": statistics.null, "pattern_sd": statistics.pattern.as_ref().map(|p| p.sd),
                "floor": statistics.levels.first().map(|l| l.floor), "noise": statistics.levels.first().map(|l| l.noise),
                "warnings": warnings,
            })
        );
    }
}
