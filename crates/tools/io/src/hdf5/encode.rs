//! Chunks through shuffle and gzip, and back.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// How a chunk is encoded: bytes of equal significance together, then gzip of this level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    /// gzip level, 1 to 9.
    pub level: u32,
    /// Bytes per sample: 1, 2, 4 or 8.
    pub sample: usize,
}

impl Encoding {
    /// Encodes a chunk of whole samples.
    pub fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let shuffled = if self.sample > 1 { self.shuffle(bytes) } else { bytes.to_vec() };
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(self.level));
        encoder.write_all(&shuffled).expect("a vector takes everything");
        encoder.finish().expect("a vector takes everything")
    }

    /// Decodes a chunk of `length` bytes; `None` when it does not hold as many.
    pub fn decode(&self, encoded: &[u8], length: usize) -> Option<Vec<u8>> {
        let mut shuffled = Vec::with_capacity(length);
        let mut decoder = ZlibDecoder::new(encoded).take(length as u64 + 1);
        decoder.read_to_end(&mut shuffled).ok()?;
        if shuffled.len() != length {
            return None;
        }
        if self.sample == 1 {
            return Some(shuffled);
        }
        let mut bytes = vec![0; length];
        match self.sample {
            2 => unshuffle::<2>(&shuffled, &mut bytes),
            4 => unshuffle::<4>(&shuffled, &mut bytes),
            _ => unshuffle::<8>(&shuffled, &mut bytes),
        }
        Some(bytes)
    }

    fn shuffle(&self, bytes: &[u8]) -> Vec<u8> {
        let mut shuffled = vec![0; bytes.len()];
        match self.sample {
            2 => shuffle::<2>(bytes, &mut shuffled),
            4 => shuffle::<4>(bytes, &mut shuffled),
            _ => shuffle::<8>(bytes, &mut shuffled),
        }
        shuffled
    }
}

/// Byte `b` of every sample of `N` bytes goes to plane `b`.
fn shuffle<const N: usize>(bytes: &[u8], shuffled: &mut [u8]) {
    let samples = bytes.as_chunks::<N>().0;
    for (b, plane) in shuffled.chunks_exact_mut(samples.len().max(1)).enumerate() {
        for (value, sample) in plane.iter_mut().zip(samples) {
            *value = sample[b];
        }
    }
}

fn unshuffle<const N: usize>(shuffled: &[u8], bytes: &mut [u8]) {
    let samples = bytes.as_chunks_mut::<N>().0;
    for (b, plane) in shuffled.chunks_exact(samples.len().max(1)).enumerate() {
        for (sample, value) in samples.iter_mut().zip(plane) {
            sample[b] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_puts_bytes_of_equal_significance_together() {
        let encoding = Encoding { level: 4, sample: 2 };
        assert_eq!(encoding.shuffle(&[1, 2, 3, 4, 5, 6]), [1, 3, 5, 2, 4, 6]);
        for sample in [1, 2, 4, 8] {
            let encoding = Encoding { level: 1, sample };
            let bytes: Vec<u8> = (0..=255).collect();
            assert_eq!(encoding.decode(&encoding.encode(&bytes), 256), Some(bytes));
            assert_eq!(encoding.decode(&encoding.encode(&[7; 264]), 256), None);
        }
    }
}
