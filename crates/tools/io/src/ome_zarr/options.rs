//! How an OME-Zarr image is to be written.

use hooke_core::Downsample;
use serde::{Deserialize, Serialize};

/// The metadata version, which decides the Zarr version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ngff {
    /// Zarr 2, `/` between chunk indices, no shards; what Fiji and BigDataViewer read.
    #[serde(rename = "0.4")]
    V04,
    /// Zarr 3, with shards.
    #[default]
    #[serde(rename = "0.5")]
    V05,
}

impl Ngff {
    /// The version as files have it.
    pub fn version(self) -> &'static str {
        match self {
            Ngff::V04 => "0.4",
            Ngff::V05 => "0.5",
        }
    }

    /// Reads a version.
    pub fn parse(text: &str) -> Option<Ngff> {
        [Ngff::V04, Ngff::V05].into_iter().find(|v| v.version() == text)
    }
}

/// How chunks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all.
    None,
    /// Zstandard, level -131072 to 22.
    Zstd(i32),
    /// Gzip, level 0 to 9.
    Gzip(u32),
    /// LZ4 in blosc, bytes shuffled, level 0 to 9.
    BloscLz4(u8),
    /// Zstandard in blosc, bytes shuffled, level 0 to 9.
    BloscZstd(u8),
}

impl Compression {
    /// Reads `none`, `zstd`, `gzip`, `blosc-lz4` or `blosc-zstd`, with an optional `:level`.
    ///
    /// ```
    /// use hooke_io::ome_zarr::Compression;
    /// assert_eq!(Compression::parse("zstd"), Some(Compression::Zstd(3)));
    /// assert_eq!(Compression::parse("gzip:9"), Some(Compression::Gzip(9)));
    /// assert_eq!(Compression::parse("gzip:10"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Compression> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level.parse::<i32>().ok()?)),
            None => (text, None),
        };
        let within = |level: i32, lowest: i32, highest: i32| {
            (lowest..=highest).contains(&level).then_some(level)
        };
        Some(match name {
            "none" if level.is_none() => Compression::None,
            "zstd" => Compression::Zstd(within(level.unwrap_or(3), -131_072, 22)?),
            "gzip" => Compression::Gzip(within(level.unwrap_or(5), 0, 9)? as u32),
            "blosc-lz4" => Compression::BloscLz4(within(level.unwrap_or(5), 0, 9)? as u8),
            "blosc-zstd" => Compression::BloscZstd(within(level.unwrap_or(5), 0, 9)? as u8),
            _ => return None,
        })
    }
}

/// How many levels a pyramid has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Levels {
    /// Until all axes that can be halved are at most 256 long.
    #[default]
    Auto,
    /// This many, level 0 included.
    Count(usize),
}

/// How an OME-Zarr image is to be written; `default()` is what most want.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteOptions {
    /// Metadata version.
    pub ngff: Ngff,
    /// Chunk lengths over `z, y, x`; usually 32, 128, 128. Along t and c chunks are 1 long.
    pub chunk: Option<[u64; 3]>,
    /// Shard lengths over `z, y, x`, multiples of the chunk's; usually 128, 512, 512, with fewer
    /// planes for samples of 4 and 8 bytes.
    pub shard: Option<[u64; 3]>,
    /// Lengths over z are those over t where there is but one plane. A file for each frame of a long
    /// movie would be slow to write, and a pixel's course in time slow to read.
    pub frames_as_planes: bool,
    /// Whether every chunk is a file of its own. Always so in 0.4.
    pub unsharded: bool,
    /// How chunks are compressed: zstd 3 in 0.5, blosc-lz4 5 in 0.4.
    pub compression: Option<Compression>,
    /// Number of levels.
    pub levels: Levels,
    /// Factors of each step over `z, y, x`; the last one repeats. Empty: the usual ones.
    pub factors: Vec<[u64; 3]>,
    /// How a level is made from the one before: mean, and mode for labels.
    pub downsample: Option<Downsample>,
    /// Whether all five axes are stored, those of length 1 too; BigDataViewer wants that.
    pub pad_5d: bool,
    /// What a viewer shows as black and as white, per channel; the whole range of the type if empty.
    pub windows: Vec<[f64; 2]>,
}
