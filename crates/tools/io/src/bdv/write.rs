//! Images to XML and HDF5.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Dtype, ImageMeta, ImageSink, Level, Pixels, Region, region};
use rust_hdf5::{H5File, H5Group, Hdf5Error};

use super::describe::{WorldUnit, describe, setups};
use super::{Loader, emit};
use crate::hdf5::{ArrayTarget, Encoding, Journal, JournalArray, write_chunks, write_file};
use crate::pyramid::levels_of;
use crate::{Error, Result};

/// How a BigDataViewer file is written.
#[derive(Debug, Clone, PartialEq)]
pub struct BdvSettings {
    /// What one unit of the world is.
    pub unit: WorldUnit,
    /// Lengths of a chunk over `(z, y, x)`, clipped to each level.
    pub chunk: [u64; 3],
    /// Factors of level 0 over `(z, y, x)`, one entry per level; the first is 1, 1, 1.
    pub factors: Vec<[u64; 3]>,
    /// gzip level, 1 to 9.
    pub gzip: u32,
}

impl Default for BdvSettings {
    fn default() -> BdvSettings {
        BdvSettings {
            unit: WorldUnit::Micrometre,
            chunk: [32, 64, 64],
            factors: vec![[1, 1, 1]],
            gzip: 4,
        }
    }
}

/// A BigDataViewer file being written: an XML, and an HDF5 file of its name beside it.
///
/// Every channel of every image is one setup; an image is one tile. Blocks go to a temporary file;
/// [`BdvFile::finish`] puts the HDF5 file together, readable by HDF5 1.8, then writes the XML.
pub struct BdvFile {
    inner: Arc<Inner>,
}

struct Inner {
    target: PathBuf,
    settings: BdvSettings,
    metas: Vec<ImageMeta>,
    levels: Vec<Vec<Level>>,
    journal: Journal,
}

/// One image of a [`BdvFile`].
pub struct BdvSink {
    inner: Arc<Inner>,
    image: usize,
    /// Whether the file is finished with this image.
    alone: bool,
}

impl BdvFile {
    /// Begins a file of several images; `target` is the XML.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for factors that do not begin with 1 or shrink again, and for
    /// images that differ in their number of frames; [`Error::Io`] when the folder cannot be
    /// written.
    pub fn create(target: &Path, metas: &[ImageMeta], settings: &BdvSettings) -> Result<BdvFile> {
        let bad = |what: &str| Err(Error::metadata(target, what));
        if settings.factors.first() != Some(&[1, 1, 1])
            || settings.factors.windows(2).any(|w| (0..3).any(|d| w[1][d] < w[0][d]))
        {
            return bad("the factors of the levels do not grow from 1, 1, 1");
        }
        if metas.is_empty() || metas.iter().any(|m| m.shape.contains(&0)) {
            return bad("there is no image, or one without voxels");
        }
        if metas.iter().any(|m| m.shape[0] != metas[0].shape[0]) {
            return bad("the images differ in their number of frames");
        }
        let mut arrays = Vec::new();
        let mut levels = Vec::new();
        for meta in metas {
            let of_image = levels_of(meta, &settings.factors, settings.chunk, "gzip");
            for level in &of_image {
                let sample = meta.dtype.size();
                let encoding = Encoding { level: settings.gzip.clamp(1, 9), sample };
                let (shape, chunk, dtype) = (level.shape, level.chunk, meta.dtype);
                arrays.push(JournalArray { shape, chunk, dtype, encoding });
            }
            levels.push(of_image);
        }
        let journal = Journal::create(target, arrays)?;
        let inner = Inner {
            target: target.to_owned(),
            settings: settings.clone(),
            metas: metas.to_vec(),
            levels,
            journal,
        };
        Ok(BdvFile { inner: Arc::new(inner) })
    }

    /// The sink of one image; its `finish` does nothing.
    pub fn image(&self, image: usize) -> BdvSink {
        BdvSink { inner: Arc::clone(&self.inner), image, alone: false }
    }

    /// Puts the HDF5 file together and writes the XML.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Unsupported`] when the files cannot be written.
    pub fn finish(&self) -> Result<()> {
        self.inner.finish()
    }
}

impl BdvSink {
    /// Begins a file of one image, written by this sink's `finish`; `target` is the XML.
    ///
    /// # Errors
    /// See [`BdvFile::create`].
    pub fn create(target: &Path, meta: &ImageMeta, settings: &BdvSettings) -> Result<BdvSink> {
        let file = BdvFile::create(target, std::slice::from_ref(meta), settings)?;
        Ok(BdvSink { inner: file.inner, image: 0, alone: true })
    }
}

