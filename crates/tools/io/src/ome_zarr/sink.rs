//! Writing an OME-Zarr image, shard by shard, from many threads and many processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::region::{grid, grid_counts};
use hooke_core::{Axes, Axis, Downsample, Dtype, ImageMeta, ImageSink, Level, Pixels, Region};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::array::{Node, ZarrArray};
use super::encode::Encoder;
use super::layout::{self, LevelLayout};
use super::level::{Reading, StoredLevel};
use super::options::{Compression, Ngff, WriteOptions};
use super::sample::bytes_of;
use super::shard::ShardIndex;
use super::{PENDING, describe, ngff};
use crate::atomic;
use crate::error::{Error, Result};

/// An OME-Zarr image that is being written.
///
/// A level is an array of its own. A block is encoded, written under temporary names, flushed and
/// renamed: a killed writer leaves whole shards and temporary files, nothing between. The image's
/// own metadata is written by [`ImageSink::finish`]; until then readers answer `incomplete`.
/// Chunks that are all 0 are not stored. The same voxels give the same files, whatever the blocks,
/// their order and the threads.
#[derive(Debug)]
pub struct OmeZarrSink {
    path: PathBuf,
    pending: Pending,
    levels: Vec<Level>,
    stored: Vec<StoredLevel>,
    encoder: Encoder,
}

/// All a worker needs to know, left in the container until it is finished.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    format: String,
    ngff: Ngff,
    axes: Axes,
    dtype: Dtype,
    compression: Compression,
    downsample: Downsample,
    levels: Vec<LevelLayout>,
    /// The name under `labels/` of the image two folders above, if this is a label image.
    label: Option<String>,
    attributes: Map<String, Value>,
}

const FORMAT: &str = "hooke.zarr-in-progress.1";

/// The levels that [`create`] would make, without making them: lengths, chunks, shards, factors.
///
/// # Errors
/// [`Error::Unsupported`] for options that contradict each other.
pub fn plan_levels(path: &Path, meta: &ImageMeta, how: &WriteOptions) -> Result<Vec<Level>> {
    let level = |l: layout::LevelLayout| Level {
        shape: l.shape,
        factors: l.factors.map(|f| f as f64),
        chunk: l.chunk,
        shard: l.shard,
        codec: String::new(),
    };
    Ok(layout::levels(path, meta, how)?.into_iter().map(level).collect())
}

/// Creates the arrays of an image; the folder `path` must not exist or be empty.
///
/// Voxel size, origin, channels, frame interval and name are taken from `meta`; what is unknown is
/// written without a unit.
///
/// # Errors
/// [`Error::Exists`], [`Error::Unsupported`] for options that contradict each other, [`Error::Io`].
pub fn create(path: &Path, meta: &ImageMeta, how: &WriteOptions) -> Result<OmeZarrSink> {
    create_image(path, meta, how, None)
}

/// Creates the arrays of a label image of a container; `finish` lists it there.
///
/// # Errors
/// As [`create`]; [`Error::Unsupported`] for a name that is not one plain path element or for samples
/// that are no integers.
pub fn create_label(
    container: &Path,
    name: &str,
    meta: &ImageMeta,
    how: &WriteOptions,
) -> Result<OmeZarrSink> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(Error::unsupported(container, format!("a label image called `{name}`"), ""));
    }
    if meta.dtype.is_float() {
        let what = format!("labels of type {}", meta.dtype);
        return Err(Error::unsupported(container, what, "labels are integers"));
    }
    let mut meta = meta.clone();
    meta.labels = true;
    name.clone_into(&mut meta.name);
    let path = container.join("labels").join(name);
    create_image(&path, &meta, how, Some(name.to_owned()))
}

