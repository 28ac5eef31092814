//! Shortest paths over a grid of costs, and length and width of a cell along one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ndarray::{Array2, ArrayView2};

use crate::LineageError;

/// A path from pixel to pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// `(y, x)` from start to goal, both included.
    pub points: Vec<[usize; 2]>,
    /// Σ of step length times cost of the pixel stepped to.
    pub cost: f64,
    /// Σ of step lengths, 1 or √2.
    pub length: f64,
}

/// A cost as bits: of numbers that are not negative, the order is the same.
type Bits = u64;

/// Finds the cheapest 8-connected path (Dijkstra 1959) over `(y, x)` costs.
///
/// A step costs its length times the cost of the pixel stepped to. Of equally cheap paths any one.
///
/// # Errors
/// When start or goal lie outside, or a cost is negative or no finite number.
pub fn pathfinding(
    cost: ArrayView2<'_, f64>,
    start: [usize; 2],
    goal: [usize; 2],
) -> Result<Path, LineageError> {
    let (height, width) = cost.dim();
    let bad = |name, reason| Err(LineageError::Parameter { name, reason });
    if [start, goal].iter().any(|[y, x]| *y >= height || *x >= width) {
        return bad(
            "poles",
            format!("{start:?}, {goal:?} lie outside of {height} × {width} pixels"),
        );
    }
    if let Some(wrong) = cost.iter().find(|c| !(c.is_finite() && **c >= 0.0)) {
        return bad("cost", format!("holds {wrong}, wanted finite numbers that are not negative"));
    }
    let mut best = Array2::from_elem((height, width), f64::INFINITY);
    let mut from = Array2::from_elem((height, width), start);
    let mut open: BinaryHeap<Reverse<(Bits, [usize; 2])>> = BinaryHeap::new();
    best[start] = 0.0;
    open.push(Reverse((0, start)));
    while let Some(Reverse((bits, here))) = open.pop() {
        let so_far = f64::from_bits(bits);
        if here == goal {
            break;
        }
        if so_far > best[here] {
            continue;
        }
        for y in here[0].saturating_sub(1)..height.min(here[0] + 2) {
            for x in here[1].saturating_sub(1)..width.min(here[1] + 2) {
                let total = so_far + step_length(here, [y, x]) * cost[[y, x]];
                if total < best[[y, x]] {
                    best[[y, x]] = total;
                    from[[y, x]] = here;
                    open.push(Reverse((total.to_bits(), [y, x])));
                }
            }
        }
    }
    let mut points = vec![goal];
    let mut here = goal;
    let mut length = 0.0;
    while here != start {
        length += step_length(from[here], here);
        here = from[here];
        points.push(here);
    }
    points.reverse();
    Ok(Path { points, cost: best[goal], length })
}

fn step_length(a: [usize; 2], b: [usize; 2]) -> f64 {
    if a[0] == b[0] || a[1] == b[1] { 1.0 } else { std::f64::consts::SQRT_2 }
}

/// Finds width and length of a cell from pole to pole `(y, x)`, along the path on which the distance from outside is
/// largest: twice the mean distance, and the sum of steps.
///
/// * `distance`: `(y, x)`, of each pixel from the nearest that is not of the cell; 0 outside.
///
/// # Errors
/// When a pole lies outside, or a distance is negative or no finite number.
pub fn cell_width_length(
    poles: [[usize; 2]; 2],
    distance: ArrayView2<'_, f32>,
) -> Result<[f64; 2], LineageError> {
    let cost = distance.mapv(|d| 1.0 / (f64::from(d) + 1e-3));
    let path = pathfinding(cost.view(), poles[0], poles[1])?;
    let sum: f64 = path.points.iter().map(|p| f64::from(distance[*p])).sum();
    Ok([2.0 * sum / path.points.len() as f64, path.length])
}
