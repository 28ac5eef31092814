//! Prints mean relative errors of length, width and area of drawn rods, over angles and places, and the largest mean
//! error of the length at any one angle: `cargo run --release -p hooke-lineage --example rod_bias`.

use std::f64::consts::{FRAC_PI_4, PI};

use hooke_lineage::measure::{Definition, measure_cells};
use ndarray::Array2;

const ANGLES: usize = 36;
const PLACES: usize = 25;

/// A rod, its axis an arc of total turn `bend`, drawn by pixel centres.
fn draw(length: f64, width: f64, bend: f64, angle: f64, shift: [f64; 2]) -> Array2<u32> {
    let size = length as usize + 8;
    let (cy, cx) = (size as f64 / 2.0 + shift[0], size as f64 / 2.0 + shift[1]);
    let half = (length - width) / 2.0;
    let (sin, cos) = angle.sin_cos();
    Array2::from_shape_fn((size, size), |(y, x)| {
        let (dx, dy) = (x as f64 - cx, y as f64 - cy);
        let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let distance = if bend == 0.0 {
            (along.abs() - half).max(0.0).hypot(across)
        } else {
            let radius = 2.0 * half / bend;
            let turn = along.atan2(radius - across).clamp(-bend / 2.0, bend / 2.0);
            (along - radius * turn.sin()).hypot(across - radius + radius * turn.cos())
        };
        u32::from(distance <= width / 2.0)
    })
}

fn main() {
    println!("length width curvature | length  width   area   worst angle (length), in %");
    for length in [8.0, 12.0, 20.0, 34.0, 60.0] {
        for width in [4.0, 5.5, 8.0, 12.0] {
            if width > length / 1.5 {
                continue;
            }
            for curvature in [0.0, 0.02] {
                let bend = curvature * (length - width);
                let area = (length - width) * width + FRAC_PI_4 * width * width;
                let mut sums = [0.0; 3];
                let mut worst = 0.0_f64;
                for a in 0..ANGLES {
                    let angle = PI * a as f64 / ANGLES as f64;
                    let mut of_angle = 0.0;
                    for p in 0..PLACES {
                        let shift =
                            [0.754_877_666, 0.569_840_291].map(|k| (0.5 + p as f64 * k).fract());
                        let labels = draw(length, width, bend, angle, shift);
                        let cells = measure_cells(labels.view(), &[], Definition::Hooke);
                        let Some(cell) = cells.ok().and_then(|c| c.into_iter().next()) else {
                            return;
                        };
                        let off = f64::from(cell.features.length) / length - 1.0;
                        of_angle += off / PLACES as f64;
                        sums[0] += off;
                        sums[1] += f64::from(cell.features.width) / width - 1.0;
                        sums[2] += f64::from(cell.features.area) / area - 1.0;
                    }
                    worst = worst.max(of_angle.abs());
                }
                let n = (ANGLES * PLACES) as f64;
                let [l, w, a] = sums.map(|s| 100.0 * s / n);
                let worst = 100.0 * worst;
                println!(
                    "{length:6} {width:5} {curvature:9} | {l:+6.2} {w:+6.2} {a:+6.2}   {worst:.2}"
                );
            }
        }
    }
}
