//! Noise for images that only stand for real ones.

use hooke_core::Sample;
use hooke_core::seed::rng_at;
use rand::RngExt;

/// Fills one chunk of a tile with uniform noise in `[0, noise)`, cast down to the type.
///
/// Depends on `seed`, `tile` and the chunk's place in the chunk grid only, so any number of threads
/// and any order give the same image. `noise` 0 or less, or NaN, gives zeros.
pub fn fill_noise<T: Sample>(seed: u64, tile: usize, chunk: [u64; 3], noise: f64, out: &mut [T]) {
    // A NaN is not larger either.
    if !matches!(noise.partial_cmp(&0.0), Some(std::cmp::Ordering::Greater)) {
        return out.fill(T::default());
    }
    let [z, y, x] = chunk.map(|n| n as i64);
    let mut rng = rng_at(seed, "blank-noise", &[tile as i64, z, y, x]);
    let whole = !T::DTYPE.is_float();
    for value in out {
        let drawn = rng.random::<f64>() * noise;
        *value = T::from_f64(if whole { drawn.floor() } else { drawn });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_the_same_whenever_it_is_made() {
        let mut chunk = vec![0u16; 10_000];
        fill_noise(7, 3, [0, 1, 2], 200.0, &mut chunk);
        let mut again = vec![1u16; 10_000];
        fill_noise(7, 3, [0, 1, 2], 200.0, &mut again);
        assert_eq!(chunk, again);
        fill_noise(7, 3, [0, 2, 1], 200.0, &mut again);
        assert_ne!(chunk, again);
        let mean = chunk.iter().map(|v| f64::from(*v)).sum::<f64>() / 1e4;
        assert!(chunk.iter().all(|v| *v < 200) && (mean - 99.5).abs() < 3.0, "{mean}");
        fill_noise(7, 3, [0; 3], 0.0, &mut chunk);
        assert!(chunk.iter().all(|v| *v == 0));
    }
}
