//! Random event maps and their movies.

use hooke_core::seed::rng_at;
use ndarray::Array3;
use rand::RngExt;

/// Overlapping balls and crumbs with ids from 1, and a movie of noise around 1.
pub fn random_map(seed: u64, shape: [usize; 3], events: u32) -> (Array3<u32>, Array3<f32>) {
    let mut rng = rng_at(seed, "random_map", &[]);
    let mut labels = Array3::zeros(shape);
    for id in 1..=events {
        let centre: [f64; 3] = std::array::from_fn(|a| rng.random::<f64>() * shape[a] as f64);
        let radius = 1.0 + 4.0 * rng.random::<f64>();
        let keep = if id % 3 == 0 { 0.5 } else { 1.0 };
        for (place, label) in labels.indexed_iter_mut() {
            let place = [place.0, place.1, place.2];
            let squared: f64 = (0..3).map(|a| (place[a] as f64 - centre[a]).powi(2)).sum();
            if squared < radius * radius && rng.random::<f64>() < keep {
                *label = id;
            }
        }
    }
    let movie = Array3::from_shape_simple_fn(shape, || rng.random::<f32>() * 2.0);
    (labels, movie)
}
