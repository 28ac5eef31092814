//! An image into an NPZ file, as a stream.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{Dtype, ImageMeta, ImageSink, Level, Pixels, Region, Sample, dispatch};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Header;
use super::archive::IMAGE;
use super::header::write_text;
use crate::atomic::AtomicFile;
use crate::stream_order::{StreamOrder, not_read_back};
use crate::{Error, Result};

/// Samples turned into bytes at once.
const SAMPLES: usize = 1 << 17;
/// An array of more bytes than this needs the longer numbers of a large archive.
const LARGE: u64 = u32::MAX as u64 / 2;

/// An NPZ file that is being written: the arrays `image`, `axes` (a text) and `voxel_size_um` (f64
/// over `z, y, x`, NaN where it is not known).
///
/// Regions come in C order, one after the other; nothing but the block at hand is in memory. The file
/// has a temporary name until [`ImageSink::finish`]; dropped before, it vanishes.
pub struct NpzSink {
    target: PathBuf,
    meta: ImageMeta,
    levels: [Level; 1],
    state: Mutex<State>,
}

struct State {
    /// `None` when it was finished.
    archive: Option<ZipWriter<AtomicFile>>,
    order: StreamOrder,
    buffer: Vec<u8>,
}

impl NpzSink {
    /// Begins an archive; `deflate` is a level of 1 to 9, or `None` for arrays as they are.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written.
    pub fn create(target: &Path, meta: &ImageMeta, deflate: Option<u32>) -> Result<NpzSink> {
        let mut archive = ZipWriter::new(AtomicFile::create(target)?);
        let options = options(deflate).large_file(meta.bytes() > LARGE);
        archive.start_file(format!("{IMAGE}.npy"), options).map_err(|e| failed(target, e))?;
        archive
            .write_all(&Header::write(meta.dtype, &meta.axes.pick(&meta.shape)))
            .map_err(|e| Error::io(target, "write", e))?;
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk: [1, 1, 1, meta.shape[3], meta.shape[4]],
            shard: None,
            codec: if deflate.is_some() { "deflate" } else { "none" }.to_owned(),
        };
        let order = StreamOrder::new(meta.shape, meta.dtype);
        let state = State { archive: Some(archive), order, buffer: Vec::new() };
        Ok(NpzSink {
            target: target.to_owned(),
            meta: meta.clone(),
            levels: [level],
            state: Mutex::new(state),
        })
    }

    fn write_region(&self, region: &Region, block: &Pixels) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { archive, order, buffer } = &mut *state;
        let archive = archive.as_mut().ok_or_else(|| self.finished())?;
        order.accept(&self.target, region, block)?;
        dispatch!(self.meta.dtype, T => {
            for samples in block.as_slice::<T>().expect("the type was compared").chunks(SAMPLES) {
                buffer.clear();
                T::extend_le(samples, buffer);
                archive.write_all(buffer).map_err(|e| Error::io(&self.target, "write", e))?;
            }
        });
        Ok(())
    }

    fn complete(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.order.check_complete(&self.target)?;
        let mut archive = state.archive.take().ok_or_else(|| self.finished())?;
        let mut sizes = Header::write(Dtype::Float64, &[3]);
        for size in self.meta.voxel_size_um {
            sizes.extend(size.value.unwrap_or(f64::NAN).to_le_bytes());
        }
        let axes = write_text(&self.meta.axes.to_string());
        for (name, bytes) in [("axes.npy", axes), ("voxel_size_um.npy", sizes)] {
            archive.start_file(name, options(None)).map_err(|e| failed(&self.target, e))?;
            archive.write_all(&bytes).map_err(|e| Error::io(&self.target, "write", e))?;
        }
        archive.finish().map_err(|e| failed(&self.target, e))?.commit_unstamped()
    }

    fn finished(&self) -> Error {
        Error::unsupported(&self.target, "writing into a finished file", "")
    }
}

/// Members have no time: the same image gives the same bytes.
pub(crate) fn options(deflate: Option<u32>) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    match deflate {
        None => options.compression_method(CompressionMethod::Stored),
        Some(level) => options
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(i64::from(level))),
    }
}

fn failed(target: &Path, error: zip::result::ZipError) -> Error {
    Error::io(target, "write", error.into())
}

impl ImageSink for NpzSink {
    fn write_unit(&self, _level: usize) -> [u64; 5] {
        [1, 1, 1, 1, self.meta.shape[4]]
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Appends a block; there are no keys: all blocks share one file.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        if level != 0 {
            let what = format!("level {level}; an NPZ file has one");
            return Err(Error::NotThere { path: self.target.clone(), what }.into());
        }
        self.write_region(region, block)?;
        Ok(Vec::new())
    }

    fn read_back(&self, _: usize, _: &Region, _: &mut Pixels) -> Result<(), SourceError> {
        Err(not_read_back(&self.target).into())
    }

    fn finish(&self) -> Result<(), SourceError> {
        Ok(self.complete()?)
    }
}
