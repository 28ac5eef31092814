//! One array read as a pyramid level over `t, c, z, y, x`: only touched chunks are decoded.

mod boxes;
mod cut;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::meta::PlaneIndex;
use hooke_core::pixels::Typed;
use hooke_core::region::grid_counts;
use hooke_core::{Axis, Level, Pixels, Region};
use ndarray::{ArrayView5, ArrayViewMut5, ShapeBuilder};

use self::boxes::{Bytes, Flaw, Indices};
use self::cut::{in_two, split};
use super::array::ZarrArray;
use super::codec::Scratch;
use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::error::{Error, Result};

/// An array together with which stored dimension each axis is.
#[derive(Debug)]
pub(super) struct StoredLevel {
    pub array: ZarrArray,
    /// Lengths.
    pub shape: [u64; 5],
    /// Lengths of a chunk.
    pub chunk: [u64; 5],
    /// Lengths of a box of the chunk grid: the shard, or again the chunk.
    pub grid: [u64; 5],
    /// The stored dimension of each axis.
    dims: [Option<usize>; 5],
    /// Steps between samples of a decoded chunk along each axis.
    strides: [usize; 5],
    indices: Mutex<Indices>,
}

/// What a read needs beside the region.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub cache: Option<&'a ChunkCache>,
    pub source: u64,
    pub level: u32,
    /// Where planes with chunks that do not decode are listed, if they are to be filled.
    pub rescued: Option<&'a Mutex<BTreeSet<PlaneIndex>>>,
}

thread_local! {
    static SCRATCH: RefCell<(Scratch, Pixels)> =
        RefCell::new((Scratch::default(), Pixels::zeros(hooke_core::Dtype::Uint8, [1; 5])));
}

impl StoredLevel {
    /// Reads an array as having these axes, one per stored dimension, in stored order.
    ///
    /// # Panics
    /// When there is not one axis per dimension, or one appears twice.
    pub fn new(array: ZarrArray, axes: &[Axis]) -> StoredLevel {
        assert_eq!(axes.len(), array.shape.len(), "one axis per stored dimension");
        let mut dims = [None; 5];
        for (d, axis) in axes.iter().enumerate() {
            assert!(dims[axis.index()].replace(d).is_none(), "every axis appears once");
        }
        let spread = |of: &[u64]| dims.map(|d| d.map_or(1, |d| of[d]));
        let chunk = spread(array.chunk());
        // A chunk is stored in C order over its dimensions in the order of the codec.
        let mut stored_strides = vec![0; axes.len()];
        let mut stride = 1usize;
        for d in array.chain.chunk.order.iter().rev() {
            stored_strides[*d] = stride;
            stride *= array.chunk()[*d] as usize;
        }
        let strides = dims.map(|d| d.map_or(1, |d| stored_strides[d]));
        let (shape, grid) = (spread(&array.shape), spread(&array.grid));
        StoredLevel { shape, chunk, grid, dims, strides, array, indices: Mutex::default() }
    }

    /// What is known about this level, with its factors of level 0 over `z, y, x`.
    pub fn describe(&self, factors: [f64; 3]) -> Level {
        Level {
            shape: self.shape,
            factors,
            chunk: self.chunk,
            shard: self.array.chain.sharding.as_ref().map(|_| self.grid),
            codec: self.array.chain.chunk.name(),
        }
    }

    /// Reads a region.
    ///
    /// # Errors
    /// [`Error::NotThere`] when the region does not fit, [`Error::Corrupt`] with the chunk's key when
    /// one does not decode.
    pub fn read(&self, region: &Region, how: Reading<'_>, out: &mut Pixels) -> Result<()> {
        if !region.fits(self.shape) {
            let what = format!("region {:?}+{:?} in {:?}", region.start, region.shape, self.shape);
            return Err(Error::NotThere { path: self.array.root.clone(), what });
        }
        let dtype = self.array.stored().dtype();
        out.reset(dtype, region.shape);
        if region.is_empty() {
            return Ok(());
        }
        hooke_core::dispatch!(dtype, T => {
            let view = out.view_mut::<T>().expect("reset to this dtype");
            self.read_view(region, how, view)
        })
    }

    /// Reads a region into a view of its shape, chunks in parallel.
    pub fn read_view<T: Typed>(
        &self,
        region: &Region,
        how: Reading<'_>,
        out: ArrayViewMut5<'_, T>,
    ) -> Result<()> {
        self.read_boxes(region, &how, out)
    }

    /// Splits a region at boundaries of the chunk grid until it lies in one box.
    fn read_boxes<T: Typed>(
        &self,
        region: &Region,
        how: &Reading<'_>,
        out: ArrayViewMut5<'_, T>,
    ) -> Result<()> {
        match split(region, self.grid) {
            Some((d, at)) => {
                in_two(region, d, at, out, |part, view| self.read_boxes(part, how, view))
            }
            None => self.read_box(region, how, out),
        }
    }

    fn read_box<T: Typed>(
        &self,
        region: &Region,
        how: &Reading<'_>,
        mut out: ArrayViewMut5<'_, T>,
    ) -> Result<()> {
        let index: [u64; 5] = std::array::from_fn(|d| region.start[d] / self.grid[d]);
        let key = self.key(index);
        if self.array.chain.sharding.is_none() {
            // A cached chunk needs no look at the file.
            if let Some(chunk) = how.cache.and_then(|c| c.get(&self.cache_key(index, how))) {
                self.copy(&chunk, index, region, &mut out);
                return Ok(());
            }
        }
        match self.open_box(index, &key) {
            Ok(bytes) => self.read_chunks(region, how, &key, &bytes, out),
            Err(error) => self.rescue(error, region, how, &mut out),
        }
    }

