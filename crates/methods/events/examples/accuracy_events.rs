//! Accuracy of baseline and detection on simulated movies; prints JSON, one line per movie.
//!
//! `accuracy_events [SEEDS] [FRAMES] [SIZE]`: for each seed sparse, dense and empty movies, and the sparse one
//! at half and four times the gain. Baseline: bias and root mean square on quiet voxels, in standard
//! deviations of a voxel's noise, and the slope of dF on active ones. Events: scores at an IoU of 0.3.

use hooke_events::delta::{DeltaParams, delta};
use hooke_events::detect::{DetectParams, detect};
use hooke_events::score::events::score_events;
use hooke_events::sim::{MovieSim, MovieSimParams};
use ndarray::Array3;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |i: usize, default: usize| {
        std::env::args().nth(i).map_or(Ok(default), |n| n.parse::<usize>())
    };
    let (seeds, frames, size) = (number(1, 2)?, number(2, 1000)?, number(3, 256)?);
    // Events per voxel of the standard movie: 60 of 1000 frames of 256 x 256.
    let events = |density: f64| {
        (density * 60.0 * (frames * size * size) as f64 / 65_536_000.0).round() as usize
    };
    for seed in 1..=seeds as u64 {
        for (density, gain) in
            [(1.0, 8.0), (1.0, 4.0), (1.0, 32.0), (3.0, 8.0), (8.0, 8.0), (0.0, 8.0)]
        {
            let params = MovieSimParams {
                frames,
                size: [size, size],
                events: events(density),
                gain,
                seed,
                ..MovieSimParams::default()
            };
            println!("{}", measure(params, density)?);
        }
    }
    Ok(())
}

fn measure(
    params: MovieSimParams,
    density: f64,
) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let sim = MovieSim::new(params.clone())?;
    let shape = (params.frames, params.size[0], params.size[1]);
    let mut movie = Array3::<f32>::zeros(shape);
    let mut truth = Array3::<u32>::zeros(shape);
    for t in 0..params.frames {
        movie.index_axis_mut(ndarray::Axis(0), t).assign(&sim.frame(t).mapv(f32::from));
        truth.index_axis_mut(ndarray::Axis(0), t).assign(&sim.labels(t));
    }
    let found = delta(movie.view(), &DeltaParams::default(), false)?;
    let [bias, rmse, slope] = baseline_errors(&sim, &movie, &found.values);
    let mut report = json!({
        "seed": params.seed, "density": density, "gain": params.gain,
        "bias_sd": bias, "rmse_sd": rmse, "slope": slope,
    });
    let found = detect(found.values.view(), &DetectParams::default())?;
    report["events"] = json!(score_events(found.event_map.view(), truth.view(), 0.3)?);
    report["p_over_0.05"] = json!(found.events.iter().filter(|e| e.p_value > 0.05).count());
    Ok(report)
}

fn baseline_errors(sim: &MovieSim, movie: &Array3<f32>, df: &Array3<f32>) -> [f64; 3] {
    let params = sim.params();
    let sd = (params.gain * params.gain * params.photons + params.read_noise.powi(2)).sqrt();
    let (mut n, mut sum, mut squares, mut xy, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for t in 0..params.frames {
        let (background, truth) = (sim.background(t), sim.df(t));
        for ((y, x), background) in background.indexed_iter() {
            let (found, truth) = (f64::from(df[[t, y, x]]), f64::from(truth[[y, x]]));
            if truth < 0.5 * params.gain {
                let baseline = f64::from(movie[[t, y, x]]) - found;
                let error = (baseline - f64::from(*background)) / sd;
                (n, sum, squares) = (n + 1.0, sum + error, squares + error * error);
            } else {
                (xy, xx) = (xy + truth * found, xx + truth * truth);
            }
        }
    }
    [sum / n, (squares / n).sqrt(), xy / xx]
}
