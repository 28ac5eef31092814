//! The first pass of `linear-adjust-max`: the maxima of every region of the union.

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::plan::{Block, Blocks, Grid, Stage};
use hooke_core::{Dtype, Sample, dispatch};
use hooke_stitch::fuse::{AdjustMax, FusePlan, FuseScratch, RegionMaximum};
use hooke_stitch::regions::partition;
use hooke_stitch::{LayoutRegion, TilePixels};
use serde_json::json;

use super::tiles::{AsStored, TileReader};
use crate::engine::{BlockContext, BlockError, RunBlock, Summary, WorkDir};

/// Lengths of a measuring block over `t, c, z, y, x`.
const BLOCK: [u64; 5] = [1, 1, 64, 256, 256];

/// The stage that measures the maxima.
pub(super) fn stage(
    region: &LayoutRegion,
    fuse: &FusePlan,
    dtype: Dtype,
    after: &[Stage],
) -> Stage {
    let [z, y, x] = region.shape.map(|n| n as u64);
    let grid = Grid { shape: [1, 1, z, y, x], write: BLOCK, halo: [0; 5] };
    let bytes = fuse.largest_scratch_bytes([BLOCK[2], BLOCK[3], BLOCK[4]], dtype.size());
    let after: Vec<&str> = after.iter().map(|s| s.name.as_str()).collect();
    Stage::new("maxima", "blocks", &after, Blocks::Grid { grid, bytes })
}

fn empty(fuse: &FusePlan) -> AdjustMax {
    let covers: Vec<LayoutRegion> = fuse.covers().map(|(_, cover)| cover).collect();
    AdjustMax::new(partition(&covers).into_iter().map(|r| r.region).collect())
}

/// Opens the stage. All channels share one brightness scale per region, that of the first.
pub(super) fn open<'a>(
    fuse: &'a FusePlan,
    region: &'a LayoutRegion,
    reader: TileReader,
    dtype: Dtype,
    work: &'a WorkDir,
) -> Box<dyn RunBlock + 'a> {
    let regions = empty(fuse);
    Box::new(move |block: &Block, cx: &mut BlockContext<'_>| {
        let found =
            dispatch!(dtype, T => measure::<T>(fuse, region, &regions, &reader, block, cx))?;
        let rows: Vec<_> = found.iter().map(|(i, m)| json!([i, m.input, m.result])).collect();
        let path = work.private("maxima")?.join(format!("{:08}.json", block.id));
        let stamp = hooke_io::atomic::write_file(&path, &[json!(rows).to_string().as_bytes()])?;
        Ok(Summary::new().wrote(&work.relative(&path), vec![stamp.named("")]))
    })
}

fn measure<T: Sample + Typed>(
    fuse: &FusePlan,
    region: &LayoutRegion,
    regions: &AdjustMax,
    reader: &TileReader,
    block: &Block,
    cx: &mut BlockContext<'_>,
) -> Result<Vec<(usize, RegionMaximum)>, BlockError> {
    let space = LayoutRegion::new(
        std::array::from_fn(|d| region.start[d] + block.write.start[d + 2] as i64),
        std::array::from_fn(|d| block.write.shape[d + 2] as i64),
    );
    let source: &dyn TilePixels<T> = &AsStored(reader);
    let scratch = cx.scratch.get::<FuseScratch<T>>();
    Ok(regions.measure_block(fuse, &space, source, scratch)?)
}

/// The plan with the maxima of all blocks.
pub(super) fn read(fuse: FusePlan, work: &WorkDir) -> Result<FusePlan, SourceError> {
    let mut all = empty(&fuse);
    let folder = work.private("maxima")?;
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .map_err(|e| hooke_io::Error::io(&folder, "list", e))?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    for file in files {
        let text =
            std::fs::read_to_string(&file).map_err(|e| hooke_io::Error::io(&file, "read", e))?;
        let rows: Vec<(usize, Option<f64>, Option<f64>)> = serde_json::from_str(&text)?;
        let none = f64::NEG_INFINITY;
        let found: Vec<(usize, RegionMaximum)> = rows
            .into_iter()
            .map(|(i, input, result)| {
                let (input, result) = (input.unwrap_or(none), result.unwrap_or(none));
                (i, RegionMaximum { input, result })
            })
            .collect();
        all.merge(&found);
    }
    Ok(fuse.with_maxima(all))
}