    /// Splits a region inside one grid box at chunk boundaries until it lies in one chunk.
    fn read_chunks<T: Typed>(
        &self,
        region: &Region,
        how: &Reading<'_>,
        key: &str,
        bytes: &Bytes,
        mut out: ArrayViewMut5<'_, T>,
    ) -> Result<()> {
        if matches!(bytes, Bytes::Absent) {
            self.fill(&mut out);
            return Ok(());
        }
        match split(region, self.chunk) {
            Some((d, at)) => in_two(region, d, at, out, |part, view| {
                self.read_chunks(part, how, key, bytes, view)
            }),
            None => {
                let done = self.read_chunk(region, how, key, bytes, &mut out);
                done.or_else(|e| self.rescue(e, region, how, &mut out))
            }
        }
    }

    fn read_chunk<T: Typed>(
        &self,
        region: &Region,
        how: &Reading<'_>,
        key: &str,
        bytes: &Bytes,
        out: &mut ArrayViewMut5<'_, T>,
    ) -> Result<()> {
        let index: [u64; 5] = std::array::from_fn(|d| region.start[d] / self.chunk[d]);
        let cache_key = self.cache_key(index, how);
        if let Some(chunk) = how.cache.and_then(|c| c.get(&cache_key)) {
            self.copy(&chunk, index, region, out);
            return Ok(());
        }
        // A chunk that is wanted whole is decoded in a buffer of this thread and not kept: whoever
        // reads block by block needs only the edges of its neighbours again.
        let whole = (0..5).all(|d| {
            let end = (index[d] + 1).saturating_mul(self.chunk[d]).min(self.shape[d]);
            region.start[d] == index[d] * self.chunk[d] && region.end()[d] == end
        });
        SCRATCH.with_borrow_mut(|(scratch, pixels)| {
            let done = match self.decode(index, bytes, scratch, pixels) {
                Ok(true) => {
                    self.copy(pixels, index, region, out);
                    if let (false, Some(cache)) = (whole, how.cache) {
                        let kept = std::mem::replace(pixels, Pixels::zeros(pixels.dtype(), [1; 5]));
                        cache.insert(cache_key, Arc::new(kept));
                    }
                    Ok(())
                }
                Ok(false) => {
                    self.fill(out);
                    Ok(())
                }
                Err(Flaw::Damage(what)) => Err(self.corrupt(key, bytes, index, &what)),
                Err(Flaw::Io(e)) => Err(Error::io(self.array.folder.join(key), "read", e)),
            };
            scratch.trim();
            if pixels.bytes() > 64 << 20 {
                *pixels = Pixels::zeros(pixels.dtype(), [1; 5]);
            }
            done
        })
    }

    /// Copies the wanted part of a decoded chunk.
    fn copy<T: Typed>(
        &self,
        chunk: &Pixels,
        index: [u64; 5],
        region: &Region,
        out: &mut ArrayViewMut5<'_, T>,
    ) {
        let samples = chunk.as_slice::<T>().expect("chunks of an array have one dtype");
        let shape = self.chunk.map(|n| n as usize).strides(self.strides);
        let view = ArrayView5::from_shape(shape, samples).expect("the chunk fills its strides");
        let part = view.slice_each_axis(|axis| {
            let d = axis.axis.index();
            let start = (region.start[d] - index[d] * self.chunk[d]) as isize;
            (start..start + region.shape[d] as isize).into()
        });
        // Row by row: a plain copy where rows have no gaps, as they nearly always have not.
        for (mut to, from) in out.rows_mut().into_iter().zip(part.rows()) {
            match (to.as_slice_mut(), from.as_slice()) {
                (Some(to), Some(from)) => to.copy_from_slice(from),
                _ => to.assign(&from),
            }
        }
    }

    fn fill<T: Typed>(&self, out: &mut ArrayViewMut5<'_, T>) {
        out.fill(self.array.fill.as_slice::<T>().expect("the fill value has the dtype")[0]);
    }

    /// With rescue, fills what cannot be decoded and lists its planes.
    fn rescue<T: Typed>(
        &self,
        error: Error,
        region: &Region,
        how: &Reading<'_>,
        out: &mut ArrayViewMut5<'_, T>,
    ) -> Result<()> {
        let (Some(list), Error::Corrupt { .. }) = (how.rescued, &error) else { return Err(error) };
        self.fill(out);
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        let end = region.end();
        for t in region.start[0]..end[0] {
            for c in region.start[1]..end[1] {
                list.extend((region.start[2]..end[2]).map(|z| PlaneIndex { t, c, z }));
            }
        }
        Ok(())
    }

    fn corrupt(&self, key: &str, bytes: &Bytes, index: [u64; 5], what: &str) -> Error {
        let key = self.array.full_key(key);
        let what = match bytes {
            Bytes::Shard(..) => {
                let inside = self.place_in_shard(index);
                format!("chunk {inside} of shard {key} does not decode: {what}")
            }
            _ => format!("chunk {key} does not decode: {what}"),
        };
        Error::corrupt(&self.array.root, what)
    }

    fn cache_key(&self, index: [u64; 5], how: &Reading<'_>) -> ChunkKey {
        let chunk = linear(index, grid_counts(self.shape, self.chunk));
        ChunkKey { source: how.source, level: how.level, chunk }
    }
}

fn linear(index: [u64; 5], counts: [u64; 5]) -> u64 {
    (0..5).fold(0, |n, d| n * counts[d] + index[d])
}
