//! A line through points of which some belong to something else.

/// Weight of a residual falls to 0 at so many standard deviations (Tukey's biweight, 95 % efficient).
const TUKEY: f64 = 4.685;

const ROUNDS: usize = 30;

/// Standard errors by which a slope must exceed 0.
const CLEAR: f64 = 3.0;

/// Fits `y = slope x + intercept` with errors in proportion to `y`, and returns both.
///
/// Starts at the median of all slopes (Theil & Sen), goes on by reweighted least squares. A slope
/// that is not clearly above 0 gives 0 and the median of `y`. All `y` must be above 0.
pub(super) fn robust_line(points: &[[f64; 2]]) -> [f64; 2] {
    let constant = [0.0, median(points.iter().map(|p| p[1]).collect())];
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (i, a) in points.iter().enumerate() {
        let later = points[i + 1..].iter().filter(|b| b[0] != a[0]);
        slopes.extend(later.map(|b| (b[1] - a[1]) / (b[0] - a[0])));
    }
    if slopes.len() < 8 {
        return constant;
    }
    let slope = median(slopes);
    let mut line = [slope, median(points.iter().map(|p| p[1] - slope * p[0]).collect())];
    let mut error = f64::INFINITY;
    for _ in 0..ROUNDS {
        let Some(next) = reweighted(points, line, constant[1]) else { return constant };
        (line, error) = next;
    }
    if line[0] > CLEAR * error { line } else { constant }
}

/// One round: the next line and the standard error of its slope; `None` where `x` does not vary.
fn reweighted(points: &[[f64; 2]], line: [f64; 2], typical: f64) -> Option<([f64; 2], f64)> {
    // A line that comes near 0 must not give one point all the weight.
    let expected = |x: f64| (line[0] * x + line[1]).max(0.05 * typical);
    let relative = |p: &[f64; 2]| (p[1] - line[0] * p[0] - line[1]) / expected(p[0]);
    let scale = 1.4826 * median(points.iter().map(|p| relative(p).abs()).collect());
    let scale = scale.max(1e-6);
    let mut sums = [0.0; 5];
    for p in points {
        let t = relative(p) / (TUKEY * scale);
        let weight = (1.0 - t * t).max(0.0).powi(2) / expected(p[0]).powi(2);
        for (sum, term) in sums.iter_mut().zip([1.0, p[0], p[1], p[0] * p[0], p[0] * p[1]]) {
            *sum += weight * term;
        }
    }
    let [w, x, y, xx, xy] = sums;
    let (spread, together) = (xx - x * x / w, xy - x * y / w);
    (spread > 1e-12 * xx).then(|| {
        let slope = together / spread;
        ([slope, (y - slope * x) / w], scale / spread.sqrt())
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_strangers_does_not_move_the_line() {
        let points: Vec<[f64; 2]> = (0..90)
            .map(|i| {
                let x = f64::from(i);
                let y = 0.5 * x + 10.0 + 0.1 * f64::from(i * 7 % 11 - 5);
                [x, if i % 4 == 0 { 8.0 * y } else { y }]
            })
            .collect();
        let [slope, intercept] = robust_line(&points);
        assert!(
            (slope - 0.5).abs() < 0.01 && (intercept - 10.0).abs() < 0.2,
            "{slope} {intercept}"
        );
    }

    #[test]
    fn no_line_through_one_place_or_down_the_hill() {
        assert_eq!(robust_line(&[]), [0.0, 0.0]);
        assert_eq!(robust_line(&[[3.0, 2.0]; 20]), [0.0, 2.0]);
        let down: Vec<[f64; 2]> = (0..21).map(|i| [f64::from(i), 50.0 - f64::from(i)]).collect();
        assert_eq!(robust_line(&down), [0.0, 40.0]);
    }
}
