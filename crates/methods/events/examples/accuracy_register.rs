//! Registers simulated movies and prints errors as JSON lines.
//!
//! `accuracy_register [SEEDS] [FRAMES] [SIZE]`: for each seed a movie of each motion, the last one with four
//! times the events again, on all cores. Rigid errors are of the frames' shifts, dense ones of every tenth field.
//! A size above 64 is wanted.

use hooke_events::register::{RegisterParams, Registered, register};
use hooke_events::score::{registration, registration_fields};
use hooke_events::sim::{Motion, MovieSim, MovieSimParams};
use ndarray::{Array3, Array4, Axis, s};
use serde_json::json;

/// Frames between those whose fields are compared.
const EVERY: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1).map(|w| w.parse::<usize>());
    let seeds = words.next().unwrap_or(Ok(3))?;
    let frames = words.next().unwrap_or(Ok(1000))?;
    let size = words.next().unwrap_or(Ok(256))?;
    let cases = [
        (60, Motion::None),
        (60, Motion::Rigid),
        (60, Motion::Piecewise),
        (240, Motion::Piecewise),
    ];
    for seed in 1..=seeds as u64 {
        for (events, motion) in cases {
            let size = [size; 2];
            let params =
                MovieSimParams { frames, size, events, motion, seed, ..MovieSimParams::default() };
            measure(&MovieSim::new(params)?)?;
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
    print(sim, &register(movie.view(), None, &RegisterParams::default())?)
}

fn print(sim: &MovieSim, found: &Registered<u16>) -> Result<(), Box<dyn std::error::Error>> {
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
    let (mine, theirs) = (fields(&|t| found.table.field(t)), fields(&|t| sim.field(t)));
    // Away from the edges, where the field is drawn out beyond the centres of the outer blocks.
    let [height, width] = sim.params().size;
    let edge = 32;
    let inner = s![.., edge..height - edge, edge..width - edge, ..];
    let line = json!({
        "seed": sim.params().seed, "events": sim.params().events, "motion": sim.params().motion,
        "used": found.mode,
        "rigid": registration(&shifts, &truth)?,
        "dense": registration_fields(mine.view(), theirs.view())?,
        "dense_inner": registration_fields(mine.slice(inner), theirs.slice(inner))?,
        "gate": found.gate,
        "template": found.stats,
        "valid": found.table.valid(),
    });
    println!("{line}");
    Ok(())
}
