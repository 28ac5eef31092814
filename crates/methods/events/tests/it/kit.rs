//! What several tests need: shared answers.

use std::collections::BTreeMap;

use hooke_events::sim::MovieSim;
use hooke_testdata::NpzArray;
use ndarray::Array3;

/// The arrays of a file of shared answers, or `None` with a line that says so.
pub fn arrays(name: &str) -> Option<BTreeMap<String, NpzArray>> {
    let shared = hooke_testdata::shared(env!("CARGO_MANIFEST_DIR"));
    if shared.is_none() {
        println!("SKIPPED: no shared test data here");
    }
    Some(hooke_testdata::read_npz(&shared?.join("conformance/events").join(name)).unwrap())
}

pub fn close(found: f64, wanted: f64, tolerance: f64) -> bool {
    found == wanted || (found - wanted).abs() <= tolerance * wanted.abs().max(1.0)
}

/// All frames of a simulated movie.
pub fn movie(sim: &MovieSim) -> Array3<f32> {
    let [height, width] = sim.params().size;
    let mut movie = Array3::zeros((sim.params().frames, height, width));
    for (t, mut frame) in movie.outer_iter_mut().enumerate() {
        frame.assign(&sim.frame(t).mapv(f32::from));
    }
    movie
}

/// The true labels of all frames of a simulated movie.
pub fn labels(sim: &MovieSim) -> Array3<u32> {
    let [height, width] = sim.params().size;
    let mut labels = Array3::zeros((sim.params().frames, height, width));
    for (t, mut frame) in labels.outer_iter_mut().enumerate() {
        frame.assign(&sim.labels(t));
    }
    labels
}
