//! Times baselines and detection on one thread; prints JSON.
//!
//! `time_events [FRAMES] [SIZE] [ROUNDS]`: seconds of processor time, the best of some rounds, on the standard
//! simulated movie of 1000 frames of 256 x 256. Memory is the peak of the process.

use hooke_events::delta::{Baseline, DeltaParams, delta};
use hooke_events::detect::{DetectParams, Sign, detect, row_noise, smooth, temporal_marks};
use hooke_events::sim::{MovieSim, MovieSimParams};
use ndarray::{Array2, Array3, Axis};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |i: usize, default: usize| {
        std::env::args().nth(i).map_or(Ok(default), |n| n.parse::<usize>())
    };
    let (frames, size, rounds) = (number(1, 1000)?, number(2, 256)?, number(3, 2)?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let sim =
        MovieSim::new(MovieSimParams { frames, size: [size; 2], ..MovieSimParams::default() })?;
    let mut movie = Array3::<f32>::zeros((frames, size, size));
    let start = cpu_seconds();
    for t in 0..frames {
        movie.index_axis_mut(Axis(0), t).assign(&sim.frame(t).mapv(f32::from));
    }
    let simulated = cpu_seconds() - start;
    let best = |run: &mut (dyn FnMut() + Send)| {
        let mut best = f64::INFINITY;
        for _ in 0..rounds.max(1) {
            let start = cpu_seconds();
            pool.install(&mut *run);
            best = best.min(cpu_seconds() - start);
        }
        best
    };
    let with = |baseline| DeltaParams { baseline, ..DeltaParams::default() };
    let mut df = Array3::zeros((0, 0, 0));
    let mut of_baseline = |baseline| {
        best(&mut || {
            df = delta(movie.view(), &with(baseline), false).map(|d| d.values).unwrap_or_default();
        })
    };
    let maximin = of_baseline(Baseline::Maximin);
    let min_filter = of_baseline(Baseline::MinFilter);
    let quantile = of_baseline(Baseline::Quantile);
    let params = DetectParams::default();
    let mut g = Array3::zeros((0, 0, 0));
    let smoothing = best(&mut || g = smooth(df.view(), [0..frames, 0..size, 0..size], &params));
    let noise = best(&mut || drop(row_noise(g.view(), &params)));
    let scale = Array2::from_elem((size, size), 1.0 / 5.0);
    let temporal = params.temporal.unwrap_or_default();
    let peaks =
        best(&mut || drop(temporal_marks(g.view(), scale.view(), &temporal, Sign::Positive)));
    drop(g);
    let mut events = 0;
    let detection = best(&mut || {
        events = detect(df.view(), &params).map_or(0, |d| d.events.len());
    });
    let report = json!({
        "simulation": simulated, "quantile": quantile, "min_filter": min_filter,
        "maximin": maximin, "detect": detection, "smooth": smoothing, "noise": noise,
        "temporal": peaks, "events": events, "peak_mb": peak_mb(),
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Time of the processor that this process has used: others on the machine do not count.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Most memory that this process ever held, where the system tells.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}
