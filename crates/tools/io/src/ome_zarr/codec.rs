//! The codec chain of a Zarr array: from the stored bytes of a chunk to its samples.
//!
//! zarrs reads and normalises the metadata of both Zarr versions. The bytes are decoded here, into
//! buffers whose size is known beforehand, so that no chunk can claim more memory than it has.

use hooke_core::Pixels;
use serde_json::Value;
use zarrs::array::{CodecChain, CodecMetadataOptions};

use super::sample::{Stored, bytes_mut};
use super::step::{Step, blosc_size};

/// Bytes that a codec may add to what it encodes: headers, checksums, incompressible blocks.
const OVERHEAD: u64 = 1 << 16;

/// How the samples of a chunk are stored.
#[derive(Debug, Clone)]
pub(super) struct ChunkCodec {
    /// The stored sample type.
    pub stored: Stored,
    /// Which decoded dimension each stored dimension holds, slowest first.
    pub order: Vec<usize>,
    big_endian: bool,
    steps: Vec<Step>,
    names: Vec<String>,
}

/// The chain of an array: its chunks, and its shards if they are sharded.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// The codec of a chunk (of an inner chunk, if sharded).
    pub chunk: ChunkCodec,
    /// The shard, if chunks are sharded.
    pub sharding: Option<Sharding>,
}

/// What the sharding codec says.
#[derive(Debug, Clone)]
pub(super) struct Sharding {
    /// Lengths of an inner chunk, in stored order.
    pub chunk_shape: Vec<u64>,
    /// Whether the index stands before the chunks.
    pub index_first: bool,
    /// Whether the index is followed by its CRC-32C.
    pub index_crc32c: bool,
    /// Whether the index is big-endian.
    pub index_big_endian: bool,
}

/// Buffers that decoding reuses.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The encoded bytes, filled by the caller.
    pub encoded: Vec<u8>,
    stages: [Vec<u8>; 2],
    narrow: Vec<u8>,
}

impl Scratch {
    /// Gives back buffers that one huge chunk needed.
    pub fn trim(&mut self) {
        const KEEP: usize = 64 << 20;
        let [a, b] = &mut self.stages;
        for buffer in [&mut self.encoded, a, b, &mut self.narrow] {
            if buffer.capacity() > KEEP {
                *buffer = Vec::new();
            }
        }
    }
}

impl Chain {
    /// Reads a codec chain that zarrs understood; `dimensions` is that of the array.
    ///
    /// # Errors
    /// A sentence about the codec that is not supported.
    pub fn new(codecs: &CodecChain, stored: Stored, dimensions: usize) -> Result<Chain, String> {
        let list = described(codecs)?;
        let Some(at) = list.iter().position(|(name, _)| name == "sharding_indexed") else {
            return Ok(Chain {
                chunk: ChunkCodec::new(&list, codecs, stored, dimensions)?,
                sharding: None,
            });
        };
        if list.len() != 1 {
            let other = &list[usize::from(at == 0)].0;
            return Err(format!("codec `{other}` around `sharding_indexed`"));
        }
        let configuration = &list[0].1;
        let inner = chain_from(&configuration["codecs"])?;
        let inner_list = described(&inner)?;
        let chunk_shape =
            numbers(&configuration["chunk_shape"]).ok_or("a shard without chunk_shape")?;
        let (index_big_endian, index_crc32c) = index_codecs(&configuration["index_codecs"])?;
        let index_first = configuration["index_location"] == "start";
        Ok(Chain {
            chunk: ChunkCodec::new(&inner_list, &inner, stored, dimensions)?,
            sharding: Some(Sharding { chunk_shape, index_first, index_crc32c, index_big_endian }),
        })
    }
}

