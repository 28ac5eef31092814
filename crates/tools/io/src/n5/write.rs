//! Images to arrays.

use std::path::{Path, PathBuf};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Axis, Dtype, ImageMeta, ImageSink, Level, Pixels, Region, region};
use serde_json::{Map, Value, json};

use super::attributes::FILE;
use super::block::{Block, Packing};
use crate::kept::Kept;
use crate::pyramid::levels_of;
use crate::{Error, Result, atomic};

/// How blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Raw,
    /// gzip with a level of 1 to 9; every program that reads N5 reads it.
    Gzip(u32),
    /// Zstandard with a level of 1 to 22; smaller and faster, but newer.
    Zstd(u32),
}

impl Compression {
    fn packing(self) -> (Packing, u32) {
        match self {
            Compression::Raw => (Packing::Raw, 0),
            Compression::Gzip(level) => (Packing::Gzip, level.clamp(1, 9)),
            Compression::Zstd(level) => (Packing::Zstd, level.clamp(1, 22)),
        }
    }

    fn to_json(self) -> Value {
        match self {
            Compression::Raw => json!({"type": "raw"}),
            Compression::Gzip(level) => json!({"type": "gzip", "level": level, "useZlib": false}),
            Compression::Zstd(level) => json!({"type": "zstd", "level": level}),
        }
    }
}

/// How an N5 container is written.
#[derive(Debug, Clone, PartialEq)]
pub struct N5Settings {
    /// Lengths of a block over `(z, y, x)`, clipped to each level.
    pub chunk: [u64; 3],
    /// Factors of level 0 over `(z, y, x)`, one entry per level; the first is 1, 1, 1.
    pub factors: Vec<[u64; 3]>,
    /// How blocks are packed.
    pub compression: Compression,
}

impl Default for N5Settings {
    fn default() -> N5Settings {
        N5Settings {
            chunk: [64, 64, 64],
            factors: vec![[1, 1, 1]],
            compression: Compression::Gzip(6),
        }
    }
}

impl N5Settings {
    /// The levels of an image.
    pub(crate) fn levels(&self, meta: &ImageMeta) -> Vec<Level> {
        levels_of(meta, &self.factors, self.chunk, self.compression.packing().0.name())
    }
}

/// An array that is being written into a folder; blocks come in any order.
pub(crate) struct ArrayFolder<'a> {
    pub folder: PathBuf,
    /// The axes that are stored, in their one order.
    pub axes: &'a [Axis],
    pub level: &'a Level,
    pub dtype: Dtype,
    pub compression: Compression,
}

impl ArrayFolder<'_> {
    /// Writes the blocks of a region that consists of whole ones.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a region that does not; [`Error::Io`].
    pub fn write(&self, region: &Region, block: &Pixels) -> Result<()> {
        let (shape, chunk) = (self.level.shape, self.level.chunk);
        let aligned = region.fits(shape)
            && (0..5).all(|d| {
                let end = region.end()[d];
                let whole_end = end.is_multiple_of(chunk[d]) || end == shape[d];
                region.start[d].is_multiple_of(chunk[d]) && whole_end
            });
        if !aligned || block.dtype() != self.dtype || block.shape() != region.shape {
            let what = format!("{region:?} of {} in blocks of {chunk:?}", block.dtype());
            return Err(Error::unsupported(&self.folder, what, "align regions to write_unit"));
        }
        for part in region::grid(region.shape, chunk) {
            let place: [u64; 5] =
                std::array::from_fn(|d| (region.start[d] + part.start[d]) / chunk[d]);
            let key: Vec<String> =
                self.axes.iter().rev().map(|a| place[a.index()].to_string()).collect();
            let path = self.folder.join(key.join("/"));
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, "create", e))?;
            }
            let lengths: Vec<u64> = self.axes.iter().map(|a| part.shape[a.index()]).collect();
            let mut bytes = Vec::new();
            block.crop(&part).extend_le_bytes(&mut bytes);
            bytes.chunks_exact_mut(self.dtype.size()).for_each(<[u8]>::reverse);
            let (packing, level) = self.compression.packing();
            let file = Block::write(&lengths, &bytes, packing, level);
            atomic::write_file(&path, &[&file])?;
        }
        Ok(())
    }

    /// Writes the metadata, with more of them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(&self, more: &Map<String, Value>) -> Result<()> {
        let turned = |full: &[u64; 5]| -> Vec<u64> {
            self.axes.iter().rev().map(|a| full[a.index()]).collect()
        };
        let mut map = Map::new();
        map.insert("dimensions".to_owned(), json!(turned(&self.level.shape)));
        map.insert("blockSize".to_owned(), json!(turned(&self.level.chunk)));
        map.insert("dataType".to_owned(), json!(self.dtype.name()));
        map.insert("compression".to_owned(), self.compression.to_json());
        map.extend(more.clone());
        write_attributes(&self.folder, &map)
    }
}

