//! Counts by integer keys.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table with integer keys, hashed fast; for keys whose order nobody chooses to slow us down.
pub type IntegerMap<K, V> = HashMap<K, V, BuildHasherDefault<IntegerHasher>>;

/// How often each key came up.
pub type Counts<K> = IntegerMap<K, u64>;

/// Multiplies and folds each word: labels and intensities are small and consecutive, the fold spreads them.
#[derive(Debug, Clone, Copy, Default)]
pub struct IntegerHasher(u64);

impl Hasher for IntegerHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }
    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }
    #[inline]
    fn write_u64(&mut self, word: u64) {
        // 2^64 over the golden ratio, as in Knuth's multiplicative hashing.
        let product = u128::from(self.0.rotate_left(23) ^ word ^ 0x2545_f491_4f6c_dd1d)
            * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
}