impl ChunkCodec {
    fn new(
        list: &[(String, Value)],
        codecs: &CodecChain,
        stored: Stored,
        dimensions: usize,
    ) -> Result<ChunkCodec, String> {
        let mut order: Vec<usize> = (0..dimensions).collect();
        let mut big_endian = cfg!(target_endian = "big");
        let mut steps = Vec::new();
        let mut names = Vec::new();
        let mut bytes_seen = false;
        for (name, configuration) in list {
            match (name.as_str(), bytes_seen) {
                ("transpose", false) => {
                    let by = numbers(&configuration["order"]).ok_or("a transpose without order")?;
                    let get = |i: &u64| order.get(*i as usize).copied();
                    let next: Option<Vec<_>> = by.iter().map(get).collect();
                    order = next
                        .filter(|o| o.len() == dimensions)
                        .ok_or("a transpose of other dimensions")?;
                }
                ("bytes", false) => {
                    bytes_seen = true;
                    match configuration["endian"].as_str() {
                        Some("big") => big_endian = true,
                        Some("little") => big_endian = false,
                        _ if stored.size() > 1 => {
                            return Err("codec `bytes` without endian".to_owned());
                        }
                        _ => {}
                    }
                }
                (_, false) => return Err(format!("codec `{name}`")),
                (_, true) => {
                    let traits = &codecs.bytes_to_bytes_codecs()[steps.len()];
                    steps.push(Step::new(name, traits)?);
                    names.push(shown(name, configuration));
                }
            }
        }
        Ok(ChunkCodec { stored, order, big_endian, steps, names })
    }

    /// The compressor's name, `none` for raw samples.
    pub fn name(&self) -> String {
        let mut names = self.names.iter().filter(|n| *n != "crc32c").cloned().collect::<Vec<_>>();
        if names.is_empty() {
            names.push("none".to_owned());
        }
        names.join("+")
    }

    /// Whether the stored bytes are the samples.
    pub fn is_raw(&self) -> bool {
        let native = self.big_endian == cfg!(target_endian = "big") || self.stored.size() == 1;
        self.steps.is_empty() && self.stored.is_plain() && native
    }

    /// The most bytes an encoded chunk of `samples` samples can have.
    pub fn encoded_limit(&self, samples: u64) -> u64 {
        let raw = samples.saturating_mul(self.stored.size() as u64);
        if self.steps.is_empty() {
            raw
        } else {
            raw.saturating_add(raw / 2).saturating_add(OVERHEAD)
        }
    }

    /// Decodes the bytes in `scratch.encoded` into `samples` samples in stored order.
    ///
    /// Nothing is allocated before the bytes have said, in their own headers, that they hold so many
    /// samples.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(
        &self,
        samples: u64,
        scratch: &mut Scratch,
        out: &mut Pixels,
    ) -> Result<(), String> {
        let raw = samples
            .checked_mul(self.stored.size() as u64)
            .ok_or("more bytes than can be counted")?;
        self.check_claim(&scratch.encoded, raw)?;
        out.reset(self.stored.dtype(), [1, 1, 1, 1, samples]);
        if self.stored.is_plain() {
            self.decode_bytes(scratch, bytes_mut(out))
        } else {
            let mut narrow = std::mem::take(&mut scratch.narrow);
            narrow.resize(raw as usize, 0);
            let done = self.decode_bytes(scratch, &mut narrow);
            self.stored.widen(&narrow, out);
            scratch.narrow = narrow;
            done
        }
    }

    /// Compares what the chunk should hold with what its bytes can hold, and with what they say they do.
    fn check_claim(&self, encoded: &[u8], raw: u64) -> Result<(), String> {
        let has = encoded.len() as u64;
        let claim = match self.steps.as_slice() {
            [] => Some(has),
            [Step::Zstd] => zstd::zstd_safe::get_frame_content_size(encoded)
                .map_err(|_| "not a zstd frame".to_owned())?,
            [Step::Blosc] => Some(blosc_size(encoded)?),
            _ => None,
        };
        if let Some(found) = claim.filter(|found| *found != raw) {
            return Err(format!("it holds {found} bytes, not {raw}"));
        }
        let most = self.steps.iter().fold(has, |n, step| n.saturating_mul(step.largest_ratio()));
        if raw > most {
            return Err(format!("its {has} bytes hold at most {most} bytes, not {raw}"));
        }
        Ok(())
    }

    fn decode_bytes(&self, scratch: &mut Scratch, out: &mut [u8]) -> Result<(), String> {
        let Some((first, outer)) = self.steps.split_first() else {
            out.copy_from_slice(&scratch.encoded);
            self.to_native(out);
            return Ok(());
        };
        let limit =
            (out.len() as u64).saturating_add(out.len() as u64 / 2).saturating_add(OVERHEAD);
        let [stage, next] = &mut scratch.stages;
        let mut input: &[u8] = &scratch.encoded;
        for step in outer.iter().rev() {
            next.clear();
            step.decode_to(input, limit as usize, next)?;
            std::mem::swap(stage, next);
            input = stage;
        }
        first.decode_into(input, out)?;
        self.to_native(out);
        Ok(())
    }

    fn to_native(&self, bytes: &mut [u8]) {
        if self.big_endian == cfg!(target_endian = "big") {
            return;
        }
        match self.stored.size() {
            2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|b| b.reverse()),
            4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|b| b.reverse()),
            8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|b| b.reverse()),
            _ => {}
        }
    }
}

