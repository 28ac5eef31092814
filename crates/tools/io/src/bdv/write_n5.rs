//! An image to XML and N5.

use std::path::{Path, PathBuf};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Axis, ImageMeta, ImageSink, Level, Pixels, Region, region};
use serde_json::{Map, Value, json};

use super::describe::{WorldUnit, describe};
use super::n5::view_folder;
use super::{Loader, emit};
use crate::n5::{ArrayFolder, N5Settings, write_attributes};
use crate::{Error, Result};

/// A BigDataViewer file being written: an XML, and an N5 container of its name beside it.
///
/// Every channel is one setup. Blocks come in any order and from many threads; metadata last.
pub struct BdvN5Sink {
    target: PathBuf,
    container: PathBuf,
    meta: ImageMeta,
    levels: Vec<Level>,
    settings: N5Settings,
    unit: WorldUnit,
}

impl BdvN5Sink {
    /// Makes the container; `target` is the XML.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for an image without voxels; [`Error::Io`].
    pub fn create(
        target: &Path,
        meta: &ImageMeta,
        settings: &N5Settings,
        unit: WorldUnit,
    ) -> Result<BdvN5Sink> {
        if meta.shape.contains(&0) {
            return Err(Error::metadata(target, "an image without voxels"));
        }
        let container = target.with_extension("n5");
        std::fs::create_dir_all(&container).map_err(|e| Error::io(&container, "create", e))?;
        Ok(BdvN5Sink {
            target: target.to_owned(),
            container,
            meta: meta.clone(),
            levels: settings.levels(meta),
            settings: settings.clone(),
            unit,
        })
    }

    /// The array of a view; the level is that of all views.
    fn array<'a>(&self, view: &'a Level, level: usize, [t, c]: [u64; 2]) -> ArrayFolder<'a> {
        ArrayFolder {
            folder: self.container.join(view_folder(c, t)).join(format!("s{level}")),
            axes: &Axis::SPACE,
            level: view,
            dtype: self.meta.dtype,
            compression: self.settings.compression,
        }
    }

    fn level(&self, level: usize) -> Result<Level> {
        let mut found = self.levels.get(level).cloned().ok_or_else(|| Error::NotThere {
            path: self.target.clone(),
            what: format!("level {level}; there are {}", self.levels.len()),
        })?;
        (found.shape[0], found.shape[1]) = (1, 1);
        Ok(found)
    }

    fn complete(&self) -> Result<()> {
        let whole = |l: &Level| -> Vec<u64> { l.factors.iter().rev().map(|f| *f as u64).collect() };
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let factors: Vec<Vec<u64>> = self.levels.iter().map(whole).collect();
        let [z, y, x] = self.meta.voxel_size_um.map(|s| s.value.unwrap_or(1.0));
        for c in 0..self.meta.shape[1] {
            for t in 0..self.meta.shape[0] {
                for (level, of_level) in factors.iter().enumerate() {
                    let view = self.level(level)?;
                    let more = object(json!({"downsamplingFactors": of_level}));
                    self.array(&view, level, [t, c]).finish(&more)?;
                }
                let view = object(json!({"multiScale": true, "resolution": [x, y, z]}));
                write_attributes(&self.container.join(view_folder(c, t)), &view)?;
            }
            let dtype = self.meta.dtype.name();
            let setup = object(json!({"downsamplingFactors": factors, "dataType": dtype}));
            write_attributes(&self.container.join(format!("setup{c}")), &setup)?;
        }
        let root: Map<String, Value> = object(json!({"n5": "2.5.1"}));
        write_attributes(&self.container, &root)?;
        let path = self.container.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let metas = std::slice::from_ref(&self.meta);
        let text = emit(&describe(metas, self.unit, Loader::N5 { path, relative: true }));
        crate::atomic::write_file(&self.target, &[text.as_bytes()]).map(drop)
    }
}

impl ImageSink for BdvN5Sink {
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
        wanted: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        let view = self.level(level)?;
        let [_, _, z, y, x] = wanted.shape;
        for part in region::grid(wanted.shape, [1, 1, z, y, x]) {
            let at = [0, 1].map(|d| wanted.start[d] + part.start[d]);
            let [_, _, start_z, start_y, start_x] = wanted.start;
            let inside = Region::new([0, 0, start_z, start_y, start_x], part.shape);
            self.array(&view, level, at).write(&inside, &block.crop(&part))?;
        }
        Ok(Vec::new())
    }

    fn read_back(&self, _: usize, _: &Region, _: &mut Pixels) -> Result<(), SourceError> {
        Err(crate::stream_order::not_read_back(&self.target).into())
    }

    fn finish(&self) -> Result<(), SourceError> {
        Ok(self.complete()?)
    }
}
