//! From samples to the bytes of a chunk.

use flate2::{Compress, FlushCompress, Status};
use hooke_core::pixels::Typed;
use hooke_core::{Pixels, Region};

use super::options::Compression;
use crate::tiff::layout::{Layout, Predictor};
use crate::tiff::predictor::make_horizontal;

/// Encodes a chunk: the box `part` of a block, padded to `rows` x `columns` by repeating the last
/// row and column, which compresses better than zeros.
///
/// # Panics
/// When `part` is empty, is no single plane, or lies outside the block.
pub fn encode(
    layout: &Layout,
    compression: Compression,
    block: &Pixels,
    part: &Region,
    rows: u64,
) -> Vec<u8> {
    let mut raw = Vec::new();
    hooke_core::dispatch!(block.dtype(), T => {
        let samples = block.as_slice::<T>().expect("dispatched on the dtype");
        gather(samples, block.shape(), part, [rows, layout.chunk[1]], &mut raw);
    });
    let row_bytes = layout.row_bytes() as usize;
    if layout.predictor == Predictor::Horizontal {
        make_horizontal(&mut raw, row_bytes, layout.dtype.size());
    }
    compress(compression, raw, row_bytes)
}

fn gather<T: Typed>(
    samples: &[T],
    shape: [u64; 5],
    part: &Region,
    [rows, columns]: [u64; 2],
    out: &mut Vec<u8>,
) {
    let [_, _, _, ny, nx] = part.shape;
    out.reserve((rows * columns) as usize * size_of::<T>());
    let base = part.start[..3].iter().zip(&shape[..3]).fold(0, |i, (p, n)| i * n + p);
    for y in 0..rows {
        let y = part.start[3] + y.min(ny - 1);
        let start = ((base * shape[3] + y) * shape[4] + part.start[4]) as usize;
        let row = &samples[start..start + nx as usize];
        T::extend_le(row, out);
        for _ in nx..columns {
            T::extend_le(&row[row.len() - 1..], out);
        }
    }
}

fn compress(compression: Compression, raw: Vec<u8>, row_bytes: usize) -> Vec<u8> {
    match compression {
        Compression::None => raw,
        Compression::Deflate(level) => deflate(&raw, level),
        Compression::Zstd(level) => {
            zstd::bulk::compress(&raw, level).expect("a buffer of the bound is always enough")
        }
        Compression::Lzw => weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
            .encode(&raw)
            .expect("eight-bit symbols are always encodable"),
        Compression::PackBits => {
            let mut out = Vec::with_capacity(raw.len() + raw.len() / 64);
            raw.chunks(row_bytes).for_each(|row| packbits(row, &mut out));
            out
        }
    }
}

fn deflate(raw: &[u8], level: u32) -> Vec<u8> {
    let mut stream = Compress::new(flate2::Compression::new(level.min(9)), true);
    // zlib's own bound for what deflate can grow to.
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 1000 + 64);
    loop {
        let read = &raw[stream.total_in() as usize..];
        match stream.compress_vec(read, &mut out, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return out,
            _ => out.reserve(out.capacity() / 2 + 64),
        }
    }
}

/// Packs one row (TIFF 6.0 section 9); rows are packed each on its own.
fn packbits(row: &[u8], out: &mut Vec<u8>) {
    let run = |at: usize| row[at..].iter().take(128).take_while(|b| **b == row[at]).count();
    let mut at = 0;
    while at < row.len() {
        let count = run(at);
        if count >= 2 {
            out.extend([(1 - count as i32) as u8, row[at]]);
            at += count;
            continue;
        }
        let mut end = at + 1;
        while end < row.len() && end - at < 128 && run(end) < 3 {
            end += 1;
        }
        out.push((end - at - 1) as u8);
        out.extend_from_slice(&row[at..end]);
        at = end;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tiff::decompress::decompress;
    use crate::tiff::ifd::Numbers;
    use crate::tiff::layout::Stored;

    #[test]
    fn every_codec_gives_back_runs_noise_and_single_bytes() {
        let noise = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let mut raw: Vec<u8> = noise.collect();
        raw[100..500].fill(7);
        raw[501] = raw[500];
        for compression in [
            Compression::None,
            Compression::Lzw,
            Compression::Deflate(6),
            Compression::Deflate(0),
            Compression::Zstd(3),
            Compression::PackBits,
        ] {
            let layout = Layout {
                width: 64,
                height: 64,
                samples: 1,
                planar: false,
                chunk: [64, 64],
                tiled: true,
                dtype: hooke_core::Dtype::Uint8,
                stored: Stored::Native,
                codec: compression.codec(),
                predictor: Predictor::None,
                photometric: 1,
                reversed_bits: false,
                numbers: Numbers { big: false, big_endian: false },
            };
            let packed = compress(compression, raw.clone(), 64);
            let mut out = vec![0; raw.len()];
            decompress(&layout, 64, None, &packed, &mut out).unwrap();
            assert!(out == raw, "{compression:?}");
        }
    }
}
