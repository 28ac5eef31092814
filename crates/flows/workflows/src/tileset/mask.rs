//! `hooke tileset mask`: 0 wherever a mask is 0, block by block.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::plan::Plan;
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Dtype, Pixels, Region, Sample, dispatch};
use hooke_io::ChunkCache;
use hooke_tileset::TilesetError;
use hooke_tileset::mask::apply_mask;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::pixels::{SetReader, Taking};
use super::scale::set_output;
use super::set::TileSet;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, WorkDir, Workflow,
};
use crate::image_output::{FirstSetStage, MapStage, SetOutput, Store, TileMap, samples};

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MaskOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// A set of masks, or one image for all tiles.
    pub mask: String,
    /// How the tiles are stored.
    #[serde(flatten)]
    pub store: Store,
    /// The set to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct MaskWorkflow {
    options: MaskOptions,
    set: TileSet,
    masks: TileSet,
    dtype: Dtype,
    output: SetOutput,
}

impl MaskWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "tileset mask",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(MaskWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens tiles and masks.
    ///
    /// # Errors
    /// When one cannot be read, or a mask has another shape than its tile.
    pub fn new(options: MaskOptions) -> Result<MaskWorkflow, SetError> {
        let mask = absolute(std::path::Path::new(&options.mask));
        let options = MaskOptions {
            set: options.set.absolute(),
            mask: mask.to_string_lossy().into_owned(),
            output: absolute(&options.output),
            ..options
        };
        let set = TileSet::open(&options.set)?;
        let dtype = set.one_dtype("mask the tiles of one type at a time, with --tiles")?;
        let masks = masks_of(&options)?;
        if masks.tiles.len() != 1 && masks.tiles.len() != set.tiles.len() {
            let (n, m) = (set.tiles.len(), masks.tiles.len());
            let what = format!("{n} tiles but {m} masks");
            return Err(SetError::unfit(what, "give one mask per tile, or one for all"));
        }
        for (tile, of) in set.tiles.iter().enumerate() {
            let mask = &masks.tiles[tile % masks.tiles.len()];
            if mask.shape != of.shape {
                let what = format!("the mask of tile {tile}");
                let (expected, found) = (of.shape.to_vec(), mask.shape.to_vec());
                return Err(TilesetError::ShapeMismatch { what, expected, found }.into());
            }
        }
        let output = set_output(&set, &options.output, dtype, &options.store)?;
        Ok(MaskWorkflow { options, set, masks, dtype, output })
    }
}

/// Masks are chosen, stepped and reversed as the tiles, but have no places of their own.
fn masks_of(options: &MaskOptions) -> Result<TileSet, SetError> {
    let plain = SetOptions {
        positions: None,
        channel: "0".to_owned(),
        t: 0,
        tiles: None,
        ..options.set.of(vec![options.mask.clone()])
    };
    let all = TileSet::open(&plain)?;
    match all.tiles.len() {
        1 => Ok(all),
        _ => TileSet::open(&SetOptions { tiles: options.set.tiles.clone(), ..plain }),
    }
}

struct MaskMap<'a> {
    tiles: SetReader<'a>,
    masks: SetReader<'a>,
    dtype: Dtype,
}

/// Buffers that one block leaves for the next.
struct Buffers<T> {
    tile: Vec<T>,
    mask: Vec<u8>,
}

impl<T> Default for Buffers<T> {
    fn default() -> Buffers<T> {
        Buffers { tile: Vec::new(), mask: Vec::new() }
    }
}

impl MaskMap<'_> {
    fn typed<T: Sample + Typed>(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        let Buffers { tile: image, mask } = cx.scratch.get::<Buffers<T>>();
        self.tiles.tiles(Taking::Exact).get(tile, region, image)?;
        let of = tile % self.masks.set().tiles.len();
        self.masks.tiles(Taking::Set).get(of, region, mask)?;
        let lengths = [region.shape[2], region.shape[3], region.shape[4]];
        apply_mask(tile, image, lengths, mask, lengths)?;
        samples::<T>(out)?.copy_from_slice(image);
        Ok(0)
    }
}

impl TileMap for MaskMap<'_> {
    fn map(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        dispatch!(self.dtype, T => self.typed::<T>(tile, region, cx, out))
    }
}

impl Workflow for MaskWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let mask = self.masks.tiles.iter().map(|m| m.dtype.size()).max().unwrap_or(1);
        let sample = (3 * self.dtype.size() + mask) as u64 + 1;
        let bytes = |_: usize, write: [u64; 5]| write.iter().product::<u64>() * sample;
        let first = FirstSetStage { name: "mask", after: &[], bytes: &bytes };
        let planned = self.output.stages(&first, budget)?;
        let mut inputs = self.set.stamps()?;
        for stamp in self.masks.stamps()? {
            if !inputs.iter().any(|i| i.path == stamp.path) {
                inputs.push(stamp);
            }
        }
        planned.into_plan(&Self::REGISTERED, &self.options, inputs, budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        self.output.create(work)
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        plan: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        if stage != "mask" {
            return self.output.open_stage(stage, work);
        }
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        let map = MaskMap {
            tiles: SetReader::new(&self.set, Arc::clone(&cache)),
            masks: SetReader::new(&self.masks, cache),
            dtype: self.dtype,
        };
        let (sinks, dtype) = (self.output.sinks(work), self.dtype);
        Ok(Box::new(MapStage { map, sinks, dtype, read_bytes: dtype.size() as u64 + 1 }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let warnings = self.set.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect();
        let result = json!({"tiles": self.set.tiles.len(), "masks": self.masks.tiles.len()});
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }
}
