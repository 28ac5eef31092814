//! Unpacked frames of formats that pack a whole plane at once, kept for the next region of it.

use std::sync::Arc;

use hooke_core::Pixels;

use crate::chunk_cache::{ChunkCache, ChunkKey};

/// The frames of one file in the cache of all.
pub(crate) struct PackedCache {
    cache: Option<Arc<ChunkCache>>,
    source: u64,
}

impl PackedCache {
    pub fn new(cache: Option<Arc<ChunkCache>>) -> PackedCache {
        PackedCache { cache, source: ChunkCache::new_source() }
    }

    /// The bytes of the frame at byte `place` of the file, unpacked now or before.
    pub fn get_or_unpack<E>(
        &self,
        place: u64,
        unpack: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Arc<Pixels>, E> {
        let read = || {
            let bytes = unpack()?;
            Ok(Pixels::from_vec([1, 1, 1, 1, bytes.len() as u64], bytes))
        };
        match &self.cache {
            Some(cache) => {
                cache.get_or_read(ChunkKey { source: self.source, level: 0, chunk: place }, read)
            }
            None => read().map(Arc::new),
        }
    }
}

/// Bytes of some rows: read for one region alone, or a whole frame that others share.
pub(crate) enum RowBytes {
    Own(Vec<u8>),
    /// The frame, and where the first row begins in it.
    Shared(Arc<Pixels>, usize),
}

impl RowBytes {
    /// From the first row on; a shared frame goes on behind the last one.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            RowBytes::Own(bytes) => bytes,
            RowBytes::Shared(frame, first) => {
                &frame.as_slice::<u8>().expect("frames are kept as bytes")[*first..]
            }
        }
    }
}
