//! How an image is stored, as typed.

use std::path::Path;

use hooke_core::{Downsample, ImageMeta};
use hooke_io::Error;
use hooke_io::ome_zarr::{Compression, Levels, Ngff, WriteOptions};
use serde::{Deserialize, Serialize};

use super::format::OutputFormat;
use crate::options::Lengths;

/// A shard that nobody asked for is not larger than this, so that blocks fit a small memory.
const USUAL_SHARD: u64 = 32 << 20;

/// How an image is stored, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Store {
    /// Format; by suffix when missing.
    pub format: Option<String>,
    /// Chunk z, y, x.
    pub chunk: String,
    /// Shard z, y, x; four chunks per axis when missing, fewer where that were over 32 MiB.
    pub shard: Option<String>,
    /// A number, `auto` or `none`.
    pub levels: String,
    /// Codec and level.
    pub compression: String,
    /// How a level is made from the one before.
    pub downsample: Option<String>,
    /// Version of OME-Zarr.
    pub ngff: String,
    /// Integers are identities.
    pub labels: bool,
}

impl Default for Store {
    fn default() -> Store {
        Store {
            format: None,
            chunk: "32,128,128".to_owned(),
            shard: None,
            levels: "auto".to_owned(),
            compression: "zstd:3".to_owned(),
            downsample: None,
            ngff: "0.5".to_owned(),
            labels: false,
        }
    }
}

impl Store {
    /// As the OME-Zarr writer takes it; for other formats the private store they pass through.
    pub(super) fn to_zarr(
        &self,
        path: &Path,
        meta: &ImageMeta,
        format: OutputFormat,
    ) -> Result<WriteOptions, Error> {
        let bad = |option: &str, text: &str, example: &str| {
            Error::unsupported(path, format!("--{option} `{text}`"), format!("write {example}"))
        };
        let triple = |option: &str, text: &str| -> Result<[u64; 3], Error> {
            let whole = text.parse::<Lengths>().and_then(|l| l.whole(1));
            let whole = whole.map_err(|e| bad(option, text, &e.to_string()))?;
            if whole.contains(&0) {
                Err(bad(option, text, "lengths of 1 and more"))
            } else {
                Ok(whole)
            }
        };
        let direct = format == OutputFormat::OmeZarr;
        let ngff = if direct { Ngff::parse(&self.ngff) } else { Some(Ngff::V05) };
        let ngff = ngff.ok_or_else(|| bad("ngff", &self.ngff, "0.5 or 0.4"))?;
        let chunk = triple("chunk", &self.chunk)?;
        let shard = match &self.shard {
            Some(text) => Some(triple("shard", text)?),
            None => Some(usual_shard(chunk, meta)),
        };
        let compression = match direct {
            true => Compression::parse(&self.compression).ok_or_else(|| {
                bad(
                    "compression",
                    &self.compression,
                    "none, zstd:3, gzip:6, blosc-lz4 or blosc-zstd",
                )
            })?,
            // What is streamed out again is compressed lightly.
            false => Compression::Zstd(1),
        };
        let levels = match self.levels.as_str() {
            _ if !format.has_levels() => Levels::Count(1),
            "auto" => Levels::Auto,
            "none" => Levels::Count(1),
            n => match n.parse() {
                Ok(n) if n >= 1 => Levels::Count(n),
                _ => return Err(bad("levels", n, "a number, auto or none")),
            },
        };
        let downsample = match &self.downsample {
            Some(name) => Some(
                Downsample::parse(name)
                    .ok_or_else(|| bad("downsample", name, "mean, median, mode, nearest or max"))?,
            ),
            None => None,
        };
        Ok(WriteOptions {
            ngff,
            chunk: Some(chunk),
            shard: if ngff == Ngff::V05 { shard } else { None },
            compression: Some(compression),
            levels,
            // The levels of a TIFF keep all planes.
            factors: if matches!(format, OutputFormat::Tiff(_)) { vec![[1, 2, 2]] } else { vec![] },
            downsample,
            ..WriteOptions::default()
        })
    }
}

/// Up to four chunks per axis, doubling the shortest axis while a shard stays small.
fn usual_shard(chunk: [u64; 3], meta: &ImageMeta) -> [u64; 3] {
    let space = [meta.shape[2], meta.shape[3], meta.shape[4]];
    let bytes = |shard: [u64; 3]| {
        let clipped = (0..3).map(|d| shard[d].min(space[d].max(1)));
        clipped.product::<u64>() * meta.dtype.size() as u64
    };
    let mut shard = chunk;
    loop {
        let larger = (0..3)
            .filter(|d| shard[*d] < 4 * chunk[*d] && shard[*d] < space[*d])
            .min_by_key(|d| (shard[*d], 2 - *d))
            .map(|d| {
                let mut next = shard;
                next[d] *= 2;
                next
            });
        match larger {
            Some(next) if bytes(next) <= USUAL_SHARD => shard = next,
            _ => return shard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hooke_core::{Axes, Dtype};

    #[test]
    fn a_shard_stays_small_whatever_the_chunk() {
        let meta = ImageMeta::new("a", Axes::ZYX, [1, 1, 5000, 5000, 5000], Dtype::Uint16);
        for chunk in [[64, 256, 256], [32, 128, 128], [16, 16, 16], [1, 4096, 4096]] {
            let shard = usual_shard(chunk, &meta);
            let bytes = shard.iter().product::<u64>() * 2;
            assert!(bytes <= USUAL_SHARD.max(chunk.iter().product::<u64>() * 2), "{shard:?}");
            assert!((0..3).all(|d| shard[d].is_multiple_of(chunk[d]) && shard[d] <= 4 * chunk[d]));
        }
        assert_eq!(usual_shard([16, 16, 16], &meta), [64, 64, 64]);
    }
}
