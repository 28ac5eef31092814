//! The direction of the strongest line.

use rayon::prelude::*;

/// Angles of the normal, from −45° to 135°.
const ANGLES: usize = 721;

/// Finds the direction that most edge pixels `(y, x)` of one line share, as the rotation (degrees, counter-clockwise)
/// that makes it level or upright; `None` without edges.
///
/// Of equally strong lines the first angle is taken.
pub(super) fn strongest_angle(
    edges: &[[usize; 2]],
    (height, width): (usize, usize),
) -> Option<f64> {
    if edges.is_empty() {
        return None;
    }
    let reach = (height as f64).hypot(width as f64).ceil() as i32 + 1;
    let degrees = |k: usize| -45.0 + 180.0 * k as f64 / (ANGLES - 1) as f64;
    let most = |k: usize| {
        let (sin, cos) = degrees(k).to_radians().sin_cos();
        let mut votes = vec![0_u32; 2 * reach as usize + 1];
        for [y, x] in edges {
            let distance = (*x as f64 * cos + *y as f64 * sin).round() as i32;
            votes[(distance + reach) as usize] += 1;
        }
        votes.into_iter().max().unwrap_or(0)
    };
    let strongest: Vec<u32> = (0..ANGLES).into_par_iter().map(most).collect();
    let mut best = 0;
    for (k, votes) in strongest.iter().enumerate() {
        if *votes > strongest[best] {
            best = k;
        }
    }
    let angle = degrees(best);
    Some(if angle > 45.0 { angle - 90.0 } else { angle })
}
