//! Times matching: points spread evenly, and single components that are large.
//!
//! Prints one JSON line per case: `{"name": .., "wall_s": .., "edges": .., "pairs": .., ..}`.
//! `--quick` leaves out the million points.

use std::time::Instant;

use hooke_blobs::matching::{Gate, Objective, match_points};
use hooke_core::seed::rng_at;
use rand::RngExt;

type Failure = Box<dyn std::error::Error>;
type Points = Vec<[f64; 3]>;

fn scattered(seed: u64, n: usize, extent: [f64; 3]) -> Points {
    let mut rng = rng_at(seed, "time match", &[]);
    (0..n).map(|_| extent.map(|e| e * rng.random::<f64>())).collect()
}

fn case(name: &str, a: &Points, b: &Points, tolerance: f64) -> Result<(), Failure> {
    let gate = Gate::new([tolerance; 3])?;
    for objective in [Objective::Cardinality, Objective::Distance] {
        let start = Instant::now();
        let found = match_points(a, b, &gate, objective)?;
        let wall = start.elapsed().as_secs_f64();
        println!(
            "{{\"name\": \"{name}\", \"objective\": \"{objective:?}\", \"wall_s\": {wall:.3}, \
             \"edges\": {}, \"pairs\": {}, \"largest_component\": {}}}",
            found.edges,
            found.pairs.len(),
            found.largest_component
        );
    }
    Ok(())
}

/// Points along a line, in turn on both sides.
fn chain(n: usize, step: impl Fn(usize) -> f64) -> [Points; 2] {
    let (mut sides, mut at) = ([Vec::new(), Vec::new()], 0.0);
    for i in 0..n {
        sides[i % 2].push([0.0, 0.0, at]);
        at += step(i);
    }
    sides
}

fn main() -> Result<(), Failure> {
    let sizes: &[usize] =
        if std::env::args().any(|a| a == "--quick") { &[100_000] } else { &[100_000, 1_000_000] };
    for n in sizes {
        // Mean degree `rho * 4/3 pi r^3`.
        for degree in [0.5, 2.0] {
            let volume = *n as f64 * 4.0 / 3.0 * std::f64::consts::PI * 125.0 / degree;
            let extent = [volume.cbrt(); 3];
            let (a, b) = (scattered(1, *n, extent), scattered(2, *n, extent));
            case(&format!("{n} x {n}, degree {degree}"), &a, &b, 5.0)?;
        }
    }
    let [a, b] = chain(10_000, |_| 4.0);
    case("even chain of 10000", &a, &b, 5.0)?;
    let [a, b] = chain(10_000, |i| 4.9 - 1e-5 * i as f64);
    case("narrowing chain of 10000", &a, &b, 5.0)?;
    for degree in [4.0f64, 8.0, 30.0] {
        for n in [5_000, 3_000] {
            let side = (5_000.0 * 4.0 / 3.0 * std::f64::consts::PI * 125.0 / degree).cbrt();
            let (a, b) = (scattered(3, 5_000, [side; 3]), scattered(4, n, [side; 3]));
            case(&format!("5000 x {n}, degree {degree}"), &a, &b, 5.0)?;
        }
    }
    Ok(())
}
