//! Times the measuring of events: a map of 1000 x 256 x 256 with 60 and 500 events.
//!
//! Prints one JSON line per case, seconds of all threads together: `{"events": .., "boxes_s": ..,
//! "rows_s": .., "voxels": ..}`.

use hooke_core::seed::rng_at;
use hooke_events::characterize::{BoxFinder, Characterizer, Recording};
use ndarray::{Array3, Axis};
use rand::RngExt;

type Failure = Box<dyn std::error::Error>;

const SHAPE: [usize; 3] = [1000, 256, 256];

/// Seconds that the process has computed.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Ellipsoids with a ragged surface, 20 to 60 frames long and 8 to 24 pixels wide.
fn map(events: u32) -> Array3<u32> {
    let mut labels = Array3::zeros(SHAPE);
    for id in 1..=events {
        let mut rng = rng_at(1, "time characterize", &[id.into()]);
        let radius = [
            10.0 + 20.0 * rng.random::<f64>(),
            4.0 + 8.0 * rng.random::<f64>(),
            4.0 + 8.0 * rng.random::<f64>(),
        ];
        let centre: [f64; 3] = std::array::from_fn(|a| rng.random::<f64>() * SHAPE[a] as f64);
        let span = |a: usize| {
            (centre[a] - radius[a]).max(0.0) as usize
                ..((centre[a] + radius[a]) as usize).min(SHAPE[a])
        };
        for (z, x) in span(0).flat_map(|z| span(1).map(move |x| (z, x))) {
            for y in span(2) {
                let squared: f64 = [z, x, y]
                    .iter()
                    .enumerate()
                    .map(|(a, v)| ((*v as f64 - centre[a]) / radius[a]).powi(2))
                    .sum();
                if squared < 0.85 + 0.15 * rng.random::<f64>() {
                    labels[[z, x, y]] = id;
                }
            }
        }
    }
    labels
}

fn main() -> Result<(), Failure> {
    let mut rng = rng_at(2, "time characterize", &[]);
    let movie = Array3::from_shape_simple_fn(SHAPE, || rng.random::<f32>());
    for events in [60, 500] {
        let labels = map(events);
        let start = cpu_seconds();
        let mut finder = BoxFinder::new();
        for slab in labels.axis_chunks_iter(Axis(0), 64) {
            finder.push(slab)?;
        }
        let boxes = finder.finish();
        let found = cpu_seconds();
        let mut characterizer = Characterizer::new(Recording::of_shape(SHAPE), &boxes)?;
        let mut rows = Vec::new();
        for (map, movie) in
            labels.axis_chunks_iter(Axis(0), 64).zip(movie.axis_chunks_iter(Axis(0), 64))
        {
            rows.extend(characterizer.push(map, movie, Some(movie))?);
        }
        characterizer.finish()?;
        let end = cpu_seconds();
        println!(
            "{{\"events\": {}, \"boxes_s\": {:.3}, \"rows_s\": {:.3}, \"voxels\": {}}}",
            rows.len(),
            found - start,
            end - found,
            rows.iter().map(|r| r.v_area).sum::<u64>()
        );
    }
    Ok(())
}
