//! How sure a fraction is.

/// Two-sided 95 % of the normal distribution.
const Z95: f64 = 1.959_963_984_540_054;

/// A fraction with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Fraction {
    /// `count / total`.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Fraction {
    /// `count` of `total` with the score interval, `None` of nothing.
    ///
    /// # Reference
    /// Wilson (1927), doi:10.1080/01621459.1927.10502953.
    ///
    /// # Examples
    /// ```
    /// let half = hooke_blobs::Fraction::of(5, 10);
    /// assert!(half.is_some_and(|f| (f.low - 0.2366).abs() < 1e-4 && (f.high - 0.7634).abs() < 1e-4));
    /// assert!(hooke_blobs::Fraction::of(0, 0).is_none());
    /// ```
    pub fn of(count: usize, total: usize) -> Option<Self> {
        if total == 0 {
            return None;
        }
        let (n, value) = (total as f64, count as f64 / total as f64);
        let z2 = Z95 * Z95;
        let centre = (value + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let spread = value * (1.0 - value) / n + z2 / (4.0 * n * n);
        let half = Z95 / (1.0 + z2 / n) * spread.sqrt();
        // At 0 and at all, rounding would leave a little that is not there.
        let low = if count == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if count >= total { 1.0 } else { (centre + half).min(1.0) };
        Some(Self { value, low, high })
    }
}
