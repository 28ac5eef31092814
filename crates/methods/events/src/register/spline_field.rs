//! A smooth field through values at the centres of blocks.
//!
//! Natural cubic splines along x, then along y; outside of the outer centres they go on as straight
//! lines, which is how a natural spline ends.

use ndarray::Array2;

/// A natural cubic spline through values at fixed places, to be taken at fixed points.
#[derive(Debug, Clone)]
struct SplineAxis {
    /// Second derivatives from values: `n` rows of `n`.
    bend: Vec<Vec<f64>>,
    /// For each point the knot before it, and the weights of the two knots' values and second
    /// derivatives.
    points: Vec<(usize, [f32; 4])>,
}

impl SplineAxis {
    /// * `knots`: ascending places, at least one.
    fn new(knots: &[f64], points: &[f64]) -> Self {
        let points = points.iter().map(|p| weights(knots, *p)).collect();
        Self { bend: second_derivatives(knots), points }
    }

    /// Second derivatives at the knots of rows of values.
    fn bends(&self, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let width = rows.first().map_or(0, Vec::len);
        self.bend
            .iter()
            .map(|weights| {
                let mut sum = vec![0.0; width];
                for (weight, row) in weights.iter().zip(rows) {
                    let weight = *weight as f32;
                    for (sum, value) in sum.iter_mut().zip(row) {
                        *sum += weight * value;
                    }
                }
                sum
            })
            .collect()
    }
}

/// Weights of a natural spline at a place: the knot before it, and what counts its value, the next
/// knot's value, and the second derivatives of both.
fn weights(knots: &[f64], p: f64) -> (usize, [f32; 4]) {
    let last = knots.len() - 1;
    if last == 0 {
        return (0, [1.0, 0.0, 0.0, 0.0]);
    }
    let i = knots.partition_point(|k| *k <= p).saturating_sub(1).min(last - 1);
    let h = knots[i + 1] - knots[i];
    let u = (p - knots[i]) / h;
    let v = 1.0 - u;
    let [c, d] = if u < 0.0 {
        [-h * h / 3.0 * u, -h * h / 6.0 * u]
    } else if u > 1.0 {
        [h * h / 6.0 * (u - 1.0), h * h / 3.0 * (u - 1.0)]
    } else {
        [(v * v * v - v) * h * h / 6.0, (u * u * u - u) * h * h / 6.0]
    };
    (i, [v, u, c, d].map(|w| w as f32))
}

/// The matrix that gives a natural spline's second derivatives at its knots from its values there.
fn second_derivatives(knots: &[f64]) -> Vec<Vec<f64>> {
    let n = knots.len();
    let mut rows = vec![vec![0.0; n]; n];
    if n < 3 {
        return rows;
    }
    // Thomas' algorithm on all unit vectors at once.
    let step = |i: usize| knots[i + 1] - knots[i];
    let mut upper = vec![0.0; n];
    for i in 1..n - 1 {
        let (before, after) = (step(i - 1), step(i));
        let pivot = 2.0 * (before + after) - before * upper[i - 1];
        upper[i] = after / pivot;
        let mut row = vec![0.0; n];
        row[i - 1] = 6.0 / before;
        row[i] = -6.0 / before - 6.0 / after;
        row[i + 1] = 6.0 / after;
        for j in 0..n {
            row[j] = (row[j] - before * rows[i - 1][j]) / pivot;
        }
        rows[i] = row;
    }
    for i in (1..n - 1).rev() {
        for j in 0..n {
            rows[i][j] -= upper[i] * rows[i + 1][j];
        }
    }
    rows
}

/// Fields over the same points through values at the same centres.
#[derive(Debug, Clone)]
pub(crate) struct FieldSpline {
    along_y: SplineAxis,
    along_x: SplineAxis,
    centres: [usize; 2],
}

impl FieldSpline {
    /// Fields at every pixel of frames of `shape`.
    ///
    /// * `centres`: per axis, ascending, at least one.
    pub fn over_frame(centres: &[Vec<f64>; 2], shape: [usize; 2]) -> Self {
        Self::new(centres, &shape.map(|n| (0..n).map(|p| p as f64).collect()))
    }

