//! The stage `resolve`: which labels are one, the tables, and the arrays of the output.

use std::path::PathBuf;

use hooke_core::Dtype;
use hooke_core::image::SourceError;
use hooke_core::plan::Block;
use hooke_io::tables::write_table;
use hooke_tileset::dedup::{Dedup, LabelPair, Reason, id_dtype, resolve};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::count::{counts_of, pairs_of};
use super::{DedupWorkflow, numbers};
use crate::engine::{BlockContext, BlockError, RunBlock, Summary, WorkDir};
use crate::tileset::SetError;
use crate::tileset::columns::Columns;
use crate::tileset::positions::table_format;

/// Names of the tables in the work folder.
pub(super) const TABLES: [&str; 2] = ["ids", "overlaps"];

const FILE: &str = "resolved.json";

/// What was decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Resolved {
    /// Whether the ids need 64 bits although 32 were planned.
    pub wide: bool,
    /// For `--json`.
    pub result: Value,
}

/// Reads what was decided.
pub(super) fn read(work: &WorkDir) -> Result<Resolved, SourceError> {
    let path = work.private("resolve")?.join(FILE);
    let text = std::fs::read(&path).map_err(|e| hooke_io::Error::io(&path, "read", e))?;
    Ok(serde_json::from_slice(&text)?)
}

/// Where the new ids of a tile are kept: `(old, new)`.
pub(super) fn ids_of(work: &WorkDir, tile: usize) -> Result<PathBuf, crate::engine::Error> {
    Ok(work.private("resolve")?.join(format!("{tile:05}.bin")))
}

/// The opened stage.
pub(super) struct ResolveStage<'a> {
    pub workflow: &'a DedupWorkflow,
    pub work: &'a WorkDir,
}

impl RunBlock for ResolveStage<'_> {
    fn run(&self, _: &Block, _: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        let w = self.workflow;
        let mut labels = Vec::with_capacity(w.set.tiles.len());
        for tile in 0..w.set.tiles.len() {
            let rows = numbers::read::<2>(&counts_of(self.work, tile)?)?;
            labels.push(rows.into_iter().map(|[label, n]| (label, n)).collect::<Vec<_>>());
        }
        let mut overlaps = Vec::with_capacity(w.shared.len());
        for (index, shared) in w.shared.iter().enumerate() {
            let pair = |[label_a, label_b, n_overlap, n_a, n_b]: [u64; 5]| LabelPair {
                label_a,
                label_b,
                n_overlap,
                n_a,
                n_b,
            };
            let rows = numbers::read::<5>(&pairs_of(self.work, index)?)?;
            overlaps.push((*shared, rows.into_iter().map(pair).collect::<Vec<_>>()));
        }
        let found = resolve(&labels, overlaps, &w.options.params)?;
        let wide = self.make_arrays(&found)?;
        self.write_tables(&found)?;
        for tile in 0..w.set.tiles.len() {
            let rows = found.of_tile(tile).iter().map(|r| [r.old_id, r.new_id]);
            numbers::write(&ids_of(self.work, tile)?, rows)?;
        }
        let resolved = Resolved { wide, result: summary(&found, wide || self.is_wide()) };
        let text = serde_json::to_vec(&resolved).map_err(std::io::Error::from)?;
        let path = self.work.private("resolve")?.join(FILE);
        let stamp = hooke_io::atomic::write_file(&path, &[&text])?;
        Ok(Summary::new().wrote(&self.work.relative(&path), vec![stamp.named("")]))
    }
}

impl ResolveStage<'_> {
    fn is_wide(&self) -> bool {
        self.workflow.narrow.as_ref().is_some_and(|n| n.dtype() == Dtype::Uint64)
    }

    /// Creates the arrays with ids as wide as needed; gives whether these are the wide ones.
    fn make_arrays(&self, found: &Dedup) -> Result<bool, BlockError> {
        let w = self.workflow;
        let Some(narrow) = &w.narrow else { return Ok(false) };
        let needed = id_dtype(found.largest_id());
        let too_narrow = needed == Dtype::Uint64 && narrow.dtype() == Dtype::Uint32;
        let output = match (too_narrow, &w.wide) {
            (false, _) => narrow,
            (true, Some(wide)) => wide,
            (true, None) => {
                let (id, dtype) = (found.largest_id(), narrow.dtype());
                return Err(hooke_tileset::TilesetError::IdTooLarge { id, dtype }.into());
            }
        };
        output.create_anew(self.work)?;
        Ok(too_narrow)
    }

    fn write_tables(&self, found: &Dedup) -> Result<(), BlockError> {
        let [ids, overlaps] = self.workflow.options.tables();
        let folder = self.work.private("resolve")?;
        let path = |name: &str, table: &std::path::Path| -> Result<PathBuf, SetError> {
            Ok(folder.join(format!("{name}.{}", table_format(table)?)))
        };
        let rows = || found.ids.iter();
        let mut table = Columns::default();
        table
            .u32("tile", rows().map(|r| r.tile as u32))
            .u64("old_id", rows().map(|r| r.old_id))
            .u64("new_id", rows().map(|r| r.new_id))
            .u64("n_voxels", rows().map(|r| r.n_voxels))
            .u32("n_tiles", rows().map(|r| r.n_tiles));
        write_table(&path(TABLES[0], &ids)?, &table.batch()?)?;
        let rows = || found.overlaps.iter();
        let mut table = Columns::default();
        table
            .u32("tile_a", rows().map(|r| r.tile_a as u32))
            .u64("label_a", rows().map(|r| r.pair.label_a))
            .u32("tile_b", rows().map(|r| r.tile_b as u32))
            .u64("label_b", rows().map(|r| r.pair.label_b))
            .u64("n_overlap", rows().map(|r| r.pair.n_overlap))
            .u64("n_a", rows().map(|r| r.pair.n_a))
            .u64("n_b", rows().map(|r| r.pair.n_b))
            .f64("iou", rows().map(|r| Some(r.pair.iou())))
            .bool("accepted", rows().map(|r| r.accepted()))
            .text("reason", rows().map(|r| r.reason.name()));
        write_table(&path(TABLES[1], &overlaps)?, &table.batch()?)?;
        Ok(())
    }
}

fn summary(found: &Dedup, wide: bool) -> Value {
    let with = |reason: Reason| found.overlaps.iter().filter(|r| r.reason == reason).count();
    json!({
        "labels": found.ids.len(), "objects": found.n_objects(), "pairs": found.overlaps.len(),
        "merged": with(Reason::Merged), "below_iou": with(Reason::BelowIou),
        "below_voxels": with(Reason::BelowVoxels), "conflicts": with(Reason::Conflict),
        "largest_id": found.largest_id(), "dtype": if wide { "uint64" } else { "uint32" },
    })
}
