//! A cache of decoded chunks, bounded in bytes and shared by all sources of a run.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hooke_core::Pixels;

/// How many locks share the entries.
const SHARDS: usize = 16;
/// What an entry costs beside its samples.
const ENTRY_BYTES: u64 = 256;

/// Which chunk of which source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkKey {
    /// The source's number, from [`ChunkCache::new_source`].
    pub source: u64,
    /// Pyramid level, or whatever else the source counts.
    pub level: u32,
    /// Chunk number in C order over the level's chunk grid.
    pub chunk: u64,
}

/// A least-recently-used cache of decoded chunks whose bytes never exceed its capacity.
///
/// Lookups from many threads contend only when they fall on the same sixteenth of the keys.
pub struct ChunkCache {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    capacity: u64,
    bytes: AtomicU64,
    clock: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<ChunkKey, Entry>,
    // From last use to key: the first one goes first.
    order: BTreeMap<u64, ChunkKey>,
}

struct Entry {
    chunk: Arc<Pixels>,
    used: u64,
    bytes: u64,
}

impl ChunkCache {
    /// A cache of at most `capacity` bytes; 0 keeps nothing.
    pub fn new(capacity: u64) -> ChunkCache {
        ChunkCache {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            capacity,
            bytes: AtomicU64::new(0),
            clock: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// A number no other source of this process has.
    pub fn new_source() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// Bytes the cache may hold.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Bytes the cache holds.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many lookups found their chunk, and how many did not.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// The chunk, if it is held; it becomes the most recently used.
    pub fn get(&self, key: &ChunkKey) -> Option<Arc<Pixels>> {
        let mut guard = self.shard(key);
        let shard = &mut *guard;
        let Some(entry) = shard.entries.get_mut(key) else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        shard.order.remove(&entry.used);
        entry.used = now;
        shard.order.insert(now, *key);
        Some(Arc::clone(&entry.chunk))
    }

    /// Keeps a chunk, dropping the least recently used ones; one larger than the cache is not kept.
    pub fn insert(&self, key: ChunkKey, chunk: Arc<Pixels>) {
        let bytes = chunk.bytes() + ENTRY_BYTES;
        if bytes > self.capacity || !self.make_room(&key, bytes) {
            return;
        }
        let mut shard = self.shard(&key);
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        shard.order.insert(used, key);
        if let Some(old) = shard.entries.insert(key, Entry { chunk, used, bytes }) {
            shard.order.remove(&old.used);
            self.bytes.fetch_sub(old.bytes, Ordering::Relaxed);
        }
    }

    /// The chunk from the cache, or read now and kept.
    ///
    /// Two threads that miss the same chunk at once both read it.
    ///
    /// # Errors
    /// What `read` answers; nothing is kept then.
    pub fn get_or_read<E>(
        &self,
        key: ChunkKey,
        read: impl FnOnce() -> Result<Pixels, E>,
    ) -> Result<Arc<Pixels>, E> {
        if let Some(chunk) = self.get(&key) {
            return Ok(chunk);
        }
        let chunk = Arc::new(read()?);
        self.insert(key, Arc::clone(&chunk));
        Ok(chunk)
    }

    /// Reserves bytes, evicting from the key's own shard first, then from the others in turn.
    fn make_room(&self, key: &ChunkKey, bytes: u64) -> bool {
        let first = self.shard_number(key);
        loop {
            let held = self.bytes.load(Ordering::Relaxed);
            if held + bytes <= self.capacity {
                let (old, new) = (held, held + bytes);
                let order = Ordering::Relaxed;
                if self.bytes.compare_exchange(old, new, order, order).is_ok() {
                    return true;
                }
                continue;
            }
            if !(0..SHARDS).any(|i| self.evict_one((first + i) % SHARDS)) {
                return false;
            }
        }
    }

    fn evict_one(&self, shard: usize) -> bool {
        let mut shard = lock(&self.shards[shard]);
        let Some((_, key)) = shard.order.pop_first() else { return false };
        let entry = shard.entries.remove(&key).expect("every key in the order has an entry");
        self.bytes.fetch_sub(entry.bytes, Ordering::Relaxed);
        true
    }

    fn shard_number(&self, key: &ChunkKey) -> usize {
        self.hasher.hash_one(key) as usize % SHARDS
    }

    fn shard(&self, key: &ChunkKey) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.shard_number(key)])
    }
}

/// A panic elsewhere cannot leave a shard half changed in a way that matters.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ChunkCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkCache")
            .field("capacity", &self.capacity)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hooke_core::Dtype;
    use rayon::prelude::*;

    fn key(chunk: u64) -> ChunkKey {
        ChunkKey { source: 1, level: 0, chunk }
    }

    fn chunk(bytes: u64) -> Arc<Pixels> {
        Arc::new(Pixels::zeros(Dtype::Uint8, [1, 1, 1, 1, bytes]))
    }

    #[test]
    fn a_chunk_larger_than_the_cache_is_not_kept() {
        let cache = ChunkCache::new(1000);
        cache.insert(key(0), chunk(2000));
        assert!(cache.get(&key(0)).is_none());
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn replacing_an_entry_counts_its_bytes_once() {
        let cache = ChunkCache::new(10_000);
        cache.insert(key(0), chunk(1000));
        cache.insert(key(0), chunk(500));
        assert_eq!(cache.bytes(), 500 + ENTRY_BYTES);
        assert_eq!(cache.get(&key(0)).unwrap().bytes(), 500);
    }

    #[test]
    fn what_was_used_last_stays_longest_within_a_shard() {
        let cache = ChunkCache::new(2 * (100 + ENTRY_BYTES));
        let shard = cache.shard_number(&key(0));
        let same: Vec<_> =
            (0..).filter(|k| cache.shard_number(&key(*k)) == shard).take(3).collect();
        cache.insert(key(same[0]), chunk(100));
        cache.insert(key(same[1]), chunk(100));
        assert!(cache.get(&key(same[0])).is_some());
        cache.insert(key(same[2]), chunk(100));
        assert!(cache.get(&key(same[1])).is_none());
        assert!(cache.get(&key(same[0])).is_some() && cache.get(&key(same[2])).is_some());
    }

    #[test]
    fn the_bound_holds_under_many_threads() {
        let cache = ChunkCache::new(20_000);
        (0u64..2000).into_par_iter().for_each(|i| {
            let k = key(i * 7919 % 97);
            let bytes = 100 + 50 * (k.chunk % 13);
            let got = cache.get_or_read(k, || Ok::<_, ()>(Arc::unwrap_or_clone(chunk(bytes))));
            assert_eq!(got.unwrap().bytes(), bytes);
            assert!(cache.bytes() <= cache.capacity());
        });
        let held: u64 = cache
            .shards
            .iter()
            .map(|s| lock(s).entries.values().map(|e| e.bytes).sum::<u64>())
            .sum();
        assert_eq!(held, cache.bytes());
        assert!(held > 10_000);
    }
}
