//! Encoded chunks, kept until the file is put together.
//!
//! An HDF5 file's index is written last and chunks come in any order from many threads. They go
//! to a temporary file first, so that they can be read back for the next level of a pyramid, and
//! so that the finished file has the same bytes whatever the order was.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hooke_core::{Dtype, Pixels, Region, Sample, dispatch, region};
use rayon::prelude::*;

use super::Encoding;
use crate::atomic::AtomicFile;
use crate::strided::no_region;
use crate::{Error, Result};

/// One array of the journal: what a chunk of it looks like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JournalArray {
    /// Lengths over `t, c, z, y, x`.
    pub shape: [u64; 5],
    /// Lengths of a chunk.
    pub chunk: [u64; 5],
    /// The sample type.
    pub dtype: Dtype,
    /// How its chunks are encoded.
    pub encoding: Encoding,
}

impl JournalArray {
    fn chunk_bytes(&self) -> usize {
        self.chunk.iter().product::<u64>() as usize * self.dtype.size()
    }
}

/// Encoded chunks of several arrays in one temporary file, removed when the journal is dropped.
pub(crate) struct Journal {
    target: PathBuf,
    file: File,
    /// Removes the file when the journal is dropped.
    _temporary: AtomicFile,
    end: AtomicU64,
    arrays: Vec<JournalArray>,
    /// Array and chunk number to place and length.
    index: Mutex<BTreeMap<(usize, u64), (u64, usize)>>,
}

impl Journal {
    /// Begins a journal beside the file that is to be written.
    pub fn create(target: &Path, arrays: Vec<JournalArray>) -> Result<Journal> {
        let mut temporary = AtomicFile::create(target)?;
        let file = temporary.file_mut().try_clone().map_err(|e| Error::io(target, "create", e))?;
        Ok(Journal {
            target: target.to_owned(),
            file,
            _temporary: temporary,
            end: AtomicU64::new(0),
            arrays,
            index: Mutex::default(),
        })
    }

    /// The arrays.
    pub fn arrays(&self) -> &[JournalArray] {
        &self.arrays
    }

    /// Encodes the chunks of a block, in the current rayon pool, and keeps them.
    pub fn write(&self, array: usize, region: &Region, block: &Pixels) -> Result<()> {
        let a = &self.arrays[array];
        let aligned = (0..5).all(|d| {
            let end = region.start[d] + region.shape[d];
            let whole = |at: u64| at.is_multiple_of(a.chunk[d]);
            whole(region.start[d]) && (whole(end) || end == a.shape[d])
        });
        if !region.fits(a.shape) {
            return Err(no_region(&self.target, region, a.shape));
        }
        if !aligned || block.dtype() != a.dtype || block.shape() != region.shape {
            let what = format!(
                "a block of {:?} {} at {:?}; blocks are whole chunks of {:?} {}",
                block.shape(),
                block.dtype(),
                region.start,
                a.chunk,
                a.dtype
            );
            return Err(Error::unsupported(&self.target, what, ""));
        }
        let counts = region::grid_counts(a.shape, a.chunk);
        let parts: Vec<Region> = region::grid(region.shape, a.chunk).collect();
        parts.par_iter().try_for_each(|part| {
            // A chunk at the image's end is stored whole; what lies outside is 0.
            let mut pixels = Pixels::zeros(a.dtype, a.chunk);
            pixels.copy_box([0; 5], block, part);
            let mut bytes = Vec::with_capacity(a.chunk_bytes());
            pixels.extend_le_bytes(&mut bytes);
            let encoded = a.encoding.encode(&bytes);
            let number = (0..5)
                .fold(0, |n, d| n * counts[d] + (region.start[d] + part.start[d]) / a.chunk[d]);
            self.keep(array, number, &encoded)
        })
    }

    fn keep(&self, array: usize, number: u64, encoded: &[u8]) -> Result<()> {
        let at = self.end.fetch_add(encoded.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(encoded, at).map_err(|e| Error::io(&self.target, "write", e))?;
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.insert((array, number), (at, encoded.len()));
        Ok(())
    }

    /// The chunks of an array with these numbers that were written, in C order of their grid.
    pub fn chunks(&self, array: usize, numbers: Range<u64>) -> Vec<u64> {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index
            .range((array, numbers.start)..(array, numbers.end))
            .map(|((_, number), _)| *number)
            .collect()
    }

    /// One encoded chunk, or `None` when it was not written.
    pub fn encoded(&self, array: usize, number: u64) -> Result<Option<Vec<u8>>> {
        let place = {
            let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            index.get(&(array, number)).copied()
        };
        let Some((at, length)) = place else { return Ok(None) };
        let mut bytes = vec![0; length];
        self.file
            .read_exact_at(&mut bytes, at)
            .map_err(|e| Error::io(&self.target, "read back", e))?;
        Ok(Some(bytes))
    }

    /// Reads a region of what was written; chunks nobody wrote are 0.
    pub fn read(&self, array: usize, region: &Region, out: &mut Pixels) -> Result<()> {
        let a = &self.arrays[array];
        if !region.fits(a.shape) {
            return Err(no_region(&self.target, region, a.shape));
        }
        out.reset(a.dtype, region.shape);
        if region.is_empty() {
            return Ok(());
        }
        let first: [u64; 5] = std::array::from_fn(|d| region.start[d] / a.chunk[d]);
        let end = region.end();
        let touched = std::array::from_fn(|d| end[d].div_ceil(a.chunk[d]) - first[d]);
        let counts = region::grid_counts(a.shape, a.chunk);
        let mut pixels = Pixels::zeros(a.dtype, a.chunk);
        for step in region::grid(touched, [1; 5]) {
            let index: [u64; 5] = std::array::from_fn(|d| first[d] + step.start[d]);
            let number = (0..5).fold(0, |n, d| n * counts[d] + index[d]);
            let start = std::array::from_fn(|d| index[d] * a.chunk[d]);
            match self.encoded(array, number)? {
                Some(encoded) => {
                    let bytes = a.encoding.decode(&encoded, a.chunk_bytes()).ok_or_else(|| {
                        Error::corrupt(&self.target, "a chunk of the unfinished file")
                    })?;
                    dispatch!(a.dtype, T => {
                        T::read_le(&bytes, pixels.as_mut_slice::<T>().expect("made so"));
                    });
                }
                None => pixels.fill(0.0),
            }
            let part = Region::new(start, a.chunk).intersect(region).expect("it is touched");
            let to = part.relative_to(region.start).start;
            out.copy_box(to, &pixels, &part.relative_to(start));
        }
        Ok(())
    }
}
