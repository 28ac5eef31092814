//! One file of an array: a header, and the samples, most significant byte first, packed.

use std::borrow::Cow;
use std::io::{Read, Write};

use crate::ome_zarr::unpack_blosc;

/// How samples are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Raw,
    Gzip,
    Zlib,
    Bzip2,
    /// As Java's lz4 library frames it.
    Lz4,
    Zstd,
    Blosc,
}

impl Packing {
    pub fn name(self) -> &'static str {
        match self {
            Packing::Raw => "none",
            Packing::Gzip | Packing::Zlib => "gzip",
            Packing::Bzip2 => "bzip2",
            Packing::Lz4 => "lz4",
            Packing::Zstd => "zstd",
            Packing::Blosc => "blosc",
        }
    }
}

/// The samples of a block as bytes, and its lengths, slowest dimension first.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    pub lengths: Vec<u64>,
    pub bytes: Vec<u8>,
}

impl Block {
    /// Reads a block of samples of `size` bytes; none of its lengths may exceed those of `most`.
    ///
    /// Nothing is allocated beyond the bytes that `most` allows.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(file: &[u8], packing: Packing, size: u64, most: &[u64]) -> Result<Block, String> {
        let (mode, rest) = file.split_first_chunk::<2>().ok_or("its header is cut")?;
        let (count, mut rest) = rest.split_first_chunk::<2>().ok_or("its header is cut")?;
        let (mode, count) = (u16::from_be_bytes(*mode), u16::from_be_bytes(*count));
        if usize::from(count) != most.len() {
            return Err(format!("it has {count} dimensions, the array {}", most.len()));
        }
        let mut word = || -> Result<u64, String> {
            let (word, next) = rest.split_first_chunk::<4>().ok_or("its header is cut")?;
            rest = next;
            Ok(u64::from(u32::from_be_bytes(*word)))
        };
        let mut lengths = (0..count).map(|_| word()).collect::<Result<Vec<u64>, String>>()?;
        lengths.reverse();
        if lengths.iter().zip(most).any(|(found, most)| found > most) {
            return Err(format!("it is {lengths:?} long, blocks are {most:?}"));
        }
        let samples: u64 = lengths.iter().product();
        match mode {
            0 => {}
            // The number of samples stands in the header: for these it is the product.
            1 => {
                let found = word()?;
                if found != samples {
                    return Err(format!("it holds {found} samples for lengths of {lengths:?}"));
                }
            }
            other => return Err(format!("its mode is {other}, not 0 or 1")),
        }
        let bytes = unpack(rest, packing, samples * size)?;
        Ok(Block { lengths, bytes })
    }

    /// The bytes of a block with its header; `bytes` are the samples, most significant byte first.
    pub fn write(lengths: &[u64], bytes: &[u8], packing: Packing, level: u32) -> Vec<u8> {
        let mut out = vec![0, 0];
        out.extend((lengths.len() as u16).to_be_bytes());
        for length in lengths.iter().rev() {
            out.extend((*length as u32).to_be_bytes());
        }
        const IN_MEMORY: &str = "memory takes everything";
        match packing {
            Packing::Gzip => {
                let compression = flate2::Compression::new(level);
                let mut encoder = flate2::write::GzEncoder::new(out, compression);
                encoder.write_all(bytes).expect(IN_MEMORY);
                encoder.finish().expect(IN_MEMORY)
            }
            Packing::Zstd => {
                out.extend(zstd::bulk::compress(bytes, level as i32).expect(IN_MEMORY));
                out
            }
            // The others are only read.
            _ => {
                out.extend_from_slice(bytes);
                out
            }
        }
    }
}

/// Unpacks to exactly so many bytes.
fn unpack(packed: &[u8], packing: Packing, wanted: u64) -> Result<Vec<u8>, String> {
    let wrong = |found: usize| format!("it unpacks to {found} bytes, not {wanted}");
    let bytes = match packing {
        Packing::Raw => Cow::Borrowed(packed),
        Packing::Gzip => read_most(flate2::read::MultiGzDecoder::new(packed), wanted)?.into(),
        Packing::Zlib => read_most(flate2::read::ZlibDecoder::new(packed), wanted)?.into(),
        Packing::Bzip2 => read_most(bzip2::read::BzDecoder::new(packed), wanted)?.into(),
        Packing::Zstd => {
            let decoder = zstd::Decoder::new(packed).map_err(|e| e.to_string())?;
            read_most(decoder, wanted)?.into()
        }
        Packing::Lz4 => unpack_lz4(packed, wanted)?.into(),
        Packing::Blosc => unpack_blosc(packed, wanted)?.into(),
    };
    if bytes.len() as u64 != wanted { Err(wrong(bytes.len())) } else { Ok(bytes.into_owned()) }
}