    /// Fields at the crossings of some rows and columns.
    pub fn new(centres: &[Vec<f64>; 2], points: &[Vec<f64>; 2]) -> Self {
        Self {
            along_y: SplineAxis::new(&centres[0], &points[0]),
            along_x: SplineAxis::new(&centres[1], &points[1]),
            centres: [centres[0].len(), centres[1].len()],
        }
    }

    /// The field through `values`, row by row of the centres.
    pub fn field(&self, values: &[f32]) -> Array2<f32> {
        let width = self.along_x.points.len();
        let columns: Vec<Vec<f32>> = (0..self.centres[1])
            .map(|j| (0..self.centres[0]).map(|i| values[i * self.centres[1] + j]).collect())
            .collect();
        let bends = self.along_x.bends(&columns);
        let rows: Vec<Vec<f32>> = (0..self.centres[0])
            .map(|i| {
                let at = |(j, [a, b, c, d]): &(usize, [f32; 4])| {
                    let k = (j + 1).min(self.centres[1] - 1);
                    a * columns[*j][i] + b * columns[k][i] + c * bends[*j][i] + d * bends[k][i]
                };
                self.along_x.points.iter().map(at).collect()
            })
            .collect();
        let bends = self.along_y.bends(&rows);
        let mut field = Array2::zeros((self.along_y.points.len(), width));
        for (mut out, (i, [a, b, c, d])) in field.outer_iter_mut().zip(&self.along_y.points) {
            let k = (i + 1).min(self.centres[0] - 1);
            for (x, out) in out.iter_mut().enumerate() {
                *out = a * rows[*i][x] + b * rows[k][x] + c * bends[*i][x] + d * bends[k][x];
            }
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_kept_to_the_corners() {
        let centres = [vec![31.5, 63.5, 70.0], vec![31.5, 63.5]];
        let plane = |y: f64, x: f64| (0.01 * y - 0.02 * x + 0.5) as f32;
        let values: Vec<f32> =
            centres[0].iter().flat_map(|y| centres[1].iter().map(move |x| plane(*y, *x))).collect();
        let field = FieldSpline::over_frame(&centres, [102, 95]).field(&values);
        for ((y, x), found) in field.indexed_iter() {
            assert!((found - plane(y as f64, x as f64)).abs() < 1e-5, "{y} {x}");
        }
    }

    #[test]
    fn values_at_centres_are_kept_and_single_centres_are_constant() {
        let centres = [vec![8.0], vec![4.0, 9.0, 15.0, 22.0]];
        let values = [1.0, -1.0, 0.5, 2.0];
        let field = FieldSpline::over_frame(&centres, [17, 30]).field(&values);
        for (x, value) in centres[1].iter().zip(values) {
            assert!((field[[0, *x as usize]] - value).abs() < 1e-6);
            assert_eq!(field[[0, *x as usize]], field[[16, *x as usize]]);
        }
    }

    #[test]
    fn the_spline_is_natural_scipys_values() {
        // scipy.interpolate.CubicSpline([0, 1, 3, 4], [0, 2, 1, 3], bc_type="natural")([0.5, 2, 3.25])
        let (knots, values) = ([0.0, 1.0, 3.0, 4.0], [0.0, 2.0, 1.0, 3.0]);
        let bend = second_derivatives(&knots);
        let second: Vec<f64> =
            bend.iter().map(|row| row.iter().zip(&values).map(|(w, v)| w * v).sum()).collect();
        // 6 M1 + 2 M2 = -15, 2 M1 + 6 M2 = 15: M1 = -3.75, M2 = 3.75
        assert!((second[1] + 3.75).abs() < 1e-12 && (second[2] - 3.75).abs() < 1e-12, "{second:?}");
        let (i, [a, b, c, d]) = weights(&knots, 2.0);
        let [a, b, c, d] = [a, b, c, d].map(f64::from);
        let value = a * values[i] + b * values[i + 1] + c * second[i] + d * second[i + 1];
        assert!((value - 1.5).abs() < 1e-6, "{value}");
    }
}
