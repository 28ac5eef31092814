//! The stage `relabel`: blocks of tiles with their new ids.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::{Budget, Dtype, Pixels, Region, Sample};
use hooke_io::ChunkCache;
use hooke_tileset::relabel::LabelMap;

use super::count::with_labels;
use super::{DedupWorkflow, numbers, resolve};
use crate::engine::{BlockContext, BlockError, RunBlock, WorkDir};
use crate::image_output::{MapStage, SetOutput, TileMap, samples};
use crate::tileset::pixels::{SetReader, Taking};

/// Opens the stage.
pub(super) fn open<'a>(
    workflow: &'a DedupWorkflow,
    output: &'a SetOutput,
    budget: &Budget,
    work: &'a WorkDir,
) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
    let cache = Arc::new(ChunkCache::new(budget.cache()));
    let reader = SetReader::new(&workflow.set, cache);
    let (sinks, dtype) = (output.sinks(work), output.dtype());
    let (from, read_bytes) = (workflow.from, workflow.from.size() as u64);
    Ok(match dtype {
        Dtype::Uint64 => {
            let map = Relabel::<u64> { reader, from, work, maps: Mutex::default() };
            Box::new(MapStage { map, sinks, dtype, read_bytes })
        }
        _ => {
            let map = Relabel::<u32> { reader, from, work, maps: Mutex::default() };
            Box::new(MapStage { map, sinks, dtype, read_bytes })
        }
    })
}

struct Relabel<'a, O> {
    reader: SetReader<'a>,
    from: Dtype,
    work: &'a WorkDir,
    /// Of the tiles that were asked for.
    maps: Mutex<HashMap<usize, Arc<LabelMap<O>>>>,
}

impl<O: Sample + Typed + TryFrom<u64>> Relabel<'_, O> {
    fn map_of(&self, tile: usize) -> Result<Arc<LabelMap<O>>, BlockError> {
        let lock = || self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = lock().get(&tile) {
            return Ok(Arc::clone(map));
        }
        let rows = numbers::read::<2>(&resolve::ids_of(self.work, tile)?)?;
        let pairs = rows.iter().map(|[old, new]| (*old, *new));
        let map = Arc::new(LabelMap::from_pairs(tile, pairs)?);
        lock().insert(tile, Arc::clone(&map));
        Ok(map)
    }

    fn typed<T: Sample + Typed>(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        let map = self.map_of(tile)?;
        let labels = &mut cx.scratch.get::<[Vec<T>; 2]>()[0];
        self.reader.tiles(Taking::Exact).get(tile, region, labels)?;
        map.apply(labels, samples::<O>(out)?)?;
        Ok(0)
    }
}

impl<O: Sample + Typed + TryFrom<u64>> TileMap for Relabel<'_, O> {
    fn map(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        with_labels!(self.from, T => self.typed::<T>(tile, region, cx, out))
    }
}
