//! Times registration on one thread; prints JSON.
//!
//! `time_register [FRAMES] [SIZE]`: frames per second of processor time, of each stage and of all of them, for a
//! rigid and a piecewise movie. Stages run on blocks of 64 frames, as they do in a run.

use hooke_events::EventsError;
use hooke_events::register::{
    BlockEstimator, FrameQuality, Mode, RegisterParams, RigidEstimator, Template, estimate,
    settle_rigid, warp,
};
use hooke_events::sim::{Motion, MovieSim, MovieSimParams};
use ndarray::{Array2, Array3, Axis};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1).map(|w| w.parse::<usize>());
    let frames = words.next().unwrap_or(Ok(300))?;
    let size = words.next().unwrap_or(Ok(256))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        time(frames, size, Motion::Rigid, Mode::Rigid)?;
        time(frames, size, Motion::Piecewise, Mode::Piecewise)
    })?;
    Ok(())
}

fn time(
    frames: usize,
    size: usize,
    motion: Motion,
    mode: Mode,
) -> Result<(), hooke_events::EventsError> {
    let sim = MovieSimParams { frames, size: [size; 2], motion, ..MovieSimParams::default() };
    let sim = MovieSim::new(sim)?;
    let mut movie = Array3::zeros((frames, size, size));
    for (t, mut frame) in movie.outer_iter_mut().enumerate() {
        frame.assign(&sim.frame(t));
    }
    let params = RegisterParams { mode, ..RegisterParams::default() };
    let read = |t: usize| Ok(movie.index_axis(Axis(0), t).mapv(f32::from));
    let grey = movie.mapv(f32::from);

    let start = cpu_seconds();
    let template = Template::build::<EventsError>([frames, size, size], read, &params)?;
    let build = cpu_seconds() - start;

    let start = cpu_seconds();
    let estimates = RigidEstimator::new(&template, &params)?.estimate(grey.view(), 0)?;
    let rigid = cpu_seconds() - start;

    let start = cpu_seconds();
    if let Some(blocks) = BlockEstimator::new(&template, &params)? {
        blocks.estimate(grey.view(), 0, 0..frames, &settle_rigid(&estimates, &params))?;
    }
    let blocks = cpu_seconds() - start;

    let settled = estimate(movie.view(), &template, &params, 64)?;
    let start = cpu_seconds();
    let mut moved: Vec<Array2<u16>> = Vec::with_capacity(frames);
    for (t, frame) in movie.outer_iter().enumerate() {
        moved.push(warp(frame, &settled.table.displacement(t), &params)?);
    }
    let warping = cpu_seconds() - start;

    let start = cpu_seconds();
    let quality = FrameQuality::new(&template, settled.table.valid(), &params);
    for (t, frame) in moved.iter().enumerate() {
        quality.r(frame.mapv(f32::from).view());
        quality.r(grey.index_axis(Axis(0), t));
    }
    let scoring = cpu_seconds() - start;

    let per_frame = |seconds: f64| 1e3 * seconds / frames as f64;
    let all = build + rigid + blocks + warping;
    println!(
        "{}",
        json!({
            "motion": motion, "used": settled.mode, "frames": frames, "size": size,
            "template_s": build,
            "rigid_ms": per_frame(rigid), "blocks_ms": per_frame(blocks),
            "warp_ms": per_frame(warping), "r_ms": per_frame(scoring),
            "fps_estimate_and_warp": 1e3 / per_frame(rigid + blocks + warping),
            "fps_with_template": frames as f64 / all,
            "fps_with_template_and_r": frames as f64 / (all + scoring),
        })
    );
    Ok(())
}

/// Time of the processor that this process has used: others on the machine do not count.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}
