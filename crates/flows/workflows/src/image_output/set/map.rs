//! A stage that makes each box of a tile on its own: scale, mask, relabel, convert.

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::plan::Block;
use hooke_core::{Dtype, Pixels, Region};

use super::TileSinks;
use crate::engine::{BlockContext, BlockError, RunBlock, Summary};

/// Makes a box of a tile.
pub(crate) trait TileMap: Send + Sync {
    /// Fills `out`, which has the box's shape, and gives a count for the end of the run.
    fn map(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError>;
}

/// The opened stage.
pub(crate) struct MapStage<M> {
    /// What is done.
    pub map: M,
    /// Where it is written.
    pub sinks: TileSinks,
    /// The type that is written.
    pub dtype: Dtype,
    /// Bytes of a sample that is read, for the record.
    pub read_bytes: u64,
}

/// The block that one run leaves for the next.
#[derive(Default)]
struct Out(Option<Pixels>);

impl<M: TileMap> RunBlock for MapStage<M> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        let (tile, region) = self.sinks.tile_of(block);
        let left = cx.scratch.get::<Out>().0.take();
        let mut out = left.unwrap_or_else(|| Pixels::zeros(self.dtype, [0; 5]));
        out.reset(self.dtype, region.shape);
        let count = self.map.map(tile, &region, cx, &mut out)?;
        let sink = self.sinks.tile(tile)?;
        let keys = sink.write(0, &region, &out)?;
        let read = region.voxels() * self.read_bytes;
        cx.scratch.get::<Out>().0 = Some(out);
        Ok(Summary::new().read(read).with("count", count).wrote(self.sinks.container(tile), keys))
    }
}

/// First voxel and lengths of a box over `z, y, x`.
pub(crate) fn space(region: &Region) -> ([usize; 3], [usize; 3]) {
    let part = |full: [u64; 5]| [full[2], full[3], full[4]].map(|n| n as usize);
    (part(region.start), part(region.shape))
}

/// The samples of a block that was made with this type.
pub(crate) fn samples<T: hooke_core::pixels::Typed>(
    out: &mut Pixels,
) -> Result<&mut [T], SourceError> {
    out.as_mut_slice::<T>().ok_or_else(|| "the block has another type".into())
}

/// The sum of the counts that the blocks of a stage left.
pub(crate) fn counted(done: &crate::engine::Markers, stage: &str) -> u64 {
    done.summaries(stage).filter_map(|s| s.ok()?.get("count")?.as_u64()).sum()
}
