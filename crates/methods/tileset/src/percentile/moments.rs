//! Smallest, largest and mean value of a tile.

use hooke_core::{Dtype, ExactSum, Sample};

/// What is summed of a tile, independent of the order of its voxels.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    /// Values counted.
    pub n: u64,
    pub min: f64,
    pub max: f64,
    sum: ExactSum,
    n_finite: u64,
    /// Values that equal the largest one so far.
    n_largest: u64,
}

impl Default for Moments {
    fn default() -> Moments {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Moments { n: 0, min, max, sum: ExactSum::default(), n_finite: 0, n_largest: 0 }
    }
}

impl Moments {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Adds values; NaN is left out, zeros on request.
    pub fn add<T: Sample>(&mut self, values: &[T], ignore_zeros: bool) {
        let zero = T::default();
        for value in values {
            if value.is_nan() || (ignore_zeros && *value == zero) {
                continue;
            }
            self.count(value.to_f64(), 1);
            self.sum.add(*value, 1);
        }
    }

    /// Adds `(value, count)` of whole numbers.
    pub fn add_histogram(&mut self, counts: impl Iterator<Item = (f64, u64)>) {
        for (value, n) in counts {
            self.count(value, n);
            self.sum.add(value as i64, n as i64);
        }
    }

    fn count(&mut self, value: f64, n: u64) {
        self.n += n;
        self.n_finite += if value.is_finite() { n } else { 0 };
        self.min = self.min.min(value);
        if value > self.max {
            (self.max, self.n_largest) = (value, 0);
        }
        self.n_largest += if value == self.max { n } else { 0 };
    }

    /// Mean of the finite values; NaN without one.
    pub fn mean(&self) -> f64 {
        self.sum.to_f64() / self.n_finite as f64
    }

    /// Values that hold the type's largest value.
    pub fn at_most(&self, dtype: Dtype) -> u64 {
        let bits = 8 * dtype.size() as i32 - i32::from(dtype.is_signed());
        // 64-bit maxima are rounded to a power of two, and so is `max`.
        let largest = if bits > 53 { 2f64.powi(bits) } else { 2f64.powi(bits) - 1.0 };
        if self.max == largest { self.n_largest } else { 0 }
    }
}
