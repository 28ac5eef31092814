//! An image being written.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Dtype, ImageMeta, ImageSink, Level, Pixels, Region, dispatch};
use rust_hdf5::types::VarLenUnicode;
use rust_hdf5::{H5Dataset, H5File, Hdf5Error, LibverBound};

use super::handles::os_error;
use super::journal::JournalArray;
use super::{Encoding, Journal};
use crate::atomic::AtomicFile;
use crate::{Error, Result};

/// How an HDF5 image is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Hdf5Settings {
    /// Path of the dataset in the file.
    pub dataset: String,
    /// Lengths of a chunk over `t, c, z, y, x`; clipped to the image.
    pub chunk: [u64; 5],
    /// gzip level, 1 to 9.
    pub gzip: u32,
}

impl Default for Hdf5Settings {
    fn default() -> Hdf5Settings {
        Hdf5Settings { dataset: "/image".to_owned(), chunk: [1, 1, 32, 64, 64], gzip: 4 }
    }
}

/// An HDF5 file that is being written with one image: chunked, shuffled, gzipped.
///
/// Blocks go to a temporary file and the HDF5 file is put together by `finish`, chunks in C order,
/// readable by HDF5 1.8. This needs twice the space of the encoded image for a while. Attributes
/// are those that [`super::open`] reads.
pub struct Hdf5Sink {
    target: PathBuf,
    /// Path of the dataset without a leading `/`.
    dataset: String,
    meta: ImageMeta,
    levels: [Level; 1],
    journal: Journal,
    put_together: fn(&Hdf5Sink) -> Result<()>,
}

impl Hdf5Sink {
    /// Begins a file with the image's axes, shape and type.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written; [`Error::MetadataInvalid`] for a dataset
    /// path that names nothing.
    pub fn create(target: &Path, meta: &ImageMeta, settings: &Hdf5Settings) -> Result<Hdf5Sink> {
        let whole =
            |sink: &Hdf5Sink| write_file(&sink.target, false, |file| sink.put_together(file));
        Hdf5Sink::create_as(target, meta, settings, whole)
    }

    /// Begins a file that `put_together` makes of the journal at the end.
    pub(crate) fn create_as(
        target: &Path,
        meta: &ImageMeta,
        settings: &Hdf5Settings,
        put_together: fn(&Hdf5Sink) -> Result<()>,
    ) -> Result<Hdf5Sink> {
        let parts: Vec<&str> = settings.dataset.split('/').filter(|p| !p.is_empty()).collect();
        if parts.is_empty() || parts.iter().any(|p| matches!(*p, "." | "..")) {
            let what = format!("`{}` is not the path of a dataset", settings.dataset);
            return Err(Error::metadata(target, what));
        }
        let chunk = std::array::from_fn(|d| settings.chunk[d].clamp(1, meta.shape[d].max(1)));
        let encoding = Encoding { level: settings.gzip.clamp(1, 9), sample: meta.dtype.size() };
        let array = JournalArray { shape: meta.shape, chunk, dtype: meta.dtype, encoding };
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk,
            shard: None,
            codec: "gzip".to_owned(),
        };
        Ok(Hdf5Sink {
            target: target.to_owned(),
            dataset: parts.join("/"),
            meta: meta.clone(),
            levels: [level],
            journal: Journal::create(target, vec![array])?,
            put_together,
        })
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn dataset(&self) -> &str {
        &self.dataset
    }

    pub(crate) fn meta(&self) -> &ImageMeta {
        &self.meta
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    fn put_together(&self, file: &H5File) -> Result<(), Hdf5Error> {
        let mut parts: Vec<&str> = self.dataset.split('/').collect();
        let name = parts.pop().expect("checked at the beginning");
        let mut group = file.root_group();
        for part in parts {
            group = group.create_group(part)?;
        }
        let pick = |full: &[u64; 5]| self.meta.axes.pick(full);
        let array = ArrayTarget {
            group: &group,
            name,
            shape: &pick(&self.meta.shape),
            chunk: &pick(&self.journal.arrays()[0].chunk),
            gzip: self.journal.arrays()[0].encoding.level,
        };
        let dataset = array.create(self.meta.dtype)?;
        self.write_attributes(&dataset)?;
        write_chunks(&self.journal, 0, 0..u64::MAX, &dataset, &pick)
    }

    fn write_attributes(&self, dataset: &H5Dataset) -> Result<(), Hdf5Error> {
        let meta = &self.meta;
        let numbers = |name: &str, values: [Option<f64>; 3]| {
            if values.iter().all(Option::is_none) {
                return Ok(());
            }
            let values = values.map(|v| v.unwrap_or(f64::NAN));
            dataset.new_attr::<f64>().shape([3usize]).create(name)?.write_array(&values)
        };
        let text = |name: &str| dataset.new_attr::<VarLenUnicode>().shape(()).create(name);
        text("axes")?.write_string(&meta.axes.to_string())?;
        numbers("element_size_um", meta.voxel_size_um.map(|s| s.value))?;
        numbers("origin_um", meta.origin_um.map(|s| s.value))?;
        if let Some(interval) = meta.frame_interval_s {
            let attribute = dataset.new_attr::<f64>().shape(()).create("frame_interval_s")?;
            attribute.write_numeric(&interval)?;
        }
        let texts = |name: &str, values: Vec<Option<&str>>| {
            if values.iter().all(Option::is_none) {
                return Ok(());
            }
            let values: Vec<&str> = values.into_iter().map(Option::unwrap_or_default).collect();
            let attribute = dataset.new_attr::<VarLenUnicode>().shape([values.len()]);
            attribute.create(name)?.write_string_array(&values)
        };
        texts("channel_names", meta.channels.iter().map(|c| c.name.as_deref()).collect())?;
        texts("channel_colors", meta.channels.iter().map(|c| c.color.as_deref()).collect())
    }
}

/// Where an array of a file is made.
pub(crate) struct ArrayTarget<'a> {
    pub group: &'a rust_hdf5::H5Group,
    pub name: &'a str,
    pub shape: &'a [u64],
    pub chunk: &'a [u64],
    pub gzip: u32,
}

