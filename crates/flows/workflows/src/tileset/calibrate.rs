//! `hooke tileset calibrate`: one intensity scale for all tiles.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::plan::InputStamp;
use hooke_core::{Budget, Dtype, Progress, dispatch};
use hooke_io::ChunkCache;
use hooke_tileset::percentile::{CalibrateParams, Calibration, calibrate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::pixels::{SetReader, Taking, block_error};
use super::set::TileSet;
use crate::engine::{BlockContext, BlockError};
use crate::step::{Done, Step};

/// Everything that decides the scale.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CalibrateOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// How it is measured.
    #[serde(flatten)]
    pub params: CalibrateParams,
    /// The file.
    pub output: PathBuf,
}

/// `hooke tileset calibrate`.
pub struct Calibrate {
    options: CalibrateOptions,
    set: TileSet,
    dtype: Dtype,
}

const ONE_TYPE: &str = "convert them to one type first: hooke convert TILE -o OUT --dtype uint16";

impl Step for Calibrate {
    const COMMAND: &'static str = "tileset calibrate";
    type Parameters = CalibrateOptions;
    type Error = SetError;

    fn open(options: CalibrateOptions) -> Result<Calibrate, SetError> {
        let output = absolute(&options.output);
        let options = CalibrateOptions { set: options.set.absolute(), output, ..options };
        check(&options.params)?;
        let set = TileSet::open(&options.set)?;
        let dtype = set.one_dtype(ONE_TYPE)?;
        Ok(Calibrate { options, set, dtype })
    }

    fn parameters(&self) -> &CalibrateOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, SetError> {
        self.set.stamps()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        vec![(self.options.output.clone(), "json")]
    }

    fn bytes(&self, budget: &Budget) -> u64 {
        bytes(&self.set, budget)
    }

    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let found = measure(&self.set, self.dtype, &self.options.params, cx.budget, cx.progress)?;
        let result = to_json(&found, &self.options.params);
        let text = serde_json::to_string_pretty(&result).map_err(std::io::Error::from)? + "\n";
        hooke_io::atomic::write_file(&places[0], &[text.as_bytes()])?;
        Ok(Done { result, warnings: self.set.warnings.clone() })
    }
}

/// Refuses percentiles out of range or order before anything is read.
pub(super) fn check(params: &CalibrateParams) -> Result<(), SetError> {
    let bad = |name, found: f64, wanted| {
        Err(hooke_tileset::TilesetError::Parameter { name, found: found.to_string(), wanted }
            .into())
    };
    for (name, q) in [("low", params.low), ("high", params.high)] {
        if !(0.0..=100.0).contains(&q) {
            return bad(name, q, "a percentile from 0 to 100");
        }
    }
    match params.low < params.high {
        true => Ok(()),
        false => bad("low", params.low, "less than the high percentile"),
    }
}

/// Peak bytes of [`measure`].
pub(super) fn bytes(set: &TileSet, budget: &Budget) -> u64 {
    let wide = set.dtype().is_none_or(|d| d.size() > 2);
    let per_tile = if wide { 4 << 20 } else { 1 << 20 };
    // Histograms per tile on its way and per thread, and a block of 2^18 samples each.
    (set.tiles.len() as u64 + 2 * budget.threads as u64) * per_tile
}

/// Measures a set whose tiles have one type.
pub(super) fn measure(
    set: &TileSet,
    dtype: Dtype,
    params: &CalibrateParams,
    budget: &Budget,
    progress: &dyn Progress,
) -> Result<Calibration, BlockError> {
    let reader = SetReader::new(set, Arc::new(ChunkCache::new(budget.cache())));
    let shapes = set.shapes();
    let voxels: u64 = shapes.iter().map(|s| s.iter().product::<u64>()).sum();
    let passes = match dtype.size() {
        1 | 2 => 1,
        4 => 2,
        _ => 4,
    };
    progress.start("measure", passes * voxels, "voxels");
    let tiles = reader.tiles(Taking::Exact).watched(progress);
    dispatch!(dtype, T => calibrate::<T>(&shapes, &tiles, params)).map_err(block_error)
}

/// The scale as its file holds it.
pub(super) fn to_json(found: &Calibration, params: &CalibrateParams) -> Value {
    let tiles: Vec<Value> = found
        .tiles
        .iter()
        .enumerate()
        .map(|(i, t)| {
            json!({
                "tile": i, "low": t.low, "high": t.high, "min": t.min, "max": t.max,
                "mean": t.mean, "n_voxels": t.n_voxels, "saturated_fraction": t.saturated_fraction,
            })
        })
        .collect();
    json!({
        "low": found.low, "high": found.high, "low_percentile": params.low,
        "high_percentile": params.high, "method": params.method, "n_voxels": found.n_voxels,
        "tiles": tiles,
    })
}
