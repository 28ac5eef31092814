//! Prints how many cells are measured per second of one core's time, contour, poles and all figures together, and per
//! second on the clock: `cargo run --release -p hooke-lineage --example time_measure`.

use std::time::Instant;

use hooke_lineage::contour::{cell_contours, find_poles};
use hooke_lineage::measure::{Definition, measure_cells};
use hooke_lineage::sim::{ColonyParams, MotherMachineParams, Movie};
use rustix::time::{ClockId, clock_gettime};

/// Time that all threads of this process have run. On a shared machine the clock also counts others' work.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let channels = MotherMachineParams { frames: 10, channels: 16, ..Default::default() };
    let colony = ColonyParams { frames: 60, ..Default::default() };
    let movies = [
        ("channels", Movie::mother_machine(&channels)?.collect::<Vec<_>>()),
        ("colony", Movie::colony(&colony)?.skip(50).collect()),
    ];
    for (name, frames) in movies {
        let of_frame = |frame: &hooke_lineage::sim::SimFrame| {
            frame.images[1..].iter().map(|image| image.mapv(f32::from)).collect::<Vec<_>>()
        };
        let fluo: Vec<_> = frames.iter().map(of_frame).collect();
        for definition in [Definition::Hooke, Definition::Delta] {
            let (mut cells, start, cpu) = (0, Instant::now(), cpu_seconds());
            while start.elapsed().as_secs_f64() < 3.0 {
                for (frame, fluo) in frames.iter().zip(&fluo) {
                    let fluo: Vec<_> = fluo.iter().map(|image| image.view()).collect();
                    let contours = cell_contours(frame.labels.view());
                    let poles: Vec<_> = contours.iter().map(|(_, c)| find_poles(c)).collect();
                    let measured =
                        pool.install(|| measure_cells(frame.labels.view(), &fluo, definition))?;
                    assert_eq!(poles.len(), measured.len());
                    cells += measured.len();
                }
            }
            let [cpu, clock] = [cpu_seconds() - cpu, start.elapsed().as_secs_f64()];
            let cells = cells as f64;
            println!(
                "{name} {definition:?}: {:.0} cell-frames/s of a core, {:.0} by the clock",
                cells / cpu,
                cells / clock
            );
        }
    }
    Ok(())
}
