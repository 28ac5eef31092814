//! Random numbers that depend on what they are for, never on thread, block or time.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A generator for one place of one stage: equal on every machine, thread and block grid.
///
/// `position` is absolute (a voxel, a tile index), so that the same place draws the same numbers
/// however the work is cut.
pub fn rng_at(seed: u64, stage: &str, position: &[i64]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((stage.len() as u64).to_le_bytes());
    hash.update(stage.as_bytes());
    for p in position {
        hash.update(p.to_le_bytes());
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn stage_and_position_change_the_numbers() {
        let draw = |seed, stage, position: &[i64]| rng_at(seed, stage, position).random::<u64>();
        assert_eq!(draw(1, "noise", &[3, 4]), draw(1, "noise", &[3, 4]));
        assert_ne!(draw(1, "noise", &[3, 4]), draw(1, "noise", &[4, 3]));
        assert_ne!(draw(1, "noise", &[3, 4]), draw(1, "gain", &[3, 4]));
        assert_ne!(draw(1, "noise", &[3, 4]), draw(2, "noise", &[3, 4]));
    }
}