fn create_image(
    path: &Path,
    meta: &ImageMeta,
    how: &WriteOptions,
    label: Option<String>,
) -> Result<OmeZarrSink> {
    let levels = layout::levels(path, meta, how)?;
    let bad_size =
        meta.voxel_size_um.iter().filter_map(|v| v.value).find(|v| !(v.is_finite() && *v > 0.0));
    let bad_place = meta.origin_um.iter().filter_map(|v| v.value).find(|v| !v.is_finite());
    if let Some(bad) = bad_size.or(bad_place) {
        return Err(Error::metadata(path, format!("a voxel size or position of {bad} µm")));
    }
    let compression = how.compression.unwrap_or(match how.ngff {
        Ngff::V04 => Compression::BloscLz4(5),
        Ngff::V05 => Compression::Zstd(3),
    });
    let axes = if how.pad_5d { Axes::TCZYX } else { meta.axes };
    let list: Vec<Axis> = axes.iter().collect();
    if (0..5).any(|d| meta.shape[d] != 1 && !axes.has(Axis::ALL[d])) || list.is_empty() {
        let what = format!("a shape of {:?} with axes `{axes}`", meta.shape);
        return Err(Error::unsupported(path, what, ""));
    }
    let downsample = layout::method(meta, how);
    let attributes = describe::image(meta, &list, &levels, downsample, how);
    let pending = Pending {
        format: FORMAT.to_owned(),
        ngff: how.ngff,
        axes,
        dtype: meta.dtype,
        compression,
        downsample,
        levels,
        label,
        attributes,
    };
    make_folder(path)?;
    for (n, level) in pending.levels.iter().enumerate() {
        let folder = path.join(n.to_string());
        make_folder(&folder)?;
        let name = if how.ngff == Ngff::V04 { ".zarray" } else { "zarr.json" };
        let document = describe::array(level, &list, meta.dtype, compression, how.ngff);
        write_json(&folder.join(name), &document)?;
        atomic::sync_folder(&folder)?;
    }
    let text = serde_json::to_value(&pending).map_err(|e| Error::metadata(path, e.to_string()))?;
    write_json(&path.join(PENDING), &text)?;
    atomic::sync_folder(path)?;
    OmeZarrSink::new(path, pending)
}

/// Opens an image that is being written, to go on with it: a worker, or a run that was stopped.
///
/// # Errors
/// [`Error::NotThere`] when nothing is being written there; [`Error::MetadataInvalid`].
pub fn open_for_write(path: &Path) -> Result<OmeZarrSink> {
    let file = path.join(PENDING);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let what = "OME-Zarr image in progress; it is finished or was never begun".to_owned();
            return Err(Error::NotThere { path: path.to_owned(), what });
        }
        Err(e) => return Err(Error::io(file, "read", e)),
    };
    let pending: Pending =
        serde_json::from_slice(&text).map_err(|e| Error::metadata(&file, e.to_string()))?;
    if pending.format != FORMAT {
        let what = format!("written as `{}`, this Hooke goes on with `{FORMAT}`", pending.format);
        return Err(Error::metadata(file, what));
    }
    OmeZarrSink::new(path, pending)
}

/// Makes a folder of finished images `0`, `1`, … a collection (`bioformats2raw.layout` 3).
///
/// # Errors
/// [`Error::Io`].
pub fn finish_collection(path: &Path, version: Ngff) -> Result<()> {
    let layout = json!(3);
    let files = match version {
        Ngff::V04 => vec![
            (".zgroup", json!({"zarr_format": 2})),
            (".zattrs", json!({"bioformats2raw.layout": layout})),
        ],
        Ngff::V05 => {
            let mut ome = Map::new();
            ome.insert("version".to_owned(), json!(version.version()));
            ome.insert("bioformats2raw.layout".to_owned(), layout);
            describe::group(ome, version)
        }
    };
    write_group(path, &files)
}

impl OmeZarrSink {
    fn new(path: &Path, pending: Pending) -> Result<OmeZarrSink> {
        let axes: Vec<Axis> = pending.axes.iter().collect();
        let open =
            |n: usize| ZarrArray::open(path, &n.to_string()).map(|a| StoredLevel::new(a, &axes));
        let stored: Vec<_> = (0..pending.levels.len()).map(open).collect::<Result<_>>()?;
        for (level, expected) in stored.iter().zip(&pending.levels) {
            let grid = expected.shard.unwrap_or(expected.chunk);
            if (level.shape, level.chunk, level.grid) != (expected.shape, expected.chunk, grid) {
                return Err(Error::metadata(path, "an array is not the one that was created"));
            }
        }
        let levels = stored
            .iter()
            .zip(&pending.levels)
            .map(|(s, l)| s.describe(l.factors.map(|f| f as f64)))
            .collect();
        let encoder = Encoder::new(pending.compression, pending.dtype.size());
        Ok(OmeZarrSink { path: path.to_owned(), pending, levels, stored, encoder })
    }

