//! Random numbers whose bits do not depend on the machine's mathematics library.

use rand::{Rng, RngExt};

/// A normal number of mean 0 and deviation 1 (Marsaglia's polar method).
///
/// `rand_distr`'s tails call the system's `exp` and `ln`, which differ between systems in the last bit.
pub(super) fn normal(rng: &mut impl Rng) -> f64 {
    loop {
        let [a, b]: [f64; 2] = [0; 2].map(|_| 2.0 * rng.random::<f64>() - 1.0);
        let r2 = a * a + b * b;
        if r2 > 0.0 && r2 < 1.0 {
            return a * (-2.0 * libm::log(r2) / r2).sqrt();
        }
    }
}

/// A normal number of mean 1, cut off three deviations away and at a tenth.
pub(super) fn factor(rng: &mut impl Rng, deviation: f64) -> f64 {
    (1.0 + deviation * normal(rng).clamp(-3.0, 3.0)).max(0.1)
}