impl Inner {
    fn finish(&self) -> Result<()> {
        let pixels = self.target.with_extension("h5");
        write_file(&pixels, false, |file| self.put_together(file))?;
        let path = pixels.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let loader = Loader::Hdf5 { path, relative: true };
        let text = emit(&describe(&self.metas, self.settings.unit, loader));
        crate::atomic::write_file(&self.target, &[text.as_bytes()])?;
        Ok(())
    }

    fn put_together(&self, file: &H5File) -> Result<(), Hdf5Error> {
        let root = file.root_group();
        for (setup, (image, _)) in setups(&self.metas).into_iter().enumerate() {
            let group = root.create_group(&format!("s{setup:02}"))?;
            self.write_setup(&group, image)?;
        }
        for t in 0..self.metas[0].shape[0] {
            let time = root.create_group(&format!("t{t:05}"))?;
            for (setup, (image, channel)) in setups(&self.metas).into_iter().enumerate() {
                let view = time.create_group(&format!("s{setup:02}"))?;
                for level in 0..self.levels[image].len() {
                    let group = view.create_group(&level.to_string())?;
                    self.write_view(&group, image, level, [t, channel])?;
                }
            }
        }
        Ok(())
    }

    fn write_setup(&self, group: &H5Group, image: usize) -> Result<(), Hdf5Error> {
        let levels = &self.levels[image];
        let turned = |[z, y, x]: [f64; 3]| [x, y, z];
        let factors: Vec<f64> = levels.iter().flat_map(|l| turned(l.factors)).collect();
        let chunks: Vec<i32> =
            levels.iter().flat_map(|l| [4, 3, 2].map(|d| l.chunk[d] as i32)).collect();
        let shape = [levels.len(), 3];
        group.new_dataset::<f64>().shape(shape).create("resolutions")?.write_raw(&factors)?;
        group.new_dataset::<i32>().shape(shape).create("subdivisions")?.write_raw(&chunks)?;
        let dtype = self.metas[image].dtype;
        if dtype != Dtype::Uint16 {
            group.set_attr_string("dataType", dtype.name())?;
        }
        Ok(())
    }

    fn write_view(
        &self,
        group: &H5Group,
        image: usize,
        level: usize,
        [t, channel]: [u64; 2],
    ) -> Result<(), Hdf5Error> {
        let stored = &self.levels[image][level];
        // Old readers know only int16; the bits are those of uint16.
        let dtype = match self.metas[image].dtype {
            Dtype::Uint16 => Dtype::Int16,
            other => other,
        };
        let target = ArrayTarget {
            group,
            name: "cells",
            shape: &stored.shape[2..],
            chunk: &stored.chunk[2..],
            gzip: self.settings.gzip.clamp(1, 9),
        };
        let dataset = target.create(dtype)?;
        let counts = region::grid_counts(stored.shape, stored.chunk);
        let per_view: u64 = counts[2..].iter().product();
        let first = (t * counts[1] + channel) * per_view;
        let array: usize = self.levels[..image].iter().map(Vec::len).sum::<usize>() + level;
        write_chunks(&self.journal, array, first..first + per_view, &dataset, &|index| {
            index[2..].to_vec()
        })
    }
}

impl BdvSink {
    fn array(&self, level: usize) -> Result<usize> {
        let levels = &self.inner.levels;
        if level >= levels[self.image].len() {
            let what = format!("level {level}; there are {}", levels[self.image].len());
            return Err(Error::NotThere { path: self.inner.target.clone(), what });
        }
        Ok(levels[..self.image].iter().map(Vec::len).sum::<usize>() + level)
    }
}

impl ImageSink for BdvSink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        self.inner.levels[self.image][level].chunk
    }

    fn levels(&self) -> &[Level] {
        &self.inner.levels[self.image]
    }

    /// Encodes a block's chunks. There are no keys: the file is put together at the end.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        self.inner.journal.write(self.array(level)?, region, block)?;
        Ok(Vec::new())
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        Ok(self.inner.journal.read(self.array(level)?, region, out)?)
    }

    fn finish(&self) -> Result<(), SourceError> {
        if self.alone {
            self.inner.finish()?;
        }
        Ok(())
    }
}
