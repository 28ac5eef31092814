//! One bytes-to-bytes codec of a chunk: a compressor, or a checksum.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use zarrs::array::codec::{blosc_decompress_bytes, blosc_validate};
use zarrs::array::{BytesRepresentation, BytesToBytesCodecTraits, CodecOptions};

/// One bytes-to-bytes codec.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Zstd,
    Gzip,
    Zlib,
    Blosc,
    Crc32c,
    /// A codec that keeps the size, or adds a checksum: zarrs decodes it.
    Sized(Arc<dyn BytesToBytesCodecTraits>),
}

impl Step {
    /// The codec of that name; `codec` is what zarrs made of it.
    ///
    /// # Errors
    /// A sentence about a codec that is not supported.
    pub fn new(name: &str, codec: &Arc<dyn BytesToBytesCodecTraits>) -> Result<Step, String> {
        Ok(match name {
            "zstd" | "numcodecs.zstd" => Step::Zstd,
            "gzip" | "numcodecs.gzip" => Step::Gzip,
            "zlib" | "numcodecs.zlib" => Step::Zlib,
            "blosc" | "numcodecs.blosc" => Step::Blosc,
            "crc32c" | "numcodecs.crc32c" => Step::Crc32c,
            "numcodecs.shuffle" | "shuffle" | "numcodecs.fletcher32" | "numcodecs.adler32" => {
                Step::Sized(Arc::clone(codec))
            }
            _ => return Err(format!("codec `{name}`")),
        })
    }

    /// The most bytes that one encoded byte can stand for.
    pub fn largest_ratio(&self) -> u64 {
        match self {
            // A block of 128 KiB takes at least four bytes. Inside blosc there may be zstd.
            Step::Zstd | Step::Blosc => 32_768,
            // 258 bytes take at least two bits.
            Step::Gzip | Step::Zlib => 1032,
            Step::Crc32c | Step::Sized(_) => 1,
        }
    }

    /// Decodes into a buffer that must come out exactly full.
    pub fn decode_into(&self, input: &[u8], out: &mut [u8]) -> Result<(), String> {
        let wrong = |found: usize, wanted: usize| format!("it holds {found} bytes, not {wanted}");
        match self {
            Step::Zstd => {
                let found = with_decompressor(|d| d.decompress_to_buffer(input, out))?;
                if found == out.len() { Ok(()) } else { Err(wrong(found, out.len())) }
            }
            Step::Gzip => fill(flate2::read::GzDecoder::new(input), out),
            Step::Zlib => fill(flate2::read::ZlibDecoder::new(input), out),
            Step::Blosc => {
                let found = blosc_size(input)? as usize;
                if found != out.len() {
                    return Err(wrong(found, out.len()));
                }
                let decoded = blosc(input, found)?;
                if decoded.len() != found {
                    return Err(wrong(decoded.len(), found));
                }
                out.copy_from_slice(&decoded);
                Ok(())
            }
            Step::Crc32c | Step::Sized(_) => {
                let decoded = self.decode_sized(input, out.len() as u64)?;
                if decoded.len() != out.len() {
                    return Err(wrong(decoded.len(), out.len()));
                }
                out.copy_from_slice(&decoded);
                Ok(())
            }
        }
    }

    /// Decodes at most `limit` bytes, of a number only the bytes themselves know.
    pub fn decode_to(&self, input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let read = |decoder: &mut dyn Read, out: &mut Vec<u8>| {
            decoder.take(limit as u64 + 1).read_to_end(out).map_err(|e| e.to_string())
        };
        match self {
            Step::Zstd => {
                let mut decoder = zstd::Decoder::new(input).map_err(|e| e.to_string())?;
                read(&mut decoder, out)?;
            }
            Step::Gzip => {
                read(&mut flate2::read::GzDecoder::new(input), out)?;
            }
            Step::Zlib => {
                read(&mut flate2::read::ZlibDecoder::new(input), out)?;
            }
            Step::Blosc => {
                let size = blosc_size(input)? as usize;
                if size <= limit {
                    *out = blosc(input, size)?;
                } else {
                    return Err(format!("it holds {size} bytes, more than {limit}"));
                }
            }
            Step::Crc32c | Step::Sized(_) => {
                out.extend_from_slice(&self.decode_sized(input, input.len() as u64)?);
            }
        }
        if out.len() > limit { Err(format!("it holds more than {limit} bytes")) } else { Ok(()) }
    }

    fn decode_sized<'a>(&self, input: &'a [u8], size: u64) -> Result<Cow<'a, [u8]>, String> {
        match self {
            Step::Crc32c => {
                let (data, sum) = input.split_last_chunk::<4>().ok_or("no room for a checksum")?;
                let (stored, found) = (u32::from_le_bytes(*sum), crc32c::crc32c(data));
                if stored != found {
                    return Err(format!("checksum {found:08x} is not {stored:08x}"));
                }
                Ok(Cow::Borrowed(data))
            }
            Step::Sized(codec) => codec
                .decode(
                    Cow::Borrowed(input),
                    &BytesRepresentation::BoundedSize(size),
                    &CodecOptions::default(),
                )
                .map_err(|e| e.to_string()),
            _ => unreachable!("only codecs that keep the size come here"),
        }
    }
}

/// Reads exactly `out.len()` bytes and checks that no more follow.
fn fill(mut decoder: impl Read, out: &mut [u8]) -> Result<(), String> {
    decoder.read_exact(out).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => format!("it holds fewer than {} bytes", out.len()),
        _ => e.to_string(),
    })?;
    match decoder.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(format!("it holds more than {} bytes", out.len())),
        Err(e) => Err(e.to_string()),
    }
}

fn with_decompressor<R>(
    run: impl FnOnce(&mut zstd::bulk::Decompressor<'static>) -> std::io::Result<R>,
) -> Result<R, String> {
    thread_local! {
        static DECOMPRESSOR: std::cell::RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            const { std::cell::RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(zstd::bulk::Decompressor::new().map_err(|e| e.to_string())?);
        }
        run(slot.as_mut().expect("filled above")).map_err(|e| e.to_string())
    })
}

/// The size a blosc buffer says it decodes to, after checking its header against its length.
pub(super) fn blosc_size(encoded: &[u8]) -> Result<u64, String> {
    let header = encoded.first_chunk::<16>().ok_or("too short for a blosc header")?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let (size, stored) = (word(4), word(12));
    if stored as usize != encoded.len() {
        return Err(format!("its blosc header says {stored} bytes, it has {}", encoded.len()));
    }
    Ok(u64::from(size))
}

fn blosc(encoded: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if blosc_validate(encoded) != Some(size) {
        return Err("its blosc header is not valid".to_owned());
    }
    blosc_decompress_bytes(encoded, size, 1).map_err(|_| "blosc cannot decompress it".to_owned())
}

/// Decompresses a blosc buffer that must hold exactly so many bytes.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn unpack_blosc(encoded: &[u8], wanted: u64) -> Result<Vec<u8>, String> {
    let found = blosc_size(encoded)?;
    if found != wanted {
        return Err(format!("it holds {found} bytes, not {wanted}"));
    }
    blosc(encoded, wanted as usize)
}