impl ArrayTarget<'_> {
    /// Makes a chunked dataset with shuffle (for more than one byte) and gzip.
    pub fn create(&self, dtype: Dtype) -> Result<H5Dataset, Hdf5Error> {
        let lengths = |n: &[u64]| n.iter().map(|n| *n as usize).collect::<Vec<_>>();
        dispatch!(dtype, T => {
            let builder = self
                .group
                .new_dataset::<T>()
                .shape(lengths(self.shape))
                .chunk(&lengths(self.chunk));
            let builder = if dtype.size() > 1 { builder.shuffle() } else { builder };
            builder.deflate(self.gzip).create(self.name)
        })
    }
}

/// Copies chunks of a journal's array into a dataset, in C order; `pick` keeps the stored axes of
/// a chunk's place on the grid.
pub(crate) fn write_chunks(
    journal: &Journal,
    array: usize,
    numbers: Range<u64>,
    dataset: &H5Dataset,
    pick: &dyn Fn(&[u64; 5]) -> Vec<u64>,
) -> Result<(), Hdf5Error> {
    let a = &journal.arrays()[array];
    let counts = hooke_core::region::grid_counts(a.shape, a.chunk);
    for number in journal.chunks(array, numbers) {
        let mut rest = number;
        let mut index = [0; 5];
        for d in (0..5).rev() {
            index[d] = rest % counts[d];
            rest /= counts[d];
        }
        let coordinates: Vec<usize> = pick(&index).into_iter().map(|n| n as usize).collect();
        let encoded = journal
            .encoded(array, number)
            .map_err(|e| Hdf5Error::InvalidState(e.to_string()))?
            .unwrap_or_default();
        dataset.write_chunk_raw_at(&coordinates, &encoded, 0)?;
    }
    Ok(())
}

/// Writes an HDF5 file for old readers (HDF5 1.8), whole or not at all; `in_order` has it note the
/// order in which its content was made, as netCDF asks.
pub(crate) fn write_file(
    target: &Path,
    in_order: bool,
    content: impl FnOnce(&H5File) -> Result<(), Hdf5Error>,
) -> Result<()> {
    let part = AtomicFile::create(target)?;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let options = H5File::options().no_locking().libver(LibverBound::V18).track_order(in_order);
        let file = options.create(part.temporary())?;
        content(&file)?;
        file.close_no_sync()
    }));
    match outcome {
        Ok(Ok(())) => part.commit().map(|_| ()),
        Ok(Err(Hdf5Error::Io(e))) => Err(Error::io(target, "write", e)),
        Ok(Err(e)) => Err(match os_error(&e) {
            Some(source) => Error::io(target, "write", source),
            None => Error::unsupported(target, format!("writing HDF5: {e}"), ""),
        }),
        Err(_) => Err(Error::unsupported(target, "writing HDF5: the library gave up", "")),
    }
}

impl ImageSink for Hdf5Sink {
    fn write_unit(&self, _level: usize) -> [u64; 5] {
        self.levels[0].chunk
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Encodes a block's chunks. There are no keys: the file is put together by `finish`.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        self.check_level(level)?;
        self.journal.write(0, region, block)?;
        Ok(Vec::new())
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        self.check_level(level)?;
        Ok(self.journal.read(0, region, out)?)
    }

    fn finish(&self) -> Result<(), SourceError> {
        Ok((self.put_together)(self)?)
    }
}

impl Hdf5Sink {
    fn check_level(&self, level: usize) -> Result<()> {
        if level == 0 {
            return Ok(());
        }
        let what = format!("level {level}; an HDF5 image has one");
        Err(Error::NotThere { path: self.target.clone(), what })
    }
}
