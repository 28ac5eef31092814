//! A robust straight line through points with errors in both coordinates.

/// Factor from the median absolute deviation to the standard deviation of normal noise.
const MAD_TO_SIGMA: f64 = 1.4826; // 1 / Phi^-1(3/4)
/// Tukey's constant for 95 % efficiency under normal noise.
const TUKEY: f64 = 4.685;
const ROUNDS: usize = 30;

/// `y = slope * x + (y_mean - slope * x_mean)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    pub slope: f64,
    /// Standard deviation of the logarithm of the slope; infinite where it cannot be told.
    pub slope_log_sd: f64,
    pub x_mean: f64,
    pub y_mean: f64,
    /// Standard deviation of `y_mean - slope * x_mean`.
    pub mean_sd: f64,
}

/// Fits a rising line by orthogonal regression with Tukey's weights (Deming 1943 with equal
/// errors; Beaton & Tukey 1974, doi:10.1080/00401706.1974.10489171).
///
/// Ordinary regression of `y` on `x` would pull the slope towards 0, since `x` has noise too. The
/// start is Siegel's repeated median both ways (1982, doi:10.1093/biomet/69.1.242), which half of
/// the points may not move. Where `y` does not clearly rise with `x` (no contrast, only noise) the
/// slope is 1 with infinite deviation.
pub(crate) fn fit_line(points: &[(f64, f64)]) -> Line {
    let swapped: Vec<(f64, f64)> = points.iter().map(|p| (p.1, p.0)).collect();
    let start = match (repeated_median(points), repeated_median(&swapped)) {
        (Some(up), Some(across)) if up > 0.0 && across > 0.0 => Some((up / across).sqrt()),
        _ => None,
    };
    let mut slope = start.unwrap_or(1.0);
    let mut x_mean = median(points.iter().map(|p| p.0).collect());
    let mut y_mean = median(points.iter().map(|p| p.1 - slope * (p.0 - x_mean)).collect());
    let level = x_mean.abs() + y_mean.abs();
    let mut moments = Moments::default();
    for _ in 0..ROUNDS {
        let distance = |p: &(f64, f64)| {
            ((p.1 - y_mean) - slope * (p.0 - x_mean)) / (1.0 + slope * slope).sqrt()
        };
        // Points that fit to rounding would otherwise be weighed by their rounding errors.
        let mad = median(points.iter().map(|p| distance(p).abs()).collect());
        let reach = TUKEY * (MAD_TO_SIGMA * mad).max(1e-9 * level).max(f64::MIN_POSITIVE);
        moments = Moments::of(points, |p| (1.0 - (distance(p) / reach).powi(2)).max(0.0).powi(2));
        let before = (slope, x_mean, y_mean);
        (x_mean, y_mean) = (moments.x, moments.y);
        if start.is_some() {
            slope = moments.orthogonal_slope().unwrap_or(slope);
        }
        if (slope, x_mean, y_mean) == before {
            break;
        }
    }
    let [large, small] = moments.eigenvalues();
    let known = start.is_some() && moments.clearly_rises();
    let angle_sd = (large * small / moments.count).sqrt() / (large - small);
    let slope_log_sd = if known { angle_sd * (1.0 + slope * slope) / slope } else { f64::INFINITY };
    let slope = if known { slope } else { 1.0 };
    let mean_sd = (small * (1.0 + slope * slope) / moments.count).sqrt();
    Line { slope, slope_log_sd, x_mean, y_mean, mean_sd }
}

/// Median over the points of the median slope to all other points; `None` where all `x` are equal.
fn repeated_median(points: &[(f64, f64)]) -> Option<f64> {
    let slopes = points.iter().map(|p| {
        let to = |q: &(f64, f64)| (q.0 != p.0).then(|| (q.1 - p.1) / (q.0 - p.0));
        points.iter().filter_map(to).collect::<Vec<f64>>()
    });
    let slopes: Vec<f64> = slopes.filter(|s| !s.is_empty()).map(median).collect();
    (!slopes.is_empty()).then(|| median(slopes))
}

/// The middle value, the upper of two.
fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Weighted moments; `count` is the effective number of points.
#[derive(Default)]
struct Moments {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Moments {
    fn of(points: &[(f64, f64)], weight: impl Fn(&(f64, f64)) -> f64) -> Moments {
        let weights: Vec<f64> = points.iter().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let mean = |f: &dyn Fn(&(f64, f64)) -> f64| {
            points.iter().zip(&weights).map(|(p, w)| w * f(p)).sum::<f64>() / total
        };
        let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
        Moments {
            count: total,
            x,
            y,
            xx: mean(&|p| (p.0 - x) * (p.0 - x)),
            xy: mean(&|p| (p.0 - x) * (p.1 - y)),
            yy: mean(&|p| (p.1 - y) * (p.1 - y)),
        }
    }

    /// Slope of the first principal axis where it rises.
    fn orthogonal_slope(&self) -> Option<f64> {
        let difference = self.yy - self.xx;
        let slope = (difference + difference.hypot(2.0 * self.xy)) / (2.0 * self.xy);
        (self.xy > 0.0 && slope.is_finite() && slope > 0.0).then_some(slope)
    }

    /// Whether the correlation is far from what noise alone gives.
    fn clearly_rises(&self) -> bool {
        self.xy > (0.5 + self.count.sqrt().recip()) * (self.xx * self.yy).sqrt()
    }

    /// Variances along the principal axes, larger first.
    fn eigenvalues(&self) -> [f64; 2] {
        let (middle, half) =
            ((self.xx + self.yy) / 2.0, (self.yy - self.xx).hypot(2.0 * self.xy) / 2.0);
        [middle + half, (middle - half).max(0.0)]
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Numbers in -1..1 that have nothing to do with one another.
    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move || rng.random_range(-1.0..1.0)
    }

    #[test]
    fn a_quarter_of_outliers_does_not_move_the_line() {
        let mut noise = noise(1);
        let points: Vec<(f64, f64)> = (0..200)
            .map(|i| {
                let x = 100.0 + 50.0 * noise();
                let y = 1.3 * x - 20.0 + noise();
                if i % 4 == 0 { (x, y + 400.0 + 100.0 * noise()) } else { (x, y) }
            })
            .collect();
        let line = fit_line(&points);
        assert!((line.slope - 1.3).abs() < 4.0 * 1.3 * line.slope_log_sd, "{line:?}");
        assert!(line.slope_log_sd < 0.01, "{line:?}");
        assert!((line.y_mean - line.slope * line.x_mean + 20.0).abs() < 1.5, "{line:?}");
    }

    #[test]
    fn points_on_a_line_give_that_line() {
        let points: Vec<(f64, f64)> = (0..20).map(|i| (i as f64, 0.5 * i as f64 + 3.0)).collect();
        let line = fit_line(&points);
        assert!((line.slope - 0.5).abs() < 1e-9 && line.slope_log_sd < 1e-6, "{line:?}");
    }

    #[test]
    fn without_contrast_the_slope_is_unknown_but_the_means_are_not() {
        let line = fit_line(&[(10.0, 15.0); 9]);
        assert_eq!((line.slope, line.slope_log_sd), (1.0, f64::INFINITY));
        assert_eq!((line.x_mean, line.y_mean, line.mean_sd), (10.0, 15.0, 0.0));
        let mut noise = noise(2);
        let cloud: Vec<(f64, f64)> = (0..300).map(|_| (noise(), noise())).collect();
        assert_eq!(fit_line(&cloud).slope_log_sd, f64::INFINITY);
    }
}