    /// The image's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How a level is made from the one before.
    pub fn downsample(&self) -> Downsample {
        self.pending.downsample
    }

    /// The sample type.
    pub fn dtype(&self) -> Dtype {
        self.pending.dtype
    }

    fn level(&self, level: usize) -> Result<&StoredLevel> {
        self.stored.get(level).ok_or_else(|| Error::NotThere {
            path: self.path.clone(),
            what: format!("level {level}; there are {}", self.stored.len()),
        })
    }

    fn write_block(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>> {
        let stored = self.level(level)?;
        self.check(stored, region, block)?;
        stored.forget_indices();
        let grid_boxes: Vec<Region> = grid(region.shape, stored.grid)
            .map(|b| Region::new(std::array::from_fn(|d| region.start[d] + b.start[d]), b.shape))
            .collect();
        let written: Vec<Option<WrittenKey>> = grid_boxes
            .par_iter()
            .map(|part| self.write_box(level, stored, part, region, block))
            .collect::<Result<_>>()?;
        self.sync(stored, written.iter().flatten())?;
        Ok(written.into_iter().flatten().collect())
    }

    /// Refuses a block that does not consist of whole write units.
    fn check(&self, stored: &StoredLevel, region: &Region, block: &Pixels) -> Result<()> {
        if !region.fits(stored.shape) {
            let what =
                format!("region {:?}+{:?} in {:?}", region.start, region.shape, stored.shape);
            return Err(Error::NotThere { path: self.path.clone(), what });
        }
        if block.dtype() != self.pending.dtype || block.shape() != region.shape {
            let what = format!(
                "a block of {} {:?} for a region of {} {:?}",
                block.dtype(),
                block.shape(),
                self.pending.dtype,
                region.shape
            );
            return Err(Error::unsupported(&self.path, what, ""));
        }
        let end = region.end();
        let whole = |d: usize, at: u64| at.is_multiple_of(stored.grid[d]) || at == stored.shape[d];
        match (0..5).find(|d| !whole(*d, region.start[*d]) || !whole(*d, end[*d])) {
            None => Ok(()),
            Some(d) => {
                let axes = self.pending.axes;
                let text = |v: [u64; 5]| {
                    axes.pick(&v).iter().map(u64::to_string).collect::<Vec<_>>().join(",")
                };
                Err(Error::Misaligned {
                    path: self.path.clone(),
                    block: if whole(d, region.start[d]) {
                        text(region.shape)
                    } else {
                        format!("at {}", text(region.start))
                    },
                    unit: text(stored.grid),
                    axis: Axis::ALL[d].letter(),
                })
            }
        }
    }

    /// Writes one shard, or one chunk if chunks are files of their own.
    fn write_box(
        &self,
        level: usize,
        stored: &StoredLevel,
        part: &Region,
        region: &Region,
        block: &Pixels,
    ) -> Result<Option<WrittenKey>> {
        let index: [u64; 5] = std::array::from_fn(|d| part.start[d] / stored.grid[d]);
        let key = stored.key(index);
        let path = stored.array.folder.join(&key);
        let chunks = self.encode_box(stored, part, region, block)?;
        if chunks.iter().all(Option::is_none) {
            // Absent means 0; an older shard of this name would say otherwise.
            return match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io(path, "remove", e))
                }
                _ => Ok(None),
            };
        }
        let parent = path.parent().expect("a chunk key has a folder");
        std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, "create", e))?;
        let sharded = self.pending.levels[level].shard.is_some();
        let mut offset = 0;
        let index = ShardIndex(
            chunks
                .iter()
                .map(|c| {
                    let bytes = c.as_ref()?.len() as u64;
                    offset += bytes;
                    Some((offset - bytes, bytes))
                })
                .collect(),
        );
        let tail = if sharded { index.encode() } else { Vec::new() };
        let mut parts: Vec<&[u8]> = chunks.iter().flatten().map(Vec::as_slice).collect();
        parts.push(&tail);
        let stamp = atomic::write_file(&path, &parts)?;
        chunks.into_iter().flatten().for_each(|c| self.encoder.give_back(c));
        Ok(Some(stamp.named(stored.array.full_key(&key))))
    }

    /// The encoded chunks of one box of the chunk grid, in C order.
    fn encode_box(
        &self,
        stored: &StoredLevel,
        part: &Region,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let bytes = bytes_of(block);
        let counts = grid_counts(stored.grid, stored.chunk);
        let total: u64 = counts.iter().product();
        (0..total)
            .into_par_iter()
            .map(|id| {
                let chunk = hooke_core::region::grid_box(stored.grid, stored.chunk, id);
                let at = std::array::from_fn(|d| part.start[d] + chunk.start[d]);
                let Some(inside) = Region::new(at, chunk.shape).intersect(part) else {
                    return Ok(None);
                };
                self.encoder
                    .encode(bytes, region.shape, &inside.relative_to(region.start), stored.chunk)
                    .map_err(|e| Error::io(&self.path, "compress a chunk", e))
            })
            .collect()
    }

    /// Flushes every folder that got a name, up to the array's own, once.
    fn sync<'a>(
        &self,
        stored: &StoredLevel,
        written: impl Iterator<Item = &'a WrittenKey>,
    ) -> Result<()> {
        let mut folders = BTreeSet::new();
        for key in written {
            let path = self.path.join(&key.key);
            let inside =
                path.ancestors().skip(1).take_while(|f| f.starts_with(&stored.array.folder));
            folders.extend(inside.map(Path::to_owned));
        }
        folders.iter().rev().try_for_each(|f| atomic::sync_folder(f))
    }

    fn complete(&self) -> Result<()> {
        atomic::remove_leftovers(&self.path)?;
        let files = describe::group(self.pending.attributes.clone(), self.pending.ngff);
        write_group(&self.path, &files)?;
        if let Some(name) = &self.pending.label {
            self.list_label(name)?;
        }
        let pending = self.path.join(PENDING);
        std::fs::remove_file(&pending).map_err(|e| Error::io(pending, "remove", e))?;
        atomic::sync_folder(&self.path)
    }

    /// Adds this label image to the list of its container.
    fn list_label(&self, name: &str) -> Result<()> {
        let folder = self.path.parent().expect("a label image lies in a folder");
        let mut attributes = match Node::read(folder)? {
            Some(node) => ngff::ome(&node.attributes).clone(),
            None => Map::new(),
        };
        if self.pending.ngff == Ngff::V05 {
            attributes.insert("version".to_owned(), json!(self.pending.ngff.version()));
        }
        let mut names =
            attributes.get("labels").and_then(Value::as_array).cloned().unwrap_or_default();
        if !names.iter().any(|n| n == name) {
            names.push(json!(name));
        }
        attributes.insert("labels".to_owned(), Value::Array(names));
        write_group(folder, &describe::group(attributes, self.pending.ngff))
    }
}

impl ImageSink for OmeZarrSink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        self.stored[level].grid
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> std::result::Result<Vec<WrittenKey>, SourceError> {
        Ok(self.write_block(level, region, block)?)
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> std::result::Result<(), SourceError> {
        let how = Reading { cache: None, source: 0, level: level as u32, rescued: None };
        Ok(self.level(level)?.read(region, how, out)?)
    }

    fn finish(&self) -> std::result::Result<(), SourceError> {
        Ok(self.complete()?)
    }
}

fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| Error::io(path, "create", e))?;
    let mut entries = std::fs::read_dir(path).map_err(|e| Error::io(path, "list", e))?;
    if entries.next().is_some() {
        return Err(Error::Exists { path: path.to_owned() });
    }
    Ok(())
}

fn write_group(folder: &Path, files: &[(&str, Value)]) -> Result<()> {
    for (name, content) in files {
        write_json(&folder.join(name), content)?;
    }
    atomic::sync_folder(folder)
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    let text =
        serde_json::to_vec_pretty(value).map_err(|e| Error::metadata(path, e.to_string()))?;
    atomic::write_file(path, &[&text]).map(|_| ())
}
