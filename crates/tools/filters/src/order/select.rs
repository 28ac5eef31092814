/// Standard deviations of a normal distribution per median absolute deviation, `1 / Phi^-1(3/4)`.
pub const MAD_TO_SIGMA: f32 = 1.482_602_2;

/// Finds the median; of an even count, the mean of the middle two. `None` if there is no value.
///
/// Reorders `values`. NaN if any value is NaN. Linear time.
pub fn median(values: &mut [f32]) -> Option<f32> {
    quantile(values, 0.5)
}

/// Finds the `q`-quantile, `0 <= q <= 1`, interpolating linearly between neighbours as NumPy does.
///
/// The value at position `q (n - 1)` of the sorted list. `None` if there is no value. Reorders
/// `values`. NaN if any value is NaN. Linear time.
///
/// # Panics
/// If `q` is not within 0..=1.
///
/// # Examples
/// ```
/// use hooke_filters::order::quantile;
/// assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0, 8.0], 0.25), Some(2.0));
/// assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), Some(2.5));
/// ```
pub fn quantile(values: &mut [f32], q: f64) -> Option<f32> {
    assert!((0.0..=1.0).contains(&q), "quantile is {q}, wanted 0 to 1");
    if values.is_empty() {
        return None;
    }
    if values.iter().any(|v| v.is_nan()) {
        return Some(f32::NAN);
    }
    let position = q * (values.len() - 1) as f64;
    let below = position.floor();
    let (_, &mut low, above) = values.select_nth_unstable_by(below as usize, f32::total_cmp);
    let fraction = position - below;
    let next = above.iter().copied().min_by(f32::total_cmp);
    Some(match next {
        Some(high) if fraction > 0.0 => {
            let (low, high) = (f64::from(low), f64::from(high));
            (low * (1.0 - fraction) + high * fraction) as f32
        }
        _ => low,
    })
}

/// Estimates the standard deviation of normal noise from the median absolute deviation.
///
/// `1.4826 median |v - median(v)|`: up to half of the values may be outliers. `None` if there is no
/// value. `values` hold the deviations afterwards, in any order. NaN if any value is NaN.
pub fn robust_sigma(values: &mut [f32]) -> Option<f32> {
    let middle = median(values)?;
    for value in values.iter_mut() {
        *value = (*value - middle).abs();
    }
    median(values).map(|deviation| deviation * MAD_TO_SIGMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_even_single_and_no_values() {
        assert_eq!(median(&mut [5.0, -1.0, 3.0]), Some(3.0));
        assert_eq!(median(&mut [5.0, -1.0, 3.0, 4.0]), Some(3.5));
        assert_eq!(median(&mut [7.0]), Some(7.0));
        assert_eq!(median(&mut []), None);
        assert!(median(&mut [1.0, f32::NAN, -f32::NAN]).is_some_and(f32::is_nan));
        assert_eq!(median(&mut [f32::INFINITY, f32::INFINITY, 0.0]), Some(f32::INFINITY));
    }

    #[test]
    fn quantiles_are_numpys() {
        let values = [3.0, 1.0, 2.0, 10.0];
        let at = |q| quantile(&mut values.clone(), q);
        assert_eq!(at(0.0), Some(1.0));
        assert_eq!(at(1.0), Some(10.0));
        assert_eq!(at(0.25), Some(1.75));
        assert_eq!(at(0.75), Some(4.75));
    }

    #[test]
    fn spread_ignores_an_outlier() {
        // Deviations from 3: 2, 1, 0, 1, 997
        let sigma = robust_sigma(&mut [1.0, 2.0, 3.0, 4.0, 1000.0]);
        assert_eq!(sigma, Some(MAD_TO_SIGMA));
        assert_eq!(robust_sigma(&mut [4.0; 9]), Some(0.0));
    }
}
