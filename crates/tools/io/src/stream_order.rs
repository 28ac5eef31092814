//! Regions that follow each other in C order, for formats that are written as one stream.

use std::path::Path;

use hooke_core::{Dtype, Pixels, Region};

use crate::strided::no_region;
use crate::{Error, Result};

/// How far a stream of samples has come.
#[derive(Debug)]
pub(crate) struct StreamOrder {
    shape: [u64; 5],
    dtype: Dtype,
    next: u64,
}

impl StreamOrder {
    pub fn new(shape: [u64; 5], dtype: Dtype) -> StreamOrder {
        StreamOrder { shape, dtype, next: 0 }
    }

    /// Takes a block that begins where the last one ended.
    ///
    /// # Errors
    /// [`Error::NotThere`] for a region outside the image; [`Error::Unsupported`] for a block of
    /// another type or shape, and for one out of order.
    pub fn accept(&mut self, path: &Path, region: &Region, block: &Pixels) -> Result<()> {
        if !region.fits(self.shape) {
            return Err(no_region(path, region, self.shape));
        }
        if block.dtype() != self.dtype || block.shape() != region.shape {
            let what = format!("a block of {:?} {}", block.shape(), block.dtype());
            let wanted = format!("{what} for a region of {:?} {}", region.shape, self.dtype);
            return Err(Error::unsupported(path, wanted, ""));
        }
        let begin = (0..5).fold(0, |n, d| n * self.shape[d] + region.start[d]);
        // Behind the first axis that is longer than 1 all others must be whole.
        let first = (0..5).find(|d| region.shape[*d] > 1).unwrap_or(4);
        let whole = (first + 1..5).all(|d| region.shape[d] == self.shape[d]);
        if begin != self.next || !whole {
            let what = format!("{region:?} at sample {begin} of a stream at {}", self.next);
            return Err(Error::unsupported(path, what, "write regions in C order"));
        }
        self.next += region.voxels();
        Ok(())
    }

    /// Says whether everything came.
    ///
    /// # Errors
    /// [`Error::Incomplete`].
    pub fn check_complete(&self, path: &Path) -> Result<()> {
        let whole = Region::whole(self.shape).voxels();
        if self.next == whole {
            return Ok(());
        }
        let what = format!("{} of {whole} samples were written", self.next);
        Err(Error::Incomplete { path: path.to_owned(), what })
    }
}

/// The error for a stream, which cannot be read back.
pub(crate) fn not_read_back(path: &Path) -> Error {
    Error::unsupported(path, "reading from a file that is written as one stream", "")
}
