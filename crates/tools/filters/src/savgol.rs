//! Savitzky-Golay filters: local polynomials fitted to evenly spaced samples by least squares.
//!
//! The fit is written in the polynomials `p_k` that are orthogonal on the window (Gram 1883). On a grid of
//! `w` samples at `t = i - (w - 1) / 2` they follow `p_{k+1} = t p_k - b_k p_{k-1}` with
//! `b_k = k² (w² - k²) / (4 (4 k² - 1))`, and the `d`-th derivative of the fit of order `n` at `u` is
//! `sum_i x_i sum_{k<=n} p_k(t_i) p_k^(d)(u) / |p_k|²` (Gorry 1990, doi:10.1021/ac00205a007). No matrix is
//! inverted, so high orders stay exact. The grid of an even window is centred between two samples.
//!
//! # Reference
//! Savitzky & Golay (1964), doi:10.1021/ac60214a047.

/// What [`savgol_filter`] does where the window reaches beyond the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavgolEnds {
    /// The first and last half windows come from the polynomial fitted to the first and last window.
    Interpolate,
    /// The values are one period of a cycle.
    Wrap,
}

/// Why there is no such filter.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SavgolError {
    /// A polynomial of this order is not determined by a window of this many samples.
    #[error("a window of {window} samples does not determine a polynomial of order {order}: use at least {} samples", order + 1)]
    OrderExceedsWindow {
        /// Samples in the window.
        window: usize,
        /// Order of the polynomial.
        order: usize,
    },
    /// The window is longer than the values, and they are no cycle.
    #[error("a window of {window} samples is longer than the {len} values")]
    WindowExceedsValues {
        /// Samples in the window.
        window: usize,
        /// How many values there are.
        len: usize,
    },
}

/// Computes the weights of the samples of a window in a derivative of the fitted polynomial.
///
/// The sum of `weights[i] * x[i]` is the derivative `derivative` (0: the smoothed value), per sample to
/// that power, at `position` samples behind the first of the window; `(window - 1) / 2` is its centre.
/// A derivative beyond `order` is 0.
///
/// # Errors
/// [`SavgolError::OrderExceedsWindow`] if `order >= window`.
///
/// # Examples
/// ```
/// use hooke_filters::savgol::savgol_coefficients;
/// let slope = savgol_coefficients(5, 2, 1, 2.0)?;
/// assert!(slope.iter().zip([-0.2, -0.1, 0.0, 0.1, 0.2]).all(|(a, b)| (a - b).abs() < 1e-15));
/// # Ok::<_, hooke_filters::savgol::SavgolError>(())
/// ```
pub fn savgol_coefficients(
    window: usize,
    order: usize,
    derivative: usize,
    position: f64,
) -> Result<Vec<f64>, SavgolError> {
    if order >= window {
        return Err(SavgolError::OrderExceedsWindow { window, order });
    }
    if derivative > order {
        return Ok(vec![0.0; window]);
    }
    let centre = (window - 1) as f64 / 2.0;
    let width = window as f64;
    let at = position - centre;
    // Polynomials k and k - 1: at the samples, and with all their derivatives at the position.
    let (mut samples, mut samples_before) = (vec![1.0; window], vec![0.0; window]);
    let (mut here, mut here_before) = (vec![0.0; derivative + 1], vec![0.0; derivative + 1]);
    here[0] = 1.0;
    let mut squares = width;
    let mut weights = vec![here[derivative] / squares; window];
    for k in 1..=order {
        let ratio = |k: f64| k * k * (width * width - k * k) / (4.0 * (4.0 * k * k - 1.0));
        let back = if k == 1 { 0.0 } else { ratio((k - 1) as f64) };
        for (i, (now, before)) in samples.iter_mut().zip(&mut samples_before).enumerate() {
            let next = (i as f64 - centre) * *now - back * *before;
            (*before, *now) = (*now, next);
        }
        let mut lower = 0.0;
        for (d, (now, before)) in here.iter_mut().zip(&mut here_before).enumerate() {
            let next = at * *now + d as f64 * lower - back * *before;
            lower = *now;
            (*before, *now) = (*now, next);
        }
        squares *= ratio(k as f64);
        for (weight, sample) in weights.iter_mut().zip(&samples) {
            *weight += sample * (here[derivative] / squares);
        }
    }
    Ok(weights)
}

/// Smooths evenly spaced values, or derives them, by a polynomial fitted around each.
///
/// The window of value `i` starts at `i - (window - 1) / 2`, rounded down: an even window has one sample
/// more behind and its result belongs half a sample behind `i`, but for the ends of
/// [`SavgolEnds::Interpolate`] (all as `scipy.signal.savgol_filter`). Derivatives are per sample. NaN
/// spreads over the windows that hold it.
///
/// # Errors
/// [`SavgolError::OrderExceedsWindow`] if `order >= window`; [`SavgolError::WindowExceedsValues`] if the
/// ends are interpolated and there are fewer values than `window`.
pub fn savgol_filter(
    values: &[f64],
    window: usize,
    order: usize,
    derivative: usize,
    ends: SavgolEnds,
) -> Result<Vec<f64>, SavgolError> {
    let len = values.len();
    if order >= window {
        return Err(SavgolError::OrderExceedsWindow { window, order });
    }
    let before = (window - 1) / 2;
    let weights = savgol_coefficients(window, order, derivative, (window - 1) as f64 / 2.0)?;
    let dot = |weights: &[f64], start: usize| -> f64 {
        weights.iter().zip(&values[start..]).map(|(w, v)| w * v).sum()
    };
    if ends == SavgolEnds::Wrap {
        let inside = |i: usize| i >= before && i - before + window <= len;
        // As many lengths as bring the first window's start above 0.
        let lift = before.next_multiple_of(len.max(1)) - before;
        let around = |i: usize| {
            let value = |k: usize| values[(i + lift + k) % len];
            weights.iter().enumerate().map(|(k, w)| w * value(k)).sum()
        };
        return Ok((0..len)
            .map(|i| if inside(i) { dot(&weights, i - before) } else { around(i) })
            .collect());
    }
    if window > len {
        return Err(SavgolError::WindowExceedsValues { window, len });
    }
    let half = window / 2;
    (0..len)
        .map(|i| {
            if i >= half && i + half < len {
                return Ok(dot(&weights, i - before));
            }
            let start = if i < half { 0 } else { len - window };
            let position = (i - start) as f64;
            Ok(dot(&savgol_coefficients(window, order, derivative, position)?, start))
        })
        .collect()
}
