//! The upper tail of the normal distribution.

/// Chance that a standard normal number exceeds `z`, to about 1e-14 of itself down to the smallest
/// numbers there are.
///
/// Near the middle the series of the error function, in the tail Laplace's continued fraction
/// (Abramowitz & Stegun 26.2.11 and 26.2.14).
pub(super) fn upper_tail(z: f64) -> f64 {
    if z.is_nan() {
        return z;
    }
    let size = z.abs();
    let density = (-0.5 * size * size).exp() / std::f64::consts::TAU.sqrt();
    let tail = if size < 3.0 {
        let (mut term, mut sum) = (size, size);
        for k in 1..100 {
            term *= size * size / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        // From the far end inwards; 100 levels are exact from 3 on.
        density / (1..=100).rev().fold(size, |rest, k| size + f64::from(k) / rest)
    };
    if z < 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::upper_tail;

    #[test]
    fn it_agrees_with_tables() {
        for (z, expected) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (1.959_963_984_540_054, 0.025),
            (-1.0, 0.841_344_746_068_543),
            (3.0, 1.349_898_031_630_094_5e-3),
            (6.0, 9.865_876_450_376_98e-10),
            (20.0, 2.753_624_118_606_233_6e-89),
        ] {
            let found = upper_tail(z);
            assert!((found / expected - 1.0).abs() < 1e-11, "{z}: {found}");
        }
        assert!((upper_tail(3.0 - 1e-12) / upper_tail(3.0) - 1.0).abs() < 1e-10);
        assert!(upper_tail(f64::NAN).is_nan() && upper_tail(f64::INFINITY) == 0.0);
    }
}
