//! The boxes of the chunk grid as files: one chunk, or a shard with its index.

use std::io;
use std::sync::{Arc, PoisonError};

use hooke_core::Pixels;
use hooke_core::region::grid_counts;

use super::{StoredLevel, linear};
use crate::error::{Error, Result};
use crate::ome_zarr::codec::Scratch;
use crate::ome_zarr::sample::bytes_mut;
use crate::ome_zarr::shard::ShardIndex;
use crate::ome_zarr::store::Object;

/// The most shard indices an array keeps, in entries of 16 bytes.
const KEPT_INDEX_ENTRIES: usize = 1 << 18;

#[derive(Debug, Default)]
pub(super) struct Indices {
    kept: std::collections::HashMap<u64, Arc<ShardIndex>>,
    entries: usize,
}

/// Where the bytes of the chunks of one grid box are.
pub(super) enum Bytes {
    /// The box is not stored.
    Absent,
    /// The whole file is one chunk.
    File(Object),
    /// The file holds many chunks.
    Shard(Object, Arc<ShardIndex>),
}

/// Why a chunk cannot be had.
pub(super) enum Flaw {
    /// It cannot be read.
    Io(io::Error),
    /// It is not what it should be.
    Damage(String),
}

impl StoredLevel {
    /// Reads and decodes a chunk; false when it is not stored.
    pub(super) fn decode(
        &self,
        index: [u64; 5],
        bytes: &Bytes,
        scratch: &mut Scratch,
        out: &mut Pixels,
    ) -> std::result::Result<bool, Flaw> {
        let samples = self.chunk.iter().product();
        let codec = &self.array.chain.chunk;
        let (file, offset, length) = match bytes {
            Bytes::Absent => return Ok(false),
            Bytes::File(file) => (file, 0, file.size().map_err(Flaw::Io)?),
            Bytes::Shard(file, shard) => match shard.0[self.place_in_shard(index)] {
                None => return Ok(false),
                Some((offset, length)) => (file, offset, length),
            },
        };
        let read = |into: &mut [u8]| file.read_exact_at(into, offset).map_err(Flaw::Io);
        if codec.is_raw() && length == samples * codec.stored.size() as u64 {
            out.reset(codec.stored.dtype(), [1, 1, 1, 1, samples]);
            read(bytes_mut(out))?;
            return Ok(true);
        }
        let limit = codec.encoded_limit(samples);
        if length > limit {
            let what = format!("it has {length} bytes, at most {limit} can be right");
            return Err(Flaw::Damage(what));
        }
        scratch.encoded.resize(length as usize, 0);
        read(&mut scratch.encoded)?;
        codec.decode(samples, scratch, out).map(|()| true).map_err(Flaw::Damage)
    }

    pub(super) fn open_box(&self, index: [u64; 5], key: &str) -> Result<Bytes> {
        let path = self.array.folder.join(key);
        let samples = self.chunk.iter().product();
        let whole = match self.array.chain.sharding {
            None => Some(self.array.chain.chunk.encoded_limit(samples)),
            Some(_) => None,
        };
        let file = match Object::open(&path, whole) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Bytes::Absent),
            Err(e) => return Err(Error::io(path, "open", e)),
        };
        let Some(sharding) = &self.array.chain.sharding else { return Ok(Bytes::File(file)) };
        let number = linear(index, grid_counts(self.shape, self.grid));
        if let Some(shard) = self.indices().kept.get(&number) {
            return Ok(Bytes::Shard(file, Arc::clone(shard)));
        }
        let chunks = (0..5).map(|d| self.grid[d] / self.chunk[d]).product();
        let read = match ShardIndex::read(&file, sharding, chunks) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Bytes::Absent),
            Err(e) => return Err(Error::io(path, "read", e)),
        };
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
    pub(super) fn place_in_shard(&self, index: [u64; 5]) -> usize {
        let mut stored: Vec<(u64, u64)> = vec![(0, 1); self.array.shape.len()];
        for (axis, dim) in self.dims.iter().enumerate() {
            if let Some(d) = dim {
                let per_shard = self.grid[axis] / self.chunk[axis];
                stored[*d] = (index[axis] % per_shard, per_shard);
            }
        }
        stored.iter().fold(0, |n, (i, count)| n * count + i) as usize
    }
}
