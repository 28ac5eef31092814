//! Blocks into a preallocated file.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{ImageMeta, ImageSink, Level, Pixels, Region, Sample, dispatch};

use super::{Header, sidecar, with_suffix};
use crate::image_entry::ImageEntry;
use crate::strided::{RawSample, StridedFile, dense_strides, no_region};
use crate::{Error, Result};

/// Bytes encoded before they are written.
const BUFFER: usize = 1 << 20;

/// An NPY file that is being written: version 1, C order, little-endian.
///
/// While it is written the file is called `NAME.npy.part` and has its full size; blocks go to their
/// places, so any region may be written at any time, also by several processes. A voxel nobody
/// wrote is 0.
pub struct NpySink {
    target: PathBuf,
    part: PathBuf,
    raw: StridedFile,
    meta: ImageMeta,
    levels: [Level; 1],
}

impl NpySink {
    /// Begins an array file with the image's axes, shape and type.
    ///
    /// A `.part` file left by an earlier process is replaced.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written or the disk is too small.
    pub fn create(target: &Path, meta: &ImageMeta) -> Result<NpySink> {
        let part = with_suffix(target, ".part");
        let fail = |doing: &'static str| move |e| Error::io(target, doing, e);
        let header = header_of(meta);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)
            .map_err(fail("create"))?;
        preallocate(&file, header.len() as u64 + meta.bytes()).map_err(|e| {
            let _ = std::fs::remove_file(&part);
            Error::io(target, format!("reserve {} bytes", meta.bytes()), e)
        })?;
        file.write_all_at(&header, 0).map_err(fail("write"))?;
        file.sync_all().map_err(fail("flush"))?;
        Ok(NpySink::around(target, part, file, header.len() as u64, meta))
    }

    /// Goes on with a file that [`NpySink::create`] began, perhaps in another process.
    ///
    /// # Errors
    /// [`Error::Io`] when there is none; [`Error::Incomplete`] when it is of another array.
    pub fn resume(target: &Path, meta: &ImageMeta) -> Result<NpySink> {
        let part = with_suffix(target, ".part");
        let fail = |doing: &'static str| move |e| Error::io(target, doing, e);
        let header = header_of(meta);
        let mut file =
            OpenOptions::new().read(true).write(true).open(&part).map_err(fail("open"))?;
        let mut found = vec![0; header.len()];
        let length = file.metadata().map_err(fail("inspect"))?.len();
        if length != header.len() as u64 + meta.bytes()
            || file.read_exact(&mut found).is_err()
            || found != header
        {
            let what = "the unfinished file beside it is of another shape or type".to_owned();
            return Err(Error::Incomplete { path: target.to_owned(), what });
        }
        Ok(NpySink::around(target, part, file, header.len() as u64, meta))
    }

    fn around(target: &Path, part: PathBuf, file: File, offset: u64, meta: &ImageMeta) -> NpySink {
        let strides = dense_strides(&meta.shape).expect("the file was reserved");
        let raw = StridedFile {
            file: Arc::new(file),
            path: target.to_owned(),
            offset,
            sample: RawSample::Native(meta.dtype),
            big_endian: false,
            shape: meta.shape,
            strides: strides.try_into().expect("five axes"),
        };
        let level = Level {
            shape: meta.shape,
            factors: [1.0; 3],
            chunk: [1, 1, 1, meta.shape[3], meta.shape[4]],
            shard: None,
            codec: "none".to_owned(),
        };
        NpySink { target: target.to_owned(), part, raw, meta: meta.clone(), levels: [level] }
    }

    fn write_region(&self, region: &Region, block: &Pixels) -> Result<()> {
        let size = self.meta.dtype.size() as u64;
        let doing = |e| Error::io(&self.target, "write", e);
        let row = (region.shape[4] * size) as usize;
        let [nt, nc, nz, ny, _] = region.shape;
        let mut buffer: Vec<u8> = Vec::with_capacity(BUFFER.max(row));
        // Where the bytes in the buffer begin in the file; rows that follow are written together.
        let mut begin = 0;
        for index in 0..nt * nc * nz * ny {
            let (y, rest) = (index % ny, index / ny);
            let (z, rest) = (rest % nz, rest / nz);
            let p = [rest / nc, rest % nc, z, y, 0];
            let place: u64 = (0..5).map(|d| (region.start[d] + p[d]) * self.raw.strides[d]).sum();
            let at = self.raw.offset + place * size;
            if at != begin + buffer.len() as u64 || buffer.len() + row > BUFFER {
                self.raw.file.write_all_at(&buffer, begin).map_err(doing)?;
                buffer.clear();
                begin = at;
            }
            let first = index as usize * region.shape[4] as usize;
            dispatch!(self.meta.dtype, T => {
                let samples = block.as_slice::<T>().expect("the type was compared");
                T::extend_le(
                    &samples[first..first + region.shape[4] as usize],
                    &mut buffer,
                );
            });
        }
        self.raw.file.write_all_at(&buffer, begin).map_err(doing)
    }
}

fn header_of(meta: &ImageMeta) -> Vec<u8> {
    Header::write(meta.dtype, &meta.axes.pick(&meta.shape))
}

/// Reserves the whole file, so that a full disk is found now and not after hours.
fn preallocate(file: &File, bytes: u64) -> std::io::Result<()> {
    use rustix::io::Errno;
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        // File systems without reservation: a sparse file of the right size.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => file.set_len(bytes),
        other => other.map_err(Into::into),
    }
}

impl ImageSink for NpySink {
    /// One row; other regions are written correctly too.
    fn write_unit(&self, _level: usize) -> [u64; 5] {
        [1, 1, 1, 1, self.meta.shape[4]]
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Writes a block and flushes it to disk. There are no keys: all blocks share one file.
    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        if level != 0 || !region.fits(self.meta.shape) {
            return Err(no_region(&self.target, region, self.meta.shape).into());
        }
        if block.dtype() != self.meta.dtype || block.shape() != region.shape {
            let what = format!(
                "a block of {:?} {} for a region of {:?} {}",
                block.shape(),
                block.dtype(),
                region.shape,
                self.meta.dtype
            );
            return Err(Error::unsupported(&self.target, what, "").into());
        }
        if !region.is_empty() {
            self.write_region(region, block)?;
            self.raw.file.sync_data().map_err(|e| Error::io(&self.target, "flush", e))?;
        }
        Ok(Vec::new())
    }

    fn read_back(
        &self,
        _level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        Ok(self.raw.read(region, out)?)
    }

    /// Writes the sidecar, then gives the file its name.
    fn finish(&self) -> Result<(), SourceError> {
        let entry = ImageEntry::new(0, &self.meta, &self.levels);
        let mut text = serde_json::to_vec_pretty(&entry)?;
        text.push(b'\n');
        crate::atomic::write_file(&sidecar(&self.target), &[&text])?;
        self.raw.file.sync_all().map_err(|e| Error::io(&self.target, "flush", e))?;
        std::fs::rename(&self.part, &self.target)
            .map_err(|e| Error::io(&self.target, "rename", e))?;
        Ok(())
    }
}