fn read_most(decoder: impl Read, wanted: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    decoder.take(wanted + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// The frames of `LZ4BlockOutputStream` of lz4-java: a mark, a method with a level, lengths packed and
/// unpacked, a checksum, the bytes; the last frame is empty.
fn unpack_lz4(mut packed: &[u8], wanted: u64) -> Result<Vec<u8>, String> {
    const MARK: &[u8; 8] = b"LZ4Block";
    let mut out = Vec::new();
    while !packed.is_empty() {
        let (head, rest) = packed.split_first_chunk::<21>().ok_or("a frame of lz4 is cut")?;
        let word = |at: usize| {
            u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let (method, stored, length) = (head[8] & 0xf0, word(9), word(13));
        if head[..8] != MARK[..] || stored > rest.len() {
            return Err("a frame of lz4 is damaged".to_owned());
        }
        if (out.len() + length) as u64 > wanted {
            return Err(format!("it unpacks to more than {wanted} bytes"));
        }
        let (data, next) = rest.split_at(stored);
        match method {
            0x10 if stored == length => out.extend_from_slice(data),
            0x20 => {
                let begin = out.len();
                out.resize(begin + length, 0);
                let found = lz4_flex::block::decompress_into(data, &mut out[begin..]);
                if found.map_err(|e| e.to_string())? != length {
                    return Err("a frame of lz4 is shorter than it says".to_owned());
                }
            }
            _ => return Err(format!("lz4 by method {method:x}")),
        }
        packed = next;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks_read_back_and_say_what_is_wrong() {
        let bytes: Vec<u8> = (0..48).collect();
        for packing in [Packing::Raw, Packing::Gzip, Packing::Zstd] {
            let file = Block::write(&[2, 3, 4], &bytes, packing, 3);
            assert_eq!(file[..16], [0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2]);
            let block = Block::read(&file, packing, 2, &[2, 3, 8]).unwrap();
            assert_eq!(block, Block { lengths: vec![2, 3, 4], bytes: bytes.clone() });
            assert!(Block::read(&file, packing, 4, &[2, 3, 4]).is_err());
            assert!(Block::read(&file, packing, 2, &[2, 3, 3]).unwrap_err().contains("blocks are"));
            assert!(Block::read(&file, packing, 2, &[3, 4]).unwrap_err().contains("dimensions"));
            assert!(Block::read(&file[..9], packing, 2, &[2, 3, 4]).unwrap_err().contains("cut"));
        }
    }

    #[test]
    fn the_other_mode_says_how_many_samples_there_are() {
        let mut file = vec![0, 1, 0, 1, 0, 0, 0, 3, 0, 0, 0, 3, 7, 8, 9];
        let block = Block::read(&file, Packing::Raw, 1, &[4]).unwrap();
        assert_eq!(block.bytes, [7, 8, 9]);
        file[11] = 4;
        assert!(Block::read(&file, Packing::Raw, 1, &[4]).is_err());
        file[1] = 2;
        assert!(Block::read(&file, Packing::Raw, 1, &[4]).unwrap_err().contains("mode is 2"));
    }

    #[test]
    fn frames_of_lz4_of_both_methods_unpack() {
        let data = b"abcabcabcabcabcabcabcabc".repeat(4);
        let packed = lz4_flex::block::compress(&data);
        let frame = |method: u8, stored: &[u8], length: usize| {
            let mut frame = b"LZ4Block".to_vec();
            frame.push(method);
            frame.extend((stored.len() as u32).to_le_bytes());
            frame.extend((length as u32).to_le_bytes());
            frame.extend([0; 4]);
            frame.extend_from_slice(stored);
            frame
        };
        let end = frame(0x16, &[], 0);
        let file = [frame(0x26, &packed, data.len()), frame(0x16, b"xyz", 3), end].concat();
        let wanted = [&data[..], b"xyz"].concat();
        assert_eq!(unpack(&file, Packing::Lz4, wanted.len() as u64).unwrap(), wanted);
        assert!(unpack(&file, Packing::Lz4, 5).is_err());
        assert!(unpack(&file[..30], Packing::Lz4, wanted.len() as u64).is_err());
    }
}
