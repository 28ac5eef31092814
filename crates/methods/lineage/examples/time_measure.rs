//! Prints how many cells are measured per second on one thread, contour, poles and all figures together:
//! `cargo run --release -p hooke-lineage --example time_measure`.

use std::time::Instant;

use hooke_lineage::contour::{cell_contours, find_poles};
use hooke_lineage::measure::{Definition, measure_cells};
use hooke_lineage::sim::{ColonyParams, MotherMachineParams, Movie};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let channels = MotherMachineParams { frames: 10, channels: 16, ..Default::default() };
    let colony = ColonyParams { frames: 60, ..Default::default() };
    let movies = [
        ("channels", Movie::mother_machine(&channels)?.collect::<Vec<_>>()),
        ("colony", Movie::colony(&colony)?.skip(50).collect()),
    ];
    for (name, frames) in movies {
        for definition in [Definition::Hooke, Definition::Delta] {
            let (mut cells, start) = (0, Instant::now());
            while start.elapsed().as_secs_f64() < 2.0 {
                for frame in &frames {
                    let fluo: Vec<_> =
                        frame.images[1..].iter().map(|i| i.mapv(f32::from)).collect();
                    let fluo: Vec<_> = fluo.iter().map(|i| i.view()).collect();
                    let poles: Vec<_> = cell_contours(frame.labels.view())
                        .iter()
                        .map(|c| find_poles(&c.1))
                        .collect();
                    let measured =
                        pool.install(|| measure_cells(frame.labels.view(), &fluo, definition))?;
                    assert_eq!(poles.len(), measured.len());
                    cells += measured.len();
                }
            }
            let rate = cells as f64 / start.elapsed().as_secs_f64();
            println!("{name} {definition:?}: {rate:.0} cell-frames/s");
        }
    }
    Ok(())
}
