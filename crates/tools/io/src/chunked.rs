//! Regions of images whose chunks are unpacked whole: each chunk once, through the cache.

use std::path::Path;
use std::sync::Arc;

use hooke_core::meta::PlaneIndex;
use hooke_core::{Dtype, Level, Pixels, ReadStatus, Region, region};
use rayon::prelude::*;

use crate::chunk_cache::{ChunkCache, ChunkKey};
use crate::strided::no_region;
use crate::{Error, Result};

/// Chunks are unpacked side by side as long as they have no more bytes than this together.
const AT_ONCE: u64 = 16 << 20;

/// The chunks of one image in the cache of all.
#[derive(Debug)]
pub(crate) struct Chunks {
    cache: Option<Arc<ChunkCache>>,
    source: u64,
    /// Whether chunks that are damaged become zeros, listed as missing, instead of errors.
    rescue: bool,
}

/// Where a region is read from: the levels of an image, and one of them.
pub(crate) struct ReadFrom<'a> {
    pub path: &'a Path,
    pub dtype: Dtype,
    pub levels: &'a [Level],
    pub level: usize,
}

impl Chunks {
    pub fn new(cache: Option<Arc<ChunkCache>>, rescue: bool) -> Chunks {
        Chunks { cache, source: ChunkCache::new_source(), rescue }
    }

    /// Fills `out` with a region; `decode` gives the pixels of one box of the chunk grid, clipped at
    /// the image's end.
    ///
    /// # Errors
    /// [`Error::NotThere`] for a level or a region that the image does not have; else what `decode`
    /// answers.
    pub fn read(
        &self,
        from: &ReadFrom<'_>,
        wanted: &Region,
        out: &mut Pixels,
        decode: impl Fn(&Region) -> Result<Pixels> + Sync,
    ) -> Result<ReadStatus> {
        let Some(level) = from.levels.get(from.level) else {
            let what = format!("level {}; there are {}", from.level, from.levels.len());
            return Err(Error::NotThere { path: from.path.to_owned(), what });
        };
        if !wanted.fits(level.shape) {
            return Err(no_region(from.path, wanted, level.shape));
        }
        out.reset(from.dtype, wanted.shape);
        if wanted.is_empty() {
            return Ok(ReadStatus::Complete);
        }
        let bytes = Region::whole(level.chunk).voxels().saturating_mul(from.dtype.size() as u64);
        let at_once = (AT_ONCE / bytes.max(1)).clamp(1, rayon::current_num_threads() as u64);
        let mut missing = Vec::new();
        let ids: Vec<u64> = touched(level, wanted).collect();
        for batch in ids.chunks(at_once as usize) {
            let read = |id: &u64| self.chunk(from, level, *id, &decode);
            // One chunk needs no other thread.
            let chunks: Vec<_> = match batch {
                [id] => vec![read(id)],
                _ => batch.par_iter().map(read).collect(),
            };
            for chunk in chunks {
                let (place, pixels, whole) = chunk?;
                let part = place.intersect(wanted).expect("only touched chunks are read");
                let to = part.relative_to(wanted.start).start;
                out.copy_box(to, &pixels, &part.relative_to(place.start));
                if !whole {
                    missing.extend(planes(&part));
                }
            }
        }
        Ok(ReadStatus::of(missing))
    }

    /// A chunk's box, its pixels, and whether they are as stored.
    fn chunk(
        &self,
        from: &ReadFrom<'_>,
        level: &Level,
        id: u64,
        decode: &impl Fn(&Region) -> Result<Pixels>,
    ) -> Result<(Region, Arc<Pixels>, bool)> {
        let place = region::grid_box(level.shape, level.chunk, id);
        let key = ChunkKey { source: self.source, level: from.level as u32, chunk: id };
        let read = match &self.cache {
            Some(cache) => cache.get_or_read(key, || decode(&place)),
            None => decode(&place).map(Arc::new),
        };
        match read {
            Ok(pixels) => Ok((place, pixels, true)),
            Err(error) if self.rescue && error.is_damage() => {
                let zeros = Pixels::zeros(from.dtype, place.shape);
                Ok((place, Arc::new(zeros), false))
            }
            Err(error) => Err(error),
        }
    }
}

/// Numbers of the chunks that a region touches, in C order.
fn touched(level: &Level, wanted: &Region) -> impl Iterator<Item = u64> {
    let counts = region::grid_counts(level.shape, level.chunk);
    let chunk = level.chunk.map(|n| n.max(1));
    let first: [u64; 5] = std::array::from_fn(|d| wanted.start[d] / chunk[d]);
    let last: [u64; 5] =
        std::array::from_fn(|d| (wanted.start[d] + wanted.shape[d] - 1) / chunk[d]);
    let span = std::array::from_fn(|d| last[d] - first[d] + 1);
    region::grid(span, [1; 5])
        .map(move |at| (0..5).fold(0, |id, d| id * counts[d] + first[d] + at.start[d]))
}

/// The planes that a region touches.
pub(crate) fn planes(region: &Region) -> impl Iterator<Item = PlaneIndex> {
    let [t, c, z, _, _] = region.start;
    let planes = [region.shape[0], region.shape[1], region.shape[2], 1, 1];
    region::grid(planes, [1; 5]).map(move |p| PlaneIndex {
        t: t + p.start[0],
        c: c + p.start[1],
        z: z + p.start[2],
    })
}
