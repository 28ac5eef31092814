//! One array read as a pyramid level over `t, c, z, y, x`: only touched chunks are decoded.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::meta::PlaneIndex;
use hooke_core::pixels::Typed;
use hooke_core::region::grid_counts;
use hooke_core::{Axis, Level, Pixels, Region};
use ndarray::{ArrayView5, ArrayViewMut5, Axis as Dimension, ShapeBuilder};

use super::array::ZarrArray;
use super::codec::Scratch;
use super::sample::bytes_mut;
use super::shard::ShardIndex;
use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::error::{Error, Result};

/// The most shard indices an array keeps, in entries of 16 bytes.
const KEPT_INDEX_ENTRIES: usize = 1 << 18;

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

#[derive(Debug, Default)]
struct Indices {
    kept: std::collections::HashMap<u64, Arc<ShardIndex>>,
    entries: usize,
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

/// Where the bytes of the chunks of one grid box are.
enum Bytes {
    /// The box is not stored.
    Absent,
    /// The whole file is one chunk.
    File(File),
    /// The file holds many chunks.
    Shard(File, Arc<ShardIndex>),
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
                Err(what) => Err(self.corrupt(key, bytes, index, &what)),
            };
            scratch.trim();
            if pixels.bytes() > 64 << 20 {
                *pixels = Pixels::zeros(pixels.dtype(), [1; 5]);
            }
            done
        })
    }

    /// Reads and decodes a chunk; false when it is not stored.
    fn decode(
        &self,
        index: [u64; 5],
        bytes: &Bytes,
        scratch: &mut Scratch,
        out: &mut Pixels,
    ) -> std::result::Result<bool, String> {
        let samples = self.chunk.iter().product();
        let codec = &self.array.chain.chunk;
        let (file, offset, length) = match bytes {
            Bytes::Absent => return Ok(false),
            Bytes::File(file) => (file, 0, file.metadata().map_err(|e| e.to_string())?.len()),
            Bytes::Shard(file, shard) => match shard.0[self.place_in_shard(index)] {
                None => return Ok(false),
                Some((offset, length)) => (file, offset, length),
            },
        };
        let read = |into: &mut [u8]| file.read_exact_at(into, offset).map_err(|e| e.to_string());
        if codec.is_raw() && length == samples * codec.stored.size() as u64 {
            out.reset(codec.stored.dtype(), [1, 1, 1, 1, samples]);
            read(bytes_mut(out))?;
            return Ok(true);
        }
        let limit = codec.encoded_limit(samples);
        if length > limit {
            return Err(format!("it has {length} bytes, at most {limit} can be right"));
        }
        scratch.encoded.resize(length as usize, 0);
        read(&mut scratch.encoded)?;
        codec.decode(samples, scratch, out).map(|()| true)
    }

    fn open_box(&self, index: [u64; 5], key: &str) -> Result<Bytes> {
        let path = self.array.folder.join(key);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Bytes::Absent),
            Err(e) => return Err(Error::io(path, "open", e)),
        };
        let Some(sharding) = &self.array.chain.sharding else { return Ok(Bytes::File(file)) };
        let number = linear(index, grid_counts(self.shape, self.grid));
        if let Some(shard) = self.indices().kept.get(&number) {
            return Ok(Bytes::Shard(file, Arc::clone(shard)));
        }
        let chunks = (0..5).map(|d| self.grid[d] / self.chunk[d]).product();
        let read =
            ShardIndex::read(&file, sharding, chunks).map_err(|e| Error::io(path, "read", e))?;
        let shard = read.map_err(|what| {
            let key = self.array.full_key(key);
            Error::corrupt(&self.array.root, format!("shard {key} does not decode: {what}"))
        })?;
        let shard = Arc::new(shard);
        let mut indices = self.indices();
        if indices.entries + shard.0.len() > KEPT_INDEX_ENTRIES {
            *indices = Indices::default();
        }
        indices.entries += shard.0.len();
        indices.kept.insert(number, Arc::clone(&shard));
        Ok(Bytes::Shard(file, shard))
    }

    /// Forgets the index of every shard, because shards are being rewritten.
    pub fn forget_indices(&self) {
        *self.indices() = Indices::default();
    }

    fn indices(&self) -> std::sync::MutexGuard<'_, Indices> {
        self.indices.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The key of a box of the chunk grid.
    pub fn key(&self, index: [u64; 5]) -> String {
        let mut stored = vec![0; self.array.shape.len()];
        for (axis, dim) in self.dims.iter().enumerate() {
            if let Some(d) = dim {
                stored[*d] = index[axis];
            }
        }
        self.array.key(&stored)
    }

    /// The number of a chunk inside its shard, in C order over stored dimensions.
    fn place_in_shard(&self, index: [u64; 5]) -> usize {
        let mut stored: Vec<(u64, u64)> = vec![(0, 1); self.array.shape.len()];
        for (axis, dim) in self.dims.iter().enumerate() {
            if let Some(d) = dim {
                let per_shard = self.grid[axis] / self.chunk[axis];
                stored[*d] = (index[axis] % per_shard, per_shard);
            }
        }
        stored.iter().fold(0, |n, (i, count)| n * count + i) as usize
    }

    fn cache_key(&self, index: [u64; 5], how: &Reading<'_>) -> ChunkKey {
        let chunk = linear(index, grid_counts(self.shape, self.chunk));
        ChunkKey { source: how.source, level: how.level, chunk }
    }
}

fn linear(index: [u64; 5], counts: [u64; 5]) -> u64 {
    (0..5).fold(0, |n, d| n * counts[d] + index[d])
}

/// Where to cut a region that spans several boxes of a grid: the axis with most, in the middle.
fn split(region: &Region, step: [u64; 5]) -> Option<(usize, u64)> {
    let first = |d: usize| region.start[d] / step[d];
    let last = |d: usize| (region.start[d] + region.shape[d] - 1) / step[d];
    let d = (0..5).rev().max_by_key(|d| last(*d) - first(*d))?;
    let spans = last(d) - first(d);
    (spans > 0).then(|| (d, (first(d) + spans.div_ceil(2)) * step[d] - region.start[d]))
}

/// Works on both halves of a region, in parallel; the error of the first half wins.
fn in_two<T: Typed>(
    region: &Region,
    d: usize,
    at: u64,
    out: ArrayViewMut5<'_, T>,
    work: impl Fn(&Region, ArrayViewMut5<'_, T>) -> Result<()> + Sync,
) -> Result<()> {
    let (mut a, mut b) = (*region, *region);
    a.shape[d] = at;
    b.start[d] += at;
    b.shape[d] -= at;
    let (left, right) = out.split_at(Dimension(d), at as usize);
    let (left, right) = rayon::join(|| work(&a, left), || work(&b, right));
    left.and(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_cut_at_chunk_boundaries_only() {
        let region = Region::new([0, 0, 0, 3, 5], [1, 1, 1, 2, 30]);
        assert_eq!(split(&region, [1, 1, 1, 8, 8]), Some((4, 11)));
        let inside = Region::new([0, 0, 0, 8, 8], [1, 1, 1, 8, 8]);
        assert_eq!(split(&inside, [1, 1, 1, 8, 8]), None);
    }
}
