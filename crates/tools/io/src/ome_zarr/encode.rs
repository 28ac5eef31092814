//! From samples to the bytes of a chunk.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use hooke_core::Region;
use zarrs::array::codec::{
    BloscCompressionLevel, BloscCompressor, BloscShuffleMode, blosc_compress_bytes,
};

use super::options::Compression;

/// Compresses chunks; the same samples give the same bytes, whatever was compressed before.
#[derive(Debug)]
pub(super) struct Encoder {
    pub compression: Compression,
    /// Bytes of a sample.
    pub size: usize,
    // Encoded chunks are large: their memory is used again.
    pool: Mutex<Vec<Vec<u8>>>,
}

/// The most buffers an idle encoder keeps.
const KEPT: usize = 256;

impl Encoder {
    pub fn new(compression: Compression, size: usize) -> Encoder {
        Encoder { compression, size, pool: Mutex::default() }
    }

    /// A buffer of an earlier chunk.
    pub fn take(&self) -> Vec<u8> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub fn give_back(&self, buffer: Vec<u8>) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < KEPT {
            pool.push(buffer);
        }
    }

    /// Encodes the part of a block that one chunk holds, or `None` when all of it is 0.
    ///
    /// * `block` — the bytes of the block's samples, of shape `shape`.
    /// * `part` — the part, inside the block.
    /// * `chunk` — lengths of the chunk; what lies beyond the part is 0.
    ///
    /// # Errors
    /// What the compressor answers.
    pub fn encode(
        &self,
        block: &[u8],
        shape: [u64; 5],
        part: &Region,
        chunk: [u64; 5],
    ) -> io::Result<Option<Vec<u8>>> {
        thread_local! {
            static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        if let Some(range) = contiguous(shape, part, chunk, self.size) {
            return self.compress(&block[range]);
        }
        if self.compression == Compression::None && cfg!(target_endian = "little") {
            let mut out = self.take();
            gather(block, shape, part, chunk, self.size, &mut out);
            return Ok(if is_zero(&out) { None } else { Some(out) });
        }
        GATHERED.with_borrow_mut(|gathered| {
            gather(block, shape, part, chunk, self.size, gathered);
            self.compress(gathered)
        })
    }

    fn compress(&self, samples: &[u8]) -> io::Result<Option<Vec<u8>>> {
        if is_zero(samples) {
            return Ok(None);
        }
        let swapped;
        let samples = if cfg!(target_endian = "big") && self.size > 1 {
            swapped =
                samples.chunks(self.size).flat_map(|s| s.iter().rev().copied()).collect::<Vec<_>>();
            &swapped[..]
        } else {
            samples
        };
        let mut out = self.take();
        out.clear();
        match self.compression {
            Compression::None => out.extend_from_slice(samples),
            Compression::Zstd(level) => {
                out.reserve(zstd::zstd_safe::compress_bound(samples.len()));
                with_compressor(level, |c| c.compress_to_buffer(samples, &mut out))?;
            }
            Compression::Gzip(level) => {
                let mut encoder =
                    flate2::write::GzEncoder::new(out, flate2::Compression::new(level));
                encoder.write_all(samples)?;
                out = encoder.finish()?;
            }
            Compression::BloscLz4(level) => {
                out = self.blosc(samples, BloscCompressor::LZ4, level)?
            }
            Compression::BloscZstd(level) => {
                out = self.blosc(samples, BloscCompressor::Zstd, level)?
            }
        }
        Ok(Some(out))
    }

    fn blosc(&self, samples: &[u8], compressor: BloscCompressor, level: u8) -> io::Result<Vec<u8>> {
        let shuffle =
            if self.size > 1 { BloscShuffleMode::Shuffle } else { BloscShuffleMode::NoShuffle };
        let level = BloscCompressionLevel::try_from(level)
            .map_err(|_| io::Error::other("no blosc level"))?;
        blosc_compress_bytes(samples, level, shuffle, self.size, compressor, 0, 1)
            .map_err(|e| io::Error::other(e.to_string()))
    }
}

