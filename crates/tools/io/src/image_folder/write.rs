//! Planes into TIFF files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Axes, Axis, ImageMeta, ImageSink, Level, Pixels, Region, region};

use super::places::{STACKED, name};
use crate::strided::no_region;
use crate::tiff::{TiffSink, WriteOptions};
use crate::{Error, Result, atomic};

/// A folder of TIFF files that is being written, one per plane: `NAME_t0_c1_z17.tif`, with the axes
/// the image has.
pub struct FolderSink {
    folder: PathBuf,
    stem: String,
    meta: ImageMeta,
    options: WriteOptions,
    levels: [Level; 1],
    written: AtomicU64,
}

impl FolderSink {
    /// Makes the folder; `options` are those of every file.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when a plane cannot be such a file; [`Error::Io`] when the folder cannot
    /// be made.
    pub fn create(folder: &Path, meta: &ImageMeta, options: &WriteOptions) -> Result<FolderSink> {
        options.check(folder, &plane_meta(meta, String::new()))?;
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk: [1, 1, 1, meta.shape[3], meta.shape[4]],
            shard: None,
            codec: "none".to_owned(),
        };
        let stem = folder.file_name().map(|n| n.to_string_lossy().into_owned());
        Ok(FolderSink {
            folder: folder.to_owned(),
            stem: stem.unwrap_or_else(|| "plane".to_owned()),
            meta: meta.clone(),
            options: options.clone(),
            levels: [level],
            written: AtomicU64::new(0),
        })
    }

    fn write_plane(&self, place: &Region, block: &Pixels) -> Result<(), SourceError> {
        let shape = self.meta.shape;
        let index = STACKED.map(|a| (a, place.start[a.index()], shape[a.index()]));
        let name = name(&self.stem, index, |axis| self.meta.axes.has(axis));
        let path = self.folder.join(format!("{name}.tif"));
        let meta = plane_meta(&self.meta, name);
        let sink = TiffSink::create(&path, &meta, &self.options)?;
        sink.write(0, &Region::whole(meta.shape), block)?;
        sink.finish()
    }
}

/// What a file knows of its plane.
fn plane_meta(meta: &ImageMeta, name: String) -> ImageMeta {
    ImageMeta {
        name,
        axes: Axes::of(&[Axis::Y, Axis::X]),
        shape: [1, 1, 1, meta.shape[3], meta.shape[4]],
        channels: Vec::new(),
        frame_interval_s: None,
        frame_times_s: None,
        affine: None,
        missing: Vec::new(),
        vendor: None,
        ..meta.clone()
    }
}

impl ImageSink for FolderSink {
    /// A plane.
    fn write_unit(&self, _level: usize) -> [u64; 5] {
        [1, 1, 1, self.meta.shape[3], self.meta.shape[4]]
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Writes the files of a block's planes; there are no keys: files are complete or not there.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        let unit = self.write_unit(0);
        let whole = (3..5).all(|d| region.shape[d] == unit[d]);
        if level != 0 || !region.fits(self.meta.shape) || !whole {
            return Err(no_region(&self.folder, region, self.meta.shape).into());
        }
        for plane in region::grid(region.shape, unit) {
            let mut place = plane;
            for d in 0..5 {
                place.start[d] += region.start[d];
            }
            self.write_plane(&place, &block.crop(&plane))?;
            self.written.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Vec::new())
    }

    fn read_back(&self, _: usize, _: &Region, _: &mut Pixels) -> Result<(), SourceError> {
        let what = "reading from a folder that is being written";
        Err(Error::unsupported(&self.folder, what, "").into())
    }

    fn finish(&self) -> Result<(), SourceError> {
        let planes = self.meta.shape[..3].iter().product();
        let written = self.written.load(Ordering::Relaxed);
        if written < planes {
            let what = format!("{written} of {planes} planes were written");
            return Err(Error::Incomplete { path: self.folder.clone(), what }.into());
        }
        Ok(atomic::sync_folder(&self.folder)?)
    }
}
