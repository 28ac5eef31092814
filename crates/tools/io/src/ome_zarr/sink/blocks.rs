//! Writing a block: its boxes of the chunk grid, each a file of its own.

use std::collections::BTreeSet;
use std::path::Path;

use hooke_core::image::WrittenKey;
use hooke_core::region::{grid, grid_box, grid_counts};
use hooke_core::{Axis, Pixels, Region};
use rayon::prelude::*;

use super::OmeZarrSink;
use crate::atomic;
use crate::error::{Error, Result};
use crate::ome_zarr::level::StoredLevel;
use crate::ome_zarr::sample::bytes_of;
use crate::ome_zarr::shard::ShardIndex;

impl OmeZarrSink {
    pub(super) fn write_block(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>> {
        let stored = self.level(level)?;
        self.check(stored, region, block)?;
        stored.forget_indices();
        let grid_boxes: Vec<Region> = grid(region.shape, stored.grid)
            .map(|b| Region::new(std::array::from_fn(|d| region.start[d] + b.start[d]), b.shape))
            .collect();
        let written: Vec<Option<WrittenKey>> = grid_boxes
            .par_iter()
            .map(|part| self.write_box(level, stored, part, region, block))
            .collect::<Result<_>>()?;
        self.sync(stored, written.iter().flatten())?;
        Ok(written.into_iter().flatten().collect())
    }

    /// Refuses a block that does not consist of whole write units.
    fn check(&self, stored: &StoredLevel, region: &Region, block: &Pixels) -> Result<()> {
        if !region.fits(stored.shape) {
            let what =
                format!("region {:?}+{:?} in {:?}", region.start, region.shape, stored.shape);
            return Err(Error::NotThere { path: self.path.clone(), what });
        }
        if block.dtype() != self.pending.dtype || block.shape() != region.shape {
            let what = format!(
                "a block of {} {:?} for a region of {} {:?}",
                block.dtype(),
                block.shape(),
                self.pending.dtype,
                region.shape
            );
            return Err(Error::unsupported(&self.path, what, ""));
        }
        let end = region.end();
        let whole = |d: usize, at: u64| at.is_multiple_of(stored.grid[d]) || at == stored.shape[d];
        match (0..5).find(|d| !whole(*d, region.start[*d]) || !whole(*d, end[*d])) {
            None => Ok(()),
            Some(d) => {
                let axes = self.pending.axes;
                let text = |v: [u64; 5]| {
                    axes.pick(&v).iter().map(u64::to_string).collect::<Vec<_>>().join(",")
                };
                Err(Error::Misaligned {
                    path: self.path.clone(),
                    block: if whole(d, region.start[d]) {
                        text(region.shape)
                    } else {
                        format!("at {}", text(region.start))
                    },
                    unit: text(stored.grid),
                    axis: Axis::ALL[d].letter(),
                })
            }
        }
    }

    /// Writes one shard, or one chunk if chunks are files of their own.
    fn write_box(
        &self,
        level: usize,
        stored: &StoredLevel,
        part: &Region,
        region: &Region,
        block: &Pixels,
    ) -> Result<Option<WrittenKey>> {
        let index: [u64; 5] = std::array::from_fn(|d| part.start[d] / stored.grid[d]);
        let key = stored.key(index);
        let path = stored.array.folder.join(&key);
        let chunks = self.encode_box(stored, part, region, block)?;
        if chunks.iter().all(Option::is_none) {
            // Absent means 0; an older shard of this name would say otherwise.
            return match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io(path, "remove", e))
                }
                _ => Ok(None),
            };
        }
        let parent = path.parent().expect("a chunk key has a folder");
        std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, "create", e))?;
        let sharded = self.pending.levels[level].shard.is_some();
        let mut offset = 0;
        let index = ShardIndex(
            chunks
                .iter()
                .map(|c| {
                    let bytes = c.as_ref()?.len() as u64;
                    offset += bytes;
                    Some((offset - bytes, bytes))
                })
                .collect(),
        );
        let tail = if sharded { index.encode() } else { Vec::new() };
        let mut parts: Vec<&[u8]> = chunks.iter().flatten().map(Vec::as_slice).collect();
        parts.push(&tail);
        let stamp = atomic::write_file(&path, &parts)?;
        chunks.into_iter().flatten().for_each(|c| self.encoder.give_back(c));
        Ok(Some(stamp.named(stored.array.full_key(&key))))
    }

    /// The encoded chunks of one box of the chunk grid, in C order.
    fn encode_box(
        &self,
        stored: &StoredLevel,
        part: &Region,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let bytes = bytes_of(block);
        let counts = grid_counts(stored.grid, stored.chunk);
        let total: u64 = counts.iter().product();
        (0..total)
            .into_par_iter()
            .map(|id| {
                let chunk = grid_box(stored.grid, stored.chunk, id);
                let at = std::array::from_fn(|d| part.start[d] + chunk.start[d]);
                let Some(inside) = Region::new(at, chunk.shape).intersect(part) else {
                    return Ok(None);
                };
                self.encoder
                    .encode(bytes, region.shape, &inside.relative_to(region.start), stored.chunk)
                    .map_err(|e| Error::io(&self.path, "compress a chunk", e))
            })
            .collect()
    }

    /// Flushes every folder that got a name, up to the array's own, once.
    fn sync<'a>(
        &self,
        stored: &StoredLevel,
        written: impl Iterator<Item = &'a WrittenKey>,
    ) -> Result<()> {
        let mut folders = BTreeSet::new();
        for key in written {
            let path = self.path.join(&key.key);
            let inside =
                path.ancestors().skip(1).take_while(|f| f.starts_with(&stored.array.folder));
            folders.extend(inside.map(Path::to_owned));
        }
        folders.iter().rev().try_for_each(|f| atomic::sync_folder(f))
    }
}