fn with_compressor<R>(
    level: i32,
    run: impl FnOnce(&mut zstd::bulk::Compressor<'static>) -> io::Result<R>,
) -> io::Result<R> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> =
            const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|(l, _)| *l != level) {
            *slot = Some((level, zstd::bulk::Compressor::new(level)?));
        }
        run(&mut slot.as_mut().expect("filled above").1)
    })
}

/// Whether every byte is 0, found out in steps so that most chunks are left at once.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).all(|c| c.iter().fold(0, |a, b| a | b) == 0)
}

/// The bytes of a part that is a whole chunk and lies in one piece in its block.
fn contiguous(
    shape: [u64; 5],
    part: &Region,
    chunk: [u64; 5],
    size: usize,
) -> Option<std::ops::Range<usize>> {
    if part.shape != chunk {
        return None;
    }
    let mut d = 4;
    while d > 0 && part.shape[d] == shape[d] {
        d -= 1;
    }
    if part.shape[..d].iter().any(|n| *n != 1) {
        return None;
    }
    let start = (0..5).fold(0, |i, d| i * shape[d] + part.start[d]) as usize * size;
    Some(start..start + part.voxels() as usize * size)
}

/// Copies a part of a block into a chunk of its own, with zeros beyond it.
fn gather(
    block: &[u8],
    shape: [u64; 5],
    part: &Region,
    chunk: [u64; 5],
    size: usize,
    out: &mut Vec<u8>,
) {
    let bytes = Region::whole(chunk).voxels() as usize * size;
    if part.shape != chunk {
        out.clear();
    }
    out.resize(bytes, 0);
    let row = part.shape[4] as usize * size;
    let at =
        |shape: [u64; 5], p: [u64; 5]| (0..5).fold(0, |i, d| i * shape[d] + p[d]) as usize * size;
    let [nt, nc, nz, ny, _] = part.shape;
    for t in 0..nt {
        for c in 0..nc {
            for z in 0..nz {
                for y in 0..ny {
                    let [t0, c0, z0, y0, x0] = part.start;
                    let from = at(shape, [t0 + t, c0 + c, z0 + z, y0 + y, x0]);
                    let to = at(chunk, [t, c, z, y, 0]);
                    out[to..to + row].copy_from_slice(&block[from..from + row]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whole_planes_are_taken_in_place() {
        let shape = [1, 1, 8, 4, 4];
        let planes = Region::new([0, 0, 2, 0, 0], [1, 1, 2, 4, 4]);
        assert_eq!(contiguous(shape, &planes, planes.shape, 2), Some(64..128));
        let columns = Region::new([0, 0, 2, 0, 0], [1, 1, 2, 4, 2]);
        assert_eq!(contiguous(shape, &columns, columns.shape, 2), None);
        let row = Region::new([0, 0, 1, 2, 1], [1, 1, 1, 1, 2]);
        assert_eq!(contiguous(shape, &row, row.shape, 1), Some(25..27));
        let cut = Region::new([0, 0, 6, 0, 0], [1, 1, 2, 4, 4]);
        assert_eq!(contiguous(shape, &cut, [1, 1, 4, 4, 4], 2), None);
    }

    #[test]
    fn a_gathered_chunk_is_padded_with_zeros_although_the_buffer_is_old() {
        let mut out = vec![9; 12];
        let part = Region::new([0, 0, 0, 0, 1], [1, 1, 1, 2, 2]);
        gather(&[1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 3], &part, [1, 1, 1, 3, 4], 1, &mut out);
        assert_eq!(out, [2, 3, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_was_compressed_before_changes_nothing() {
        let noise = |seed: u32| -> Vec<u8> {
            (0..60_000u32).map(|i| (i.wrapping_mul(seed) >> 13) as u8 & 0x3F).collect()
        };
        for compression in ["zstd", "zstd:9", "gzip", "blosc-lz4", "blosc-zstd", "none"] {
            let encoder = Encoder::new(Compression::parse(compression).unwrap(), 2);
            let first = encoder.compress(&noise(77)).unwrap().unwrap();
            for seed in 1..5 {
                let other = encoder.compress(&noise(seed)).unwrap().unwrap();
                encoder.give_back(other);
            }
            assert_eq!(encoder.compress(&noise(77)).unwrap().unwrap(), first, "{compression}");
            assert_eq!(encoder.compress(&[0; 5000]).unwrap(), None);
        }
    }
}
