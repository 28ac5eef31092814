//! From the stored bytes of a sub-block to rows of samples.

use std::io::Read;
use std::path::Path;

use hooke_core::Dtype;

use crate::{Error, Result};

/// How the samples of a pixel are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelType {
    pub dtype: Dtype,
    /// 1, or 3 for blue, green, red.
    pub samples: u64,
}

impl PixelType {
    pub fn read(path: &Path, number: i32) -> Result<PixelType> {
        let (dtype, samples) = match number {
            0 => (Dtype::Uint8, 1),
            1 => (Dtype::Uint16, 1),
            2 => (Dtype::Float32, 1),
            3 => (Dtype::Uint8, 3),
            4 => (Dtype::Uint16, 3),
            other => {
                let hint = "save it from ZEN as 8, 16 or 32 bit grey, or as RGB";
                return Err(Error::unsupported(path, format!("CZI pixel type {other}"), hint));
            }
        };
        Ok(PixelType { dtype, samples })
    }

    pub fn bytes(self) -> u64 {
        self.dtype.size() as u64 * self.samples
    }
}

/// How sub-blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    /// Zstd.
    Zstd,
    /// Zstd behind a small header that may say that low and high bytes are apart.
    ZstdHeader,
}

impl Packing {
    pub fn read(path: &Path, number: i32) -> Result<Packing> {
        let name = match number {
            0 => return Ok(Packing::None),
            5 => return Ok(Packing::Zstd),
            6 => return Ok(Packing::ZstdHeader),
            1 => "JPEG",
            2 => "LZW",
            4 => "JPEG XR",
            _ => "unknown",
        };
        let hint = "save it from ZEN without compression or with zstd";
        Err(Error::unsupported(path, format!("CZI packed by {name} (code {number})"), hint))
    }

    pub fn name(self) -> &'static str {
        match self {
            Packing::None => "none",
            Packing::Zstd | Packing::ZstdHeader => "zstd",
        }
    }
}

/// Unpacks a sub-block to exactly `wanted` bytes; the error says what is wrong.
pub(super) fn unpack(packing: Packing, stored: &[u8], wanted: u64) -> Result<Vec<u8>, String> {
    let mut apart = false;
    let packed = match packing {
        Packing::None | Packing::Zstd => stored,
        Packing::ZstdHeader => {
            let length = usize::from(*stored.first().ok_or("no header")?);
            let header =
                stored.get(..length).filter(|h| !h.is_empty()).ok_or("the header is cut")?;
            // Chunks of kind 1 hold flags, of which the lowest bit is about bytes.
            match header[1..] {
                [] => {}
                [1, flags] => apart = flags & 1 == 1,
                _ => return Err(format!("a header of {length} bytes of unknown kind")),
            }
            &stored[length..]
        }
    };
    if packing == Packing::None {
        let found = stored.len() as u64;
        return if found >= wanted {
            Ok(stored[..wanted as usize].to_vec())
        } else {
            Err(format!("{found} bytes, wanted {wanted}"))
        };
    }
    let mut bytes = Vec::new();
    let mut decoder = zstd::Decoder::new(packed).map_err(|e| e.to_string())?.take(wanted + 1);
    decoder.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 != wanted {
        return Err(format!("unpacks to {} bytes, wanted {wanted}", bytes.len()));
    }
    if apart {
        let (low, high) = bytes.split_at(bytes.len() / 2);
        bytes = low.iter().zip(high).flat_map(|(l, h)| [*l, *h]).collect();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn packed_bytes_come_back_also_when_halves_are_apart() {
        let samples: Vec<u8> = (0..40u16).flat_map(|v| (v * 300).to_le_bytes()).collect();
        let packed = zstd::encode_all(samples.as_slice(), 1).unwrap();
        assert_eq!(unpack(Packing::Zstd, &packed, 80).unwrap(), samples);
        let plain = [&[1u8][..], &packed].concat();
        assert_eq!(unpack(Packing::ZstdHeader, &plain, 80).unwrap(), samples);
        let (low, high): (Vec<u8>, Vec<u8>) = samples.chunks(2).map(|p| (p[0], p[1])).unzip();
        let packed = zstd::encode_all([low, high].concat().as_slice(), 1).unwrap();
        let apart = [&[3u8, 1, 1][..], &packed].concat();
        assert_eq!(unpack(Packing::ZstdHeader, &apart, 80).unwrap(), samples);
        assert!(unpack(Packing::ZstdHeader, &apart, 79).is_err());
        assert!(unpack(Packing::ZstdHeader, &[], 80).is_err());
        assert!(unpack(Packing::ZstdHeader, &[0], 80).is_err());
        assert!(unpack(Packing::None, &samples, 81).is_err());
    }
}
