//! A TIFF file that is being written: blocks in any order, then the directories.

use std::path::Path;
use std::sync::Arc;

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{ImageMeta, ImageSink, Level, Pixels, Region};

use super::container::Container;
use super::options::WriteOptions;
use super::store::{LevelStore, Places};
use crate::{Error, Result};

/// One image of a TIFF file that is being written.
///
/// Blocks may come in any order and from many threads of one process. Compressed chunks are appended
/// as they come, so the file's bytes depend on the order of blocks while its pixels do not. The file
/// has a temporary name until [`ImageSink::finish`] was called for every image; dropped before, it
/// vanishes. A TIFF file has no journal: an interrupted one cannot be gone on with.
pub struct TiffSink {
    container: Arc<Container>,
    image: usize,
}

impl TiffSink {
    /// Begins a file with one image. An older file of that name stays until the new one is complete.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the kind cannot hold the image (see [`WriteOptions::check`]);
    /// [`Error::Io`] when the folder cannot be written.
    pub fn create(target: &Path, meta: &ImageMeta, options: &WriteOptions) -> Result<TiffSink> {
        let mut sinks = TiffSink::create_several(target, std::slice::from_ref(meta), options)?;
        Ok(sinks.remove(0))
    }

    /// Begins a file with several images, all written with the same options; levels only where
    /// there is one image. ImageJ files hold one image.
    ///
    /// # Errors
    /// As [`TiffSink::create`].
    pub fn create_several(
        target: &Path,
        metas: &[ImageMeta],
        options: &WriteOptions,
    ) -> Result<Vec<TiffSink>> {
        let container = Container::create(target, metas, options)?;
        let container = Arc::new(container);
        let sink = |image| TiffSink { container: Arc::clone(&container), image };
        Ok((0..metas.len()).map(sink).collect())
    }

    fn level(&self, level: usize) -> Result<&LevelStore> {
        let levels = &self.container.images[self.image].levels;
        levels.get(level).ok_or_else(|| Error::NotThere {
            path: self.container.target.clone(),
            what: format!("level {level} (there are {})", levels.len()),
        })
    }

    /// Says whether a region and a block belong to a level.
    fn check(&self, store: &LevelStore, region: &Region, block: Option<&Pixels>) -> Result<()> {
        let path = &self.container.target;
        if !region.fits(store.level.shape) {
            let what = format!("region {region:?} in a level of shape {:?}", store.level.shape);
            return Err(Error::NotThere { path: path.clone(), what });
        }
        let Some(block) = block else { return Ok(()) };
        if block.shape() != region.shape || block.dtype() != store.layout.dtype {
            let what = format!(
                "a block of {} {:?} for a region of {} {:?}",
                block.dtype(),
                block.shape(),
                store.layout.dtype,
                region.shape
            );
            return Err(Error::unsupported(path, what, ""));
        }
        if !store.is_aligned(region) {
            let [rows, columns] = store.layout.chunk;
            let what = format!("{region:?} is no union of whole chunks of {columns} x {rows}");
            return Err(Error::unsupported(path, what, "align blocks to write_unit"));
        }
        Ok(())
    }
}

impl ImageSink for TiffSink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        match self.level(level) {
            Ok(LevelStore { places: Places::Raw { .. }, level, .. }) => {
                [1, 1, 1, 1, level.shape[4]]
            }
            Ok(store) => [1, 1, 1, store.layout.chunk[0], store.layout.chunk[1]],
            Err(_) => [1; 5],
        }
    }

    fn levels(&self) -> &[Level] {
        &self.container.images[self.image].described
    }

    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        let store = self.level(level)?;
        self.check(store, region, Some(block))?;
        match store.places {
            Places::Raw { .. } => self.container.write_raw(store, region, block)?,
            Places::Listed(_) => self.container.write_chunks(store, region, block)?,
        }
        // One file that is complete only in the end: there is no key to check a block by.
        Ok(Vec::new())
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        let store = self.level(level)?;
        self.check(store, region, None)?;
        out.reset(store.layout.dtype, region.shape);
        match store.places {
            Places::Raw { .. } => self.container.read_raw(store, region, out)?,
            Places::Listed(_) => self.container.read_chunks(store, region, out)?,
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), SourceError> {
        if self.container.note_finished(self.image) {
            self.container.finish()?;
        }
        Ok(())
    }
}
