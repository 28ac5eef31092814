//! How an image is stored, as typed.

use hooke_core::{Downsample, ImageMeta};
use hooke_io::n5;
use hooke_io::ome_zarr::{Compression, Levels, Ngff, WriteOptions};
use hooke_io::tiff;
use serde::{Deserialize, Serialize};

use super::error::OutputError;
use super::format::OutputFormat;
use crate::options::Lengths;

/// A shard that nobody asked for is not larger than this, so that blocks fit a small memory.
const USUAL_SHARD: u64 = 32 << 20;
/// Planes in a chunk of the private store of what is streamed out plane by plane.
const PLANES_TO_STREAM: u64 = 4;
/// Planes in a chunk of the private store of an HDF5 file: as many as its own chunks have.
const HDF5_PLANES: u64 = 32;
/// The side of a chunk of the private store of an N5 container: that of its own blocks.
const N5_SIDE: u64 = 64;

/// How an image is stored, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Store {
    /// Format; by suffix when missing.
    pub format: Option<String>,
    /// Chunk z, y, x; the format's own when missing.
    pub chunk: Option<String>,
    /// The chunk of an OME-Zarr for which none was asked, `z, y, x`.
    pub usual_chunk: [u64; 3],
    /// Shard z, y, x; four chunks per axis when missing, fewer where that were over 32 MiB.
    pub shard: Option<String>,
    /// A number, `auto` or `none`.
    pub levels: String,
    /// Codec and level; the format's own when missing.
    pub compression: Option<String>,
    /// Factors of each step of the pyramid over `z, y, x`, steps separated by `;`.
    pub factors: Option<String>,
    /// How a level is made from the one before.
    pub downsample: Option<String>,
    /// Version of OME-Zarr.
    pub ngff: String,
    /// All five axes in an OME-Zarr, those of length 1 too.
    pub pad_5d: bool,
    /// Where the pixels beside a BigDataViewer XML are: `hdf5`, `n5` or `zarr`.
    pub bdv: String,
    /// What one unit of the world of a BigDataViewer file is: `um` or `px`.
    pub bdv_units: String,
    /// Frames per second of a film.
    pub fps: f64,
    /// Integers are identities.
    pub labels: bool,
}

impl Default for Store {
    fn default() -> Store {
        Store {
            format: None,
            chunk: None,
            usual_chunk: [32, 128, 128],
            shard: None,
            levels: "auto".to_owned(),
            compression: None,
            factors: None,
            downsample: None,
            ngff: "0.5".to_owned(),
            pad_5d: false,
            bdv: "hdf5".to_owned(),
            bdv_units: "um".to_owned(),
            fps: 20.0,
            labels: false,
        }
    }
}

impl Store {
    /// As the OME-Zarr writer takes it; for other formats the private store they pass through.
    pub(super) fn to_zarr(
        &self,
        meta: &ImageMeta,
        format: OutputFormat,
    ) -> Result<WriteOptions, OutputError> {
        let bad = OutputError::option;
        let direct = format == OutputFormat::OmeZarr;
        let ngff = if direct { Ngff::parse(&self.ngff) } else { Some(Ngff::V05) };
        let ngff = ngff.ok_or_else(|| bad("ngff", &self.ngff, "0.5 or 0.4"))?;
        let (chunk, shard) = self.chunk_and_shard(meta, format)?;
        let compression = match (&self.compression, direct) {
            (Some(text), true) => Compression::parse(text).ok_or_else(|| {
                let known = "none, zstd:3, gzip:6, blosc-lz4 or blosc-zstd";
                bad("compression", text, known)
            })?,
            (None, true) => Compression::Zstd(3),
            // What is streamed out again is compressed lightly.
            (_, false) => Compression::Zstd(1),
        };
        let levels = match self.levels.as_str() {
            _ if !format.has_levels() => Levels::Count(1),
            "auto" => Levels::Auto,
            "none" => Levels::Count(1),
            n => match n.parse() {
                Ok(n) if n >= 1 => Levels::Count(n),
                _ => return Err(bad("levels", n, "a number from 1, auto or none")),
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
            shard: if ngff == Ngff::V05 { Some(shard) } else { None },
            frames_as_planes: self.chunk.is_none() && self.shard.is_none(),
            compression: Some(compression),
            levels,
            factors: self.factors(format)?,
            downsample,
            pad_5d: self.pad_5d && direct,
            ..WriteOptions::default()
        })
    }

    /// Chunk and shard of the store that blocks are written to, over `z, y, x`.
    fn chunk_and_shard(
        &self,
        meta: &ImageMeta,
        format: OutputFormat,
    ) -> Result<([u64; 3], [u64; 3]), OutputError> {
        let given = self.given_chunk()?;
        let [z, y, x] = given.unwrap_or(self.usual_chunk);
        let chunk = match format {
            OutputFormat::OmeZarr | OutputFormat::Npy => [z, y, x],
            OutputFormat::Tiff(_)
            | OutputFormat::Npz
            | OutputFormat::Png
            | OutputFormat::Mp4
            | OutputFormat::ImageFolder => [PLANES_TO_STREAM, y.max(64), x.max(64)],
            OutputFormat::N5 | OutputFormat::BdvN5 | OutputFormat::BdvZarr => {
                given.unwrap_or([N5_SIDE; 3])
            }
            OutputFormat::Hdf5 | OutputFormat::Netcdf | OutputFormat::Bdv => {
                [HDF5_PLANES, y.max(64), x.max(64)]
            }
        };
        let Some(text) = &self.shard else { return Ok((chunk, usual_shard(chunk, meta))) };
        let shard = triple("shard", text)?;
        if format != OutputFormat::OmeZarr {
            let rounded = std::array::from_fn(|d| shard[d].next_multiple_of(chunk[d]));
            return Ok((chunk, rounded));
        }
        if (0..3).any(|d| shard[d] % chunk[d] != 0) {
            return Err(OutputError::Option {
                what: format!(
                    "a shard of {} is not made of whole chunks of {}",
                    show(shard),
                    show(chunk)
                ),
                hint: "give --shard in multiples of --chunk".to_owned(),
            });
        }
        Ok((chunk, shard))
    }

