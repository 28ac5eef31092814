//! `--gain pairs`: one gain and offset per tile, measured where tiles overlap.

use std::collections::BTreeMap;

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, Stage};
use hooke_stitch::fuse::FuseTile;
use hooke_stitch::gain::{GainParams, PairGain, TileGain, measure_pair, solve_gains};
use hooke_stitch::layout::PairStatus;
use hooke_stitch::{Layout, Tile};
use rayon::prelude::*;

use super::tiles::{AsFloat, TileReader};
use crate::engine::{BlockContext, BlockError, RunBlock, Summary, WorkDir};

/// Bytes that measuring needs: a small block per pair in flight.
const BYTES: u64 = 64 << 20;
const FILE: &str = "gains.json";

/// The stage that measures and solves.
pub(super) fn stage() -> Stage {
    Stage::one("gains", &[], BYTES)
}

/// Opens the stage.
pub(super) fn open<'a>(
    layout: &'a Layout,
    reader: TileReader,
    work: &'a WorkDir,
) -> Box<dyn RunBlock + 'a> {
    Box::new(move |_: &Block, cx: &mut BlockContext<'_>| -> Result<Summary, BlockError> {
        let params = GainParams::default();
        let pairs: Vec<_> = layout.pairs.iter().filter(|p| p.status == PairStatus::Kept).collect();
        cx.progress.start("gains", pairs.len() as u64, "pairs");
        let measured: Result<Vec<Option<PairGain>>, SourceError> = pairs
            .par_iter()
            .map(|pair| {
                let (Some(pre), Some(post)) = (layout.tile(pair.pre), layout.tile(pair.post))
                else {
                    return Ok(None);
                };
                let found =
                    measure_pair(&to_fuse(pre), &to_fuse(post), &AsFloat(&reader), &params)?;
                cx.progress.advance(1, 0);
                Ok(found)
            })
            .collect();
        let measured: Vec<PairGain> = measured?.into_iter().flatten().collect();
        let ids: Vec<usize> = layout.tiles.iter().map(|t| t.id).collect();
        let gains = solve_gains(&ids, &measured, &params)?;
        let path = work.private("gains")?.join(FILE);
        let stamp = hooke_io::atomic::write_file(&path, &[&serde_json::to_vec(&gains)?])?;
        Ok(Summary::new().wrote(&work.relative(&path), vec![stamp.named("")]))
    })
}

fn to_fuse(tile: &Tile) -> FuseTile {
    FuseTile { id: tile.id, position: tile.current_px(), shape: tile.shape.map(|n| n as usize) }
}

/// What the stage found, by tile id.
pub(super) fn read(work: &WorkDir) -> Result<BTreeMap<usize, TileGain>, SourceError> {
    let path = work.private("gains")?.join(FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| hooke_io::Error::io(&path, "read", e))?;
    Ok(serde_json::from_str(&text)?)
}
