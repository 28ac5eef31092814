//! Sums of floating-point numbers that do not depend on their order.

use crate::dtype::Sample;

/// Bits of the mantissa of an f64 below its point.
const MANTISSA_BITS: i32 = 52;
/// Powers of two per bin: values of similar size share a bin.
const BIN_BITS: i32 = 8;

/// An exact sum: integers, each counted in units of its own power of 2^8.
///
/// Equal for any order and any grouping of the terms, so threads and blocks cannot show. NaN and
/// infinities are left out. Holds more than 2^30 terms of any size with factors below 2^32.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExactSum {
    /// `(exponent, sum)`: `sum * 2^(8 exponent)`, by exponent.
    bins: Vec<(i32, i128)>,
}

impl ExactSum {
    /// Adds `value * factor`.
    pub fn add<T: Sample>(&mut self, value: T, factor: i64) {
        match value.to_i128() {
            Some(whole) => self.add_to(0, whole * i128::from(factor)),
            None => self.add_f64(value.to_f64(), factor),
        }
    }

    fn add_f64(&mut self, value: f64, factor: i64) {
        if value == 0.0 || !value.is_finite() {
            return;
        }
        let bits = value.to_bits();
        let biased = (bits >> MANTISSA_BITS) as i32 & 0x7ff;
        let fraction = (bits & ((1 << MANTISSA_BITS) - 1)) as i128;
        // Subnormal numbers have no hidden bit and the exponent of the smallest normal one.
        let mantissa = if biased == 0 { fraction } else { fraction | 1 << MANTISSA_BITS };
        let exponent = biased.max(1) - 1023 - MANTISSA_BITS;
        let shifted = mantissa << exponent.rem_euclid(BIN_BITS);
        let signed = if value < 0.0 { -shifted } else { shifted };
        self.add_to(exponent.div_euclid(BIN_BITS), signed * i128::from(factor));
    }

    #[inline]
    fn add_to(&mut self, exponent: i32, amount: i128) {
        match self.bins.iter_mut().find(|(e, _)| *e == exponent) {
            Some((_, sum)) => *sum += amount,
            None => {
                self.bins.push((exponent, amount));
                self.bins.sort_unstable_by_key(|(e, _)| *e);
            }
        }
    }

    /// Adds `factor` times another sum.
    pub fn add_sum(&mut self, other: &ExactSum, factor: i64) {
        for (exponent, amount) in &other.bins {
            self.add_to(*exponent, amount * i128::from(factor));
        }
    }

    /// Forgets all terms and keeps the memory.
    pub fn clear(&mut self) {
        self.bins.clear();
    }

    /// The sum, correct to about 2^-52 of its largest bin.
    pub fn to_f64(&self) -> f64 {
        self.bins.iter().map(|(e, sum)| *sum as f64 * 2f64.powi(BIN_BITS * e)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_grouping_do_not_show() {
        let values: Vec<f32> =
            (1..2000).map(|i| (i as f32).sin() * 10f32.powi(i % 30 - 15)).collect();
        let (mut forward, mut backward) = (ExactSum::default(), ExactSum::default());
        values.iter().for_each(|v| forward.add(*v, 3));
        for group in values.rchunks(7) {
            let mut part = ExactSum::default();
            group.iter().rev().for_each(|v| part.add(*v, 1));
            backward.add_sum(&part, 3);
        }
        assert_eq!(forward, backward);
        let wanted: f64 = values.iter().map(|v| 3.0 * f64::from(*v)).sum();
        assert!((forward.to_f64() / wanted - 1.0).abs() < 1e-9);
    }

    #[test]
    fn integers_are_exact_and_what_is_no_number_is_left_out() {
        let mut sum = ExactSum::default();
        sum.add(u64::MAX, 1);
        sum.add(1u64, -1);
        assert_eq!(sum.to_f64(), u64::MAX as f64);
        let mut sum = ExactSum::default();
        [1e300, f64::NAN, 0.5, -1e300, f64::INFINITY].iter().for_each(|v| sum.add(*v, 2));
        assert_eq!(sum.to_f64(), 1.0);
        let mut tiny = ExactSum::default();
        tiny.add(1e-40f32, 1);
        assert_eq!(tiny.to_f64(), f64::from(1e-40f32));
    }
}
