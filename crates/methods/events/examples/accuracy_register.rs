//! Registers simulated movies and prints errors as JSON lines.
//!
//! `accuracy_register [SEEDS] [FRAMES] [SIZE]`: for each seed a movie of each motion, sparse and dense in
//! events, on all cores. Rigid errors are of the frames' shifts, dense ones of every tenth field.

use hooke_events::register::{Mode, RegisterParams, Registered, register};
use hooke_events::score::{registration, registration_fields};
use hooke_events::sim::{Motion, MovieSim, MovieSimParams};
use ndarray::{Array3, Array4, Axis};
use serde_json::json;

/// Frames between those whose fields are compared.
const EVERY: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1).map(|w| w.parse::<usize>());
    let seeds = words.next().unwrap_or(Ok(3))?;
    let frames = words.next().unwrap_or(Ok(1000))?;
    let size = words.next().unwrap_or(Ok(256))?;
    for seed in 1..=seeds as u64 {
        for events in [60, 240] {
            for motion in [Motion::None, Motion::Rigid, Motion::Piecewise] {
                let params = MovieSimParams {
                    frames,
                    size: [size; 2],
                    events,
                    motion,
                    seed,
                    ..MovieSimParams::default()
                };
                measure(&MovieSim::new(params)?)?;
            }
        }
    }
    Ok(())
}

fn measure(sim: &MovieSim) -> Result<(), Box<dyn std::error::Error>> {
    let MovieSimParams { frames, size: [height, width], .. } = *sim.params();
    let mut movie = Array3::zeros((frames, height, width));
    for (t, mut frame) in movie.outer_iter_mut().enumerate() {
        frame.assign(&sim.frame(t));
    }
    let modes: &[Mode] = match sim.params().motion {
        Motion::Piecewise => &[Mode::Auto, Mode::Rigid],
        _ => &[Mode::Auto],
    };
    for mode in modes {
        let params = RegisterParams { mode: *mode, ..RegisterParams::default() };
        let found = register(movie.view(), None, &params)?;
        print(sim, *mode, &found)?;
    }
    Ok(())
}

fn print(
    sim: &MovieSim,
    mode: Mode,
    found: &Registered<u16>,
) -> Result<(), Box<dyn std::error::Error>> {
    let frames = sim.params().frames;
    let shifts: Vec<_> = found.table.frames().iter().map(|f| f.shift).collect();
    let truth: Vec<_> = (0..frames).map(|t| sim.shift(t)).collect();
    let fields = |field: &dyn Fn(usize) -> Array3<f32>| {
        let [height, width] = sim.params().size;
        let mut fields = Array4::zeros((frames.div_ceil(EVERY), height, width, 2));
        for (mut out, t) in fields.axis_iter_mut(Axis(0)).zip((0..frames).step_by(EVERY)) {
            out.assign(&field(t));
        }
        fields
    };
    let dense = registration_fields(
        fields(&|t| found.table.field(t)).view(),
        fields(&|t| sim.field(t)).view(),
    )?;
    let line = json!({
        "seed": sim.params().seed, "events": sim.params().events, "motion": sim.params().motion,
        "asked": mode, "used": found.mode,
        "rigid": registration(&shifts, &truth)?,
        "dense": dense,
        "gate": found.gate,
        "template": found.stats,
        "valid": found.table.valid(),
    });
    println!("{line}");
    Ok(())
}
