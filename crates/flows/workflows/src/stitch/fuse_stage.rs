//! The stage `fuse`: one block per shard of the volume.

use std::sync::Arc;

use hooke_core::image::ImageSink;
use hooke_core::pixels::Typed;
use hooke_core::plan::Block;
use hooke_core::{Dtype, Pixels, Region, Sample, dispatch};
use hooke_stitch::fuse::{FusePlan, FuseScratch, fuse_block};
use hooke_stitch::{LayoutRegion, TilePixels};

use super::tiles::{AsStored, TileReader};
use crate::engine::{BlockContext, BlockError, RunBlock, Summary};

/// The opened stage `fuse`.
pub(super) struct FuseStage<'a> {
    /// Tiles, weights and gains.
    pub fuse: FusePlan,
    /// The part of the layout that is written.
    pub region: &'a LayoutRegion,
    /// Sample type of the tiles.
    pub stored: Dtype,
    /// Sample type of the volume.
    pub written: Dtype,
    /// The tiles of each channel.
    pub readers: Vec<TileReader>,
    /// What blocks are written to.
    pub sink: Arc<dyn ImageSink>,
    /// Its path as markers name it.
    pub container: String,
}

/// Buffers that one block leaves for the next.
struct Buffers<T> {
    fused: FuseScratch<T>,
    plane: Vec<T>,
    block: Option<Pixels>,
}

impl<T> Default for Buffers<T>
where
    FuseScratch<T>: Default,
{
    fn default() -> Buffers<T> {
        Buffers { fused: FuseScratch::default(), plane: Vec::new(), block: None }
    }
}

impl RunBlock for FuseStage<'_> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        dispatch!(self.stored, T => self.run_typed::<T>(block, cx))
    }
}

impl FuseStage<'_> {
    /// The box of the layout that a block of the output covers.
    fn layout_box(&self, region: &Region) -> LayoutRegion {
        LayoutRegion::new(
            std::array::from_fn(|d| self.region.start[d] + region.start[d + 2] as i64),
            std::array::from_fn(|d| region.shape[d + 2] as i64),
        )
    }

    fn run_typed<T: Sample + Typed>(
        &self,
        block: &Block,
        cx: &mut BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let dtype = self.written;
        let buffers = cx.scratch.get::<Buffers<T>>();
        let mut pixels = buffers.block.take().unwrap_or_else(|| Pixels::zeros(dtype, [0; 5]));
        pixels.reset(dtype, block.write.shape);
        let space = self.layout_box(&block.write);
        let voxels = space.voxels() as usize;
        for c in 0..block.write.shape[1] as usize {
            let reader = &self.readers[block.write.start[1] as usize + c];
            let source: &dyn TilePixels<T> = &AsStored(reader);
            let part = c * voxels..(c + 1) * voxels;
            if let Some(out) = pixels.as_mut_slice::<T>() {
                fuse_block(&self.fuse, &space, source, &mut buffers.fused, &mut out[part])?;
            } else {
                buffers.plane.resize(voxels, T::default());
                fuse_block(&self.fuse, &space, source, &mut buffers.fused, &mut buffers.plane)?;
                convert(&buffers.plane, &mut pixels, part);
            }
        }
        let keys = self.sink.write(0, &block.write, &pixels)?;
        buffers.block = Some(pixels);
        let read = voxels as u64 * T::DTYPE.size() as u64;
        Ok(Summary::new().read(read).wrote(&self.container, keys))
    }
}

/// Rounds half to even and clamps to the output's type.
fn convert<T: Sample>(from: &[T], to: &mut Pixels, part: std::ops::Range<usize>) {
    dispatch!(to.dtype(), U => {
        if let Some(out) = to.as_mut_slice::<U>() {
            for (out, v) in out[part].iter_mut().zip(from) {
                *out = U::from_f64(v.to_f64());
            }
        }
    });
}
