//! The stages `count` and `match`: which labels there are, and which share voxels.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::pixels::Typed;
use hooke_core::plan::Block;
use hooke_core::{Budget, Dtype, LayoutRegion, Sample, TilePixels};
use hooke_io::ChunkCache;
use hooke_tileset::TilesetError;
use hooke_tileset::dedup::{JointHistogram, LabelCounts, LabelPair};

use super::{DedupWorkflow, numbers};
use crate::engine::{BlockContext, BlockError, RunBlock, Summary, WorkDir};
use crate::tileset::boxes::{aligned, step};
use crate::tileset::pixels::{SetReader, Taking, block_error};

/// Runs a typed function for the type that labels are worked on in.
macro_rules! with_labels {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            Dtype::Uint8 => {
                type $T = u8;
                $body
            }
            Dtype::Uint16 => {
                type $T = u16;
                $body
            }
            Dtype::Uint32 => {
                type $T = u32;
                $body
            }
            _ => {
                type $T = u64;
                $body
            }
        }
    };
}
pub(crate) use with_labels;

/// Where the labels of a tile are kept: `(label, voxels)`.
pub(super) fn counts_of(work: &WorkDir, tile: usize) -> Result<PathBuf, crate::engine::Error> {
    Ok(work.private("count")?.join(format!("{tile:05}.bin")))
}

/// Where the pairs of a shared box are kept.
pub(super) fn pairs_of(work: &WorkDir, shared: usize) -> Result<PathBuf, crate::engine::Error> {
    Ok(work.private("match")?.join(format!("{shared:06}.bin")))
}

fn read<T: Sample + Typed>(
    tiles: &impl TilePixels<T>,
    tile: usize,
    part: &LayoutRegion,
    out: &mut Vec<T>,
) -> Result<(), BlockError> {
    let (start, shape) = (part.start.map(|n| n as usize), part.shape.map(|n| n as usize));
    tiles.read(tile, start, shape, out).map_err(|e| block_error(TilesetError::from(e)))
}

/// The opened stage `count`: one block per tile.
pub(super) struct CountStage<'a> {
    workflow: &'a DedupWorkflow,
    reader: SetReader<'a>,
    work: &'a WorkDir,
}

impl<'a> CountStage<'a> {
    pub fn new(workflow: &'a DedupWorkflow, budget: &Budget, work: &'a WorkDir) -> CountStage<'a> {
        let cache = Arc::new(ChunkCache::new(budget.cache()));
        CountStage { workflow, reader: SetReader::new(&workflow.set, cache), work }
    }

    fn typed<T: Sample + Typed>(
        &self,
        tile: usize,
        cx: &mut BlockContext<'_>,
    ) -> Result<LabelCounts, BlockError> {
        let of = &self.workflow.set.tiles[tile];
        let whole = LayoutRegion::new([0; 3], of.shape.map(|n| n as i64));
        let tiles = self.reader.tiles(Taking::Exact).watched(cx.progress);
        let buffer = &mut cx.scratch.get::<[Vec<T>; 2]>()[0];
        let mut counts = LabelCounts::default();
        for part in aligned(&whole, step(of.shape, of.chunk)) {
            read(&tiles, tile, &part, buffer)?;
            counts.add(tile, buffer)?;
        }
        Ok(counts)
    }
}

impl RunBlock for CountStage<'_> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        let tile = block.id as usize;
        let counts = with_labels!(self.workflow.from, T => self.typed::<T>(tile, cx))?;
        let path = counts_of(self.work, tile)?;
        let key = numbers::write(&path, counts.sorted().into_iter().map(|(l, n)| [l, n]))?;
        let voxels: u64 = self.workflow.set.tiles[tile].shape.iter().product();
        let read = voxels * self.workflow.from.size() as u64;
        Ok(Summary::new().read(read).wrote(&self.work.relative(&path), vec![key]))
    }
}

/// The opened stage `match`: one block per shared box.
pub(super) struct MatchStage<'a> {
    workflow: &'a DedupWorkflow,
    reader: SetReader<'a>,
    work: &'a WorkDir,
}

impl<'a> MatchStage<'a> {
    pub fn new(workflow: &'a DedupWorkflow, budget: &Budget, work: &'a WorkDir) -> MatchStage<'a> {
        let cache = Arc::new(ChunkCache::new(budget.cache()));
        MatchStage { workflow, reader: SetReader::new(&workflow.set, cache), work }
    }

    fn typed<T: Sample + Typed>(
        &self,
        index: usize,
        cx: &mut BlockContext<'_>,
    ) -> Result<Vec<LabelPair>, BlockError> {
        let shared = &self.workflow.shared[index];
        let first = &self.workflow.set.tiles[shared.tile_a];
        let in_a = LayoutRegion::new(shared.start_a, shared.shape);
        let tiles = self.reader.tiles(Taking::Exact).watched(cx.progress);
        let [a, b] = cx.scratch.get::<[Vec<T>; 2]>();
        let mut joint = JointHistogram::default();
        for part in aligned(&in_a, step(first.shape, first.chunk)) {
            let from_b =
                std::array::from_fn(|d| part.start[d] - shared.start_a[d] + shared.start_b[d]);
            read(&tiles, shared.tile_a, &part, a)?;
            read(&tiles, shared.tile_b, &LayoutRegion::new(from_b, part.shape), b)?;
            joint.add([shared.tile_a, shared.tile_b], a, b)?;
        }
        Ok(joint.pairs())
    }
}

impl RunBlock for MatchStage<'_> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        let index = block.id as usize;
        let pairs = with_labels!(self.workflow.from, T => self.typed::<T>(index, cx))?;
        let path = pairs_of(self.work, index)?;
        let row = |p: LabelPair| [p.label_a, p.label_b, p.n_overlap, p.n_a, p.n_b];
        let key = numbers::write(&path, pairs.into_iter().map(row))?;
        let voxels = self.workflow.shared[index].shape.iter().product::<i64>() as u64;
        let read = 2 * voxels * self.workflow.from.size() as u64;
        Ok(Summary::new().read(read).wrote(&self.work.relative(&path), vec![key]))
    }
}
