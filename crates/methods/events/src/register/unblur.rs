//! The field behind what blocks see of it.
//!
//! A block's displacement is a mean of the field over the block, weighted by where the template has
//! gradients along that axis: `sum (w ∂T)² u / sum (w ∂T)²`, by linearizing the correlation. Taken for the
//! field at the block's centre it would be flat, and off by the field's slope times the distance of the block's
//! structures from its centre.

use super::correlate::taper;
use super::grid::BlockGrid;
use super::spline_field::FieldSpline;

/// Iterations of Van Cittert's scheme, `v + (seen - A v)`; more lift the noise of single blocks.
const TIMES: usize = 2;

/// Distance of the points at which fields are averaged, pixels.
const STEP: usize = 4;

/// Part of the weights that is spread evenly over the block.
const EVEN: f64 = 0.02;

/// What makes of values at the centres of blocks the means that the blocks see, and back.
#[derive(Debug, Clone)]
pub(crate) struct Unblur {
    spline: FieldSpline,
    /// Per axis and block: weights, of sum 1, of points of the spline's grid.
    weights: [Vec<Vec<(usize, f32)>>; 2],
}

impl Unblur {
    /// * `template`: filtered, of `shape`.
    pub fn new(grid: &BlockGrid, template: &[f32], shape: [usize; 2]) -> Self {
        let points = shape.map(|n| (0..n).step_by(STEP).map(|p| p as f64).collect::<Vec<f64>>());
        let columns = points[1].len();
        let window = taper(grid.block);
        let at = |y: usize, x: usize| f64::from(template[y * shape[1] + x]);
        let slope = |axis: usize, y: usize, x: usize| {
            let (low, high) = match axis {
                0 => (at(y.saturating_sub(1), x), at((y + 1).min(shape[0] - 1), x)),
                _ => (at(y, x.saturating_sub(1)), at(y, (x + 1).min(shape[1] - 1))),
            };
            high - low
        };
        let nearest = |p: usize, count: usize| ((p + STEP / 2) / STEP).min(count - 1);
        let weights = [0, 1].map(|axis| {
            grid.corners()
                .map(|[top, left]| {
                    let mut sums = std::collections::BTreeMap::<usize, [f64; 2]>::new();
                    for (i, wy) in window.iter().enumerate() {
                        let row = nearest(top + i, points[0].len()) * columns;
                        for (j, wx) in window.iter().enumerate() {
                            let w = (wy * wx).powi(2);
                            let energy = w * slope(axis, top + i, left + j).powi(2);
                            let sum = sums.entry(row + nearest(left + j, columns)).or_default();
                            *sum = [sum[0] + energy, sum[1] + w];
                        }
                    }
                    let [energy, even] =
                        sums.values().fold([0.0; 2], |s, v| [s[0] + v[0], s[1] + v[1]]);
                    let part = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
                    let share = if energy > 0.0 { EVEN } else { 1.0 };
                    sums.into_iter()
                        .map(|(point, [e, w])| {
                            let weight = (1.0 - share) * part(e, energy) + share * part(w, even);
                            (point, weight as f32)
                        })
                        .collect()
                })
                .collect()
        });
        Self { spline: FieldSpline::new(&grid.centres(), &points), weights }
    }

    /// The values at the centres, row by row, of a field of which blocks see `seen` along an axis.
    pub fn apply(&self, seen: &[f32], axis: usize) -> Vec<f32> {
        let mut values = seen.to_vec();
        for _ in 0..TIMES {
            let now = self.seen(&values, axis);
            for ((value, seen), now) in values.iter_mut().zip(seen).zip(now) {
                *value += seen - now;
            }
        }
        values
    }

    /// What blocks see along an axis of the field through some values.
    fn seen(&self, values: &[f32], axis: usize) -> Vec<f32> {
        let field = self.spline.field(values);
        let field = field.as_slice().unwrap_or(&[]);
        self.weights[axis]
            .iter()
            .map(|block| block.iter().filter_map(|(i, w)| Some(w * field.get(*i)?)).sum())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::params::RegisterParams;
    use super::*;

    #[test]
    fn a_wave_is_found_behind_what_lopsided_blocks_see() {
        let shape = [288, 288];
        let grid = BlockGrid::new(shape, &RegisterParams::default()).expect("larger");
        // Structures crowd along some rows and columns.
        let template: Vec<f32> = (0..shape[0] * shape[1])
            .map(|i| {
                let (y, x) = ((i / 288) as f32, (i % 288) as f32);
                (0.9 * y).sin() * (0.8 * x).cos() * (1.2 + (0.05 * y).sin() + (0.06 * x).cos())
            })
            .collect();
        let unblur = Unblur::new(&grid, &template, shape);
        let wave = |p: f64| (std::f64::consts::TAU * p / 160.0).sin();
        let [y, x] = grid.centres();
        let truth: Vec<f32> =
            y.iter().flat_map(|y| x.iter().map(move |x| (wave(*y) + 0.01 * x) as f32)).collect();
        for axis in 0..2 {
            let seen = unblur.seen(&truth, axis);
            let error =
                |v: &[f32]| -> f32 { v.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum() };
            let found = unblur.apply(&seen, axis);
            assert!(error(&found) < 0.05 * error(&seen), "{} {}", error(&found), error(&seen));
        }
    }
}