fn shown(name: &str, configuration: &Value) -> String {
    match (name.trim_start_matches("numcodecs."), configuration["cname"].as_str()) {
        ("blosc", Some(inner)) => format!("blosc-{inner}"),
        (name, _) => name.to_owned(),
    }
}

/// The codecs of a chain by their Zarr 3 names, with their configuration.
fn described(codecs: &CodecChain) -> Result<Vec<(String, Value)>, String> {
    let options = CodecMetadataOptions::default();
    let arrays =
        codecs.array_to_array_codecs().iter().map(|c| (c.name_v3(), c.configuration_v3(&options)));
    let bytes = codecs.array_to_bytes_codec();
    let bytes = std::iter::once((bytes.name_v3(), bytes.configuration_v3(&options)));
    let steps =
        codecs.bytes_to_bytes_codecs().iter().map(|c| (c.name_v3(), c.configuration_v3(&options)));
    arrays
        .chain(bytes)
        .chain(steps)
        .map(|(name, configuration)| {
            let name = name.ok_or("a codec without a name")?.into_owned();
            let configuration = serde_json::to_value(configuration).map_err(|e| e.to_string())?;
            Ok((name, configuration))
        })
        .collect()
}

fn chain_from(list: &Value) -> Result<CodecChain, String> {
    let list: Vec<_> = serde_json::from_value(list.clone()).map_err(|e| e.to_string())?;
    CodecChain::from_metadata(&list).map_err(|e| e.to_string())
}

/// Byte order and checksum of a shard's index.
fn index_codecs(list: &Value) -> Result<(bool, bool), String> {
    let list = described(&chain_from(list)?)?;
    let names: Vec<_> = list.iter().map(|(n, _)| n.as_str()).collect();
    let crc32c = match names.as_slice() {
        ["bytes"] => false,
        ["bytes", "crc32c"] => true,
        _ => return Err(format!("shard index codecs {}", names.join(", "))),
    };
    Ok((list[0].1["endian"] == "big", crc32c))
}

fn numbers(list: &Value) -> Option<Vec<u64>> {
    list.as_array()?.iter().map(Value::as_u64).collect()
}

#[cfg(test)]
mod tests {
    use hooke_core::Dtype;

    use super::*;

    #[test]
    fn a_chunk_that_cannot_hold_what_it_claims_takes_no_memory() {
        let samples = 1u64 << 32;
        let mut zstd = vec![0x28, 0xB5, 0x2F, 0xFD, 0xE0];
        zstd.extend(samples.to_le_bytes());
        zstd.extend([3, 0, 0, 0]); // a last block of one repeated byte, none of them
        let mut blosc = vec![2, 1, 0, 1, 255, 255, 255, 255, 0, 0, 0, 1];
        blosc.extend(20u32.to_le_bytes());
        blosc.extend([0; 4]);
        let cases = [
            (vec![Step::Zstd], zstd.clone(), samples),
            (vec![Step::Zstd, Step::Crc32c], zstd, samples),
            (vec![Step::Blosc], blosc, samples - 1),
            (vec![Step::Gzip], vec![0; 100], samples),
        ];
        for (steps, encoded, samples) in cases {
            let stored = Stored::Plain(Dtype::Uint8);
            let order = vec![0];
            let codec = ChunkCodec { stored, order, big_endian: false, steps, names: vec![] };
            let mut scratch = Scratch { encoded, ..Scratch::default() };
            let mut out = Pixels::zeros(Dtype::Uint8, [1; 5]);
            let error = codec.decode(samples, &mut scratch, &mut out).expect_err("it is refused");
            assert!(error.contains("at most"), "{error}");
            assert_eq!(out.len(), 1, "{:?}", codec.steps);
        }
    }
}