    /// The chunk that was asked for.
    pub(super) fn given_chunk(&self) -> Result<Option<[u64; 3]>, OutputError> {
        self.chunk.as_deref().map(|text| triple("chunk", text)).transpose()
    }

    fn factors(&self, format: OutputFormat) -> Result<Vec<[u64; 3]>, OutputError> {
        let tiff = matches!(format, OutputFormat::Tiff(_));
        let Some(text) = &self.factors else {
            // The levels of a TIFF keep all planes.
            return Ok(if tiff { vec![[1, 2, 2]] } else { vec![] });
        };
        let steps: Vec<[u64; 3]> =
            text.split(';').map(|step| triple("factors", step)).collect::<Result<_, _>>()?;
        match tiff && steps.iter().any(|step| step[0] != 1) {
            true => Err(OutputError::Option {
                what: format!("--factors `{text}`: the levels of a TIFF keep all planes"),
                hint: "write 1 for z, or choose another format".to_owned(),
            }),
            false => Ok(steps),
        }
    }

    /// The compression that a TIFF was asked for.
    pub(super) fn tiff_compression(&self) -> Result<Option<tiff::Compression>, OutputError> {
        let Some(text) = &self.compression else { return Ok(None) };
        let refuse =
            || OutputError::option("compression", text, "none, lzw, deflate:6, zstd:3 or packbits");
        let (name, level) =
            text.split_once(':').map_or((text.as_str(), None), |(n, l)| (n, Some(l)));
        let level = |usual: i32, most: i32| match level {
            None => Ok(usual),
            Some(l) => l.parse().ok().filter(|l| (1..=most).contains(l)).ok_or_else(refuse),
        };
        Ok(Some(match name {
            "none" => tiff::Compression::None,
            "lzw" => tiff::Compression::Lzw,
            "packbits" => tiff::Compression::PackBits,
            "deflate" | "gzip" => tiff::Compression::Deflate(level(6, 9)? as u32),
            "zstd" => tiff::Compression::Zstd(level(3, 22)?),
            _ => return Err(refuse()),
        }))
    }

    /// The level of deflate that an NPZ archive was asked for; `None` for arrays as they are.
    pub(super) fn deflate_level(&self) -> Result<Option<u32>, OutputError> {
        let Some(text) = &self.compression else { return Ok(None) };
        let refuse =
            || OutputError::option("compression", text, "none, deflate or deflate:1 to deflate:9");
        match text.split_once(':') {
            None if text == "none" => Ok(None),
            None if text == "deflate" => Ok(Some(6)),
            Some(("deflate", level)) => {
                level.parse().ok().filter(|l| (1..=9).contains(l)).map(Some).ok_or_else(refuse)
            }
            _ => Err(refuse()),
        }
    }

    /// The compression that an N5 container was asked for.
    pub(super) fn n5_compression(&self) -> Result<Option<n5::Compression>, OutputError> {
        let Some(text) = &self.compression else { return Ok(None) };
        let refuse =
            || OutputError::option("compression", text, "none, gzip, gzip:1 to gzip:9 or zstd:3");
        let (name, level) =
            text.split_once(':').map_or((text.as_str(), None), |(n, l)| (n, Some(l)));
        let level = |usual: u32, most: u32| match level {
            None => Ok(usual),
            Some(l) => l.parse().ok().filter(|l| (1..=most).contains(l)).ok_or_else(refuse),
        };
        Ok(Some(match name {
            "none" => n5::Compression::Raw,
            "gzip" => n5::Compression::Gzip(level(6, 9)?),
            "zstd" => n5::Compression::Zstd(level(3, 22)?),
            _ => return Err(refuse()),
        }))
    }

    /// The gzip level that an HDF5 file was asked for.
    pub(super) fn gzip_level(&self) -> Result<Option<u32>, OutputError> {
        let Some(text) = &self.compression else { return Ok(None) };
        let refuse = || OutputError::option("compression", text, "gzip or gzip:1 to gzip:9");
        match text.split_once(':') {
            None if text == "gzip" => Ok(None),
            Some(("gzip", level)) => {
                level.parse().ok().filter(|l| (1..=9).contains(l)).map(Some).ok_or_else(refuse)
            }
            _ => Err(refuse()),
        }
    }
}

fn triple(option: &str, text: &str) -> Result<[u64; 3], OutputError> {
    let example = "whole numbers from 1, like 64,256,256";
    let whole = text.parse::<Lengths>().and_then(|l| l.whole(1));
    whole.ok().filter(|w| !w.contains(&0)).ok_or_else(|| OutputError::option(option, text, example))
}

fn show(lengths: [u64; 3]) -> String {
    lengths.map(|n| n.to_string()).join(",")
}

/// Up to four chunks per axis, doubling the shortest axis while a shard stays small.
fn usual_shard(chunk: [u64; 3], meta: &ImageMeta) -> [u64; 3] {
    let [t, _, z, y, x] = meta.shape;
    let space = [if z == 1 { t } else { z }, y, x];
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
