//! From photons to grey levels.

use hooke_core::seed::rng_at;
use ndarray::{Array2, Zip};
use rand::RngExt;
use rand_distr::{Distribution, Poisson, StandardNormal};

use super::MovieSimParams;

/// Whole means below this are drawn from a table.
const TABLES: usize = 256;

/// Entries of the guide into a table.
const GUIDE: usize = 64;

/// Poisson numbers fast enough for long movies: a Poisson number of mean `n + f` is the sum of one
/// of mean `n`, looked up in the cumulative distribution, and one of mean `f < 1`, counted up.
#[derive(Debug, Clone)]
pub(super) struct PoissonTable {
    tables: Vec<Cumulative>,
}

/// The cumulative distribution of a Poisson number of whole mean.
#[derive(Debug, Clone)]
struct Cumulative {
    /// The number that entry 0 stands for.
    first: u32,
    /// Probability of at most `first + i`; the last is 1.
    upto: Vec<f64>,
    /// Entry that the search starts at for `u` in `[i, i + 1) / GUIDE`.
    guide: [u16; GUIDE],
}

impl Cumulative {
    fn new(mean: usize) -> Self {
        let m = mean as f64;
        // Beyond, the probability is below 1e-18.
        let first = (m - 9.0 * m.sqrt()).floor().max(0.0) as usize;
        let end = (m + 10.0 * m.sqrt()) as usize + 20;
        let mut upto = vec![0.0; end - first];
        upto[mean - first] = 1.0;
        for k in mean + 1..end {
            upto[k - first] = upto[k - 1 - first] * m / k as f64;
        }
        for k in (first..mean).rev() {
            upto[k - first] = upto[k + 1 - first] * (k + 1) as f64 / m;
        }
        let total: f64 = upto.iter().sum();
        let mut sum = 0.0;
        for p in &mut upto {
            sum += *p / total;
            *p = sum;
        }
        if let Some(last) = upto.last_mut() {
            *last = 1.0;
        }
        let start = |i: usize| upto.partition_point(|p| *p <= i as f64 / GUIDE as f64) as u16;
        Self { first: first as u32, guide: std::array::from_fn(start), upto }
    }

    fn sample(&self, u: f64) -> f64 {
        let mut i = usize::from(self.guide[(u * GUIDE as f64) as usize]);
        while self.upto[i] <= u {
            i += 1;
        }
        f64::from(self.first) + i as f64
    }
}

impl PoissonTable {
    pub(super) fn new() -> Self {
        Self { tables: (0..TABLES).map(Cumulative::new).collect() }
    }

    fn sample(&self, mean: f64, rng: &mut impl rand::Rng) -> f64 {
        let whole = mean.floor();
        match self.tables.get(whole as usize) {
            Some(table) => table.sample(rng.random()) + below_one(mean - whole, rng.random()),
            None => Poisson::new(mean).map_or(0.0, |p| p.sample(rng)),
        }
    }

    /// Counts photons and reads them out. Rows have generators of their own.
    pub(super) fn expose(
        &self,
        params: &MovieSimParams,
        t: usize,
        light: &Array2<f64>,
    ) -> Array2<u16> {
        let mut out = Array2::zeros(light.raw_dim());
        for (y, (light, mut row)) in light.outer_iter().zip(out.outer_iter_mut()).enumerate() {
            let mut rng = rng_at(params.seed, "movie-camera", &[t as i64, y as i64]);
            Zip::from(&light).and(&mut row).for_each(|photons, out| {
                let counted = self.sample(photons.max(0.0), &mut rng);
                let read: f64 = StandardNormal.sample(&mut rng);
                let level = params.offset + params.gain * counted + params.read_noise * read;
                *out = level.round().clamp(0.0, 65_535.0) as u16;
            });
        }
        out
    }
}

/// A Poisson number of a mean below 1.
fn below_one(mean: f64, u: f64) -> f64 {
    let mut p = (-mean).exp();
    let (mut sum, mut k) = (p, 0.0);
    while sum <= u && k < 20.0 {
        k += 1.0;
        p *= mean / k;
        sum += p;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_numbers_have_their_mean_variance_and_skew() {
        let table = PoissonTable::new();
        let mut rng = rng_at(3, "poisson", &[]);
        for mean in [0.0, 0.3, 1.0, 7.9, 40.5, 255.9, 300.2] {
            let n = 200_000;
            let draws: Vec<f64> = (0..n).map(|_| table.sample(mean, &mut rng)).collect();
            let found = draws.iter().sum::<f64>() / n as f64;
            let moment = |k| draws.iter().map(|v| (v - found).powi(k)).sum::<f64>() / n as f64;
            let error = (mean / n as f64).sqrt();
            assert!((found - mean).abs() <= 5.0 * error, "{mean}: {found}");
            assert!((moment(2) - mean).abs() <= 0.02 * mean, "{mean}: {}", moment(2));
            // The third central moment of a Poisson number is its mean.
            let error = (15.0 * mean.powi(3) / n as f64).sqrt() + 0.05 * mean;
            assert!((moment(3) - mean).abs() <= 5.0 * error, "{mean}: {}", moment(3));
        }
    }
}
