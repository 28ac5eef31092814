//! Writing an OME-Zarr image, shard by shard, from many threads and many processes.

mod blocks;
mod create;

use std::path::{Path, PathBuf};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Axes, Axis, Downsample, Dtype, ImageSink, Level, Pixels, Region};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::array::{Node, ZarrArray};
use super::encode::Encoder;
use super::layout::LevelLayout;
use super::level::{Reading, StoredLevel};
use super::options::{Compression, Ngff};
use super::{PENDING, describe, ngff};
use crate::atomic;
use crate::error::{Error, Result};

pub use create::{
    create, create_label, finish_collection, finish_group, open_for_write, plan_levels,
};

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