/// Writes the metadata of a group or an array.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn write_attributes(folder: &Path, map: &Map<String, Value>) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
    let text = Value::Object(map.clone()).to_string();
    atomic::write_file(&folder.join(FILE), &[text.as_bytes()]).map(drop)
}

/// An N5 container of one image that is being written: arrays `s0`, `s1`, ... with the metadata that
/// N5 Viewer and Fiji read, and ours.
///
/// Blocks come in any order and from many threads; metadata last.
pub struct N5Sink {
    target: PathBuf,
    meta: ImageMeta,
    axes: Vec<Axis>,
    levels: Vec<Level>,
    compression: Compression,
}

impl N5Sink {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for an image without voxels; [`Error::Io`].
    pub fn create(target: &Path, meta: &ImageMeta, settings: &N5Settings) -> Result<N5Sink> {
        if meta.shape.contains(&0) {
            return Err(Error::metadata(target, "an image without voxels"));
        }
        std::fs::create_dir_all(target).map_err(|e| Error::io(target, "create", e))?;
        Ok(N5Sink {
            target: target.to_owned(),
            meta: meta.clone(),
            axes: meta.axes.iter().collect(),
            levels: settings.levels(meta),
            compression: settings.compression,
        })
    }

    fn array(&self, level: usize) -> Result<ArrayFolder<'_>> {
        let found = self.levels.get(level).ok_or_else(|| Error::NotThere {
            path: self.target.clone(),
            what: format!("level {level}; there are {}", self.levels.len()),
        })?;
        Ok(ArrayFolder {
            folder: self.target.join(format!("s{level}")),
            axes: &self.axes,
            level: found,
            dtype: self.meta.dtype,
            compression: self.compression,
        })
    }

    /// One value per stored axis, x first: those of space, and `other` for time and channels.
    fn turned(&self, space: [f64; 3], other: f64) -> Vec<f64> {
        let value = |a: &Axis| a.space_index().map_or(other, |s| space[s]);
        self.axes.iter().rev().map(value).collect()
    }

    /// What is known about the image, as its group says it.
    fn describe(&self) -> Map<String, Value> {
        let meta = &self.meta;
        let mut map = Map::new();
        map.insert("n5".to_owned(), json!("2.5.1"));
        let letters: Vec<String> = self.axes.iter().rev().map(ToString::to_string).collect();
        map.insert("axes".to_owned(), json!(letters));
        let size = meta.voxel_size_um.map(|s| s.value);
        let stored = |s: usize| self.axes.iter().any(|a| a.space_index() == Some(s));
        // The format has no way to leave one out; attributes of our own have.
        if (0..3).all(|s| size[s].is_some() || !stored(s)) && size.iter().any(Option::is_some) {
            let sizes = self.turned(size.map(|s| s.unwrap_or(1.0)), 1.0);
            map.insert("pixelResolution".to_owned(), json!({"dimensions": sizes, "unit": "um"}));
        }
        let kept = Kept {
            voxel_size_um: size,
            origin_um: meta.origin_um.map(|o| o.value),
            labels: meta.labels,
            ..Kept::times_and_bits(meta)
        };
        map.extend(kept.attributes());
        if let Some(interval) = meta.frame_interval_s {
            map.insert("frame_interval_s".to_owned(), json!(interval));
        }
        if !meta.channels.is_empty() {
            map.insert("channels".to_owned(), json!(meta.channels));
        }
        map
    }
}

impl ImageSink for N5Sink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        self.levels.get(level).map_or([1; 5], |l| l.chunk)
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Writes a block's files. There are no keys: the container is written in one go.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        self.array(level)?.write(region, block)?;
        Ok(Vec::new())
    }

    fn read_back(&self, _: usize, _: &Region, _: &mut Pixels) -> Result<(), SourceError> {
        Err(crate::stream_order::not_read_back(&self.target).into())
    }

    fn finish(&self) -> Result<(), SourceError> {
        let group = self.describe();
        for level in 0..self.levels.len() {
            let factors = self.turned(self.levels[level].factors, 1.0);
            let mut more = Map::new();
            more.insert(
                "downsamplingFactors".to_owned(),
                json!(factors.iter().map(|f| *f as u64).collect::<Vec<_>>()),
            );
            if let (0, Some(size)) = (level, group.get("pixelResolution")) {
                more.insert("pixelResolution".to_owned(), size.clone());
            }
            self.array(level)?.finish(&more)?;
        }
        write_attributes(&self.target, &group)?;
        Ok(())
    }
}
