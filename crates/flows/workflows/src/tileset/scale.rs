//! `hooke tileset scale`: all tiles on one intensity scale, block by block.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::plan::{Block, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Dtype, Pixels, Region, Sample, dispatch};
use hooke_io::ChunkCache;
use hooke_tileset::percentile::CalibrateParams;
use hooke_tileset::scale::{Rounding, Scale};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::calibrate;
use super::error::SetError;
use super::options::{SetOptions, absolute, range};
use super::pixels::{SetReader, Taking};
use super::set::TileSet;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow, stamp_input,
};
use crate::image_output::{FirstSetStage, MapStage, SetOutput, Store, TileMap, counted, samples};

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScaleOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// `LO,HI`.
    pub range: Option<String>,
    /// A file of `calibrate`.
    pub calibration: Option<PathBuf>,
    /// Whether the scale is measured first, and how.
    pub auto: Option<CalibrateParams>,
    /// The type that is written.
    pub dtype: String,
    /// How a value becomes a whole number.
    pub rounding: Rounding,
    /// How the tiles are stored.
    #[serde(flatten)]
    pub store: Store,
    /// The set to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct ScaleWorkflow {
    options: ScaleOptions,
    set: TileSet,
    dtype: Dtype,
    /// Missing when it is measured first.
    range: Option<(f64, f64)>,
    output: SetOutput,
}

const FILE: &str = "calibration.json";

impl ScaleWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "tileset scale",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(ScaleWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the tiles and decides what is written.
    ///
    /// # Errors
    /// When a tile or the scale cannot be read, or an option is no value.
    pub fn new(options: ScaleOptions) -> Result<ScaleWorkflow, SetError> {
        let options = ScaleOptions {
            set: options.set.absolute(),
            output: absolute(&options.output),
            calibration: options.calibration.as_deref().map(absolute),
            ..options
        };
        let range = match (&options.range, &options.calibration, &options.auto) {
            (Some(text), None, None) => Some(range("range", text)?),
            (None, Some(file), None) => Some(read_calibration(file)?),
            (None, None, Some(params)) => {
                calibrate::check(params)?;
                None
            }
            _ => {
                return Err(SetError::usage(
                    "no intensity range, or more than one",
                    "give one of --range LO,HI, --calibration FILE.json and --auto",
                ));
            }
        };
        if let Some((low, high)) = range {
            Scale::new(low, high, options.rounding)?;
        }
        let written = match Dtype::parse(&options.dtype) {
            Some(d @ (Dtype::Uint8 | Dtype::Uint16 | Dtype::Float32)) => d,
            _ => {
                let what = format!("--dtype `{}` is no type of a scaled tile", options.dtype);
                return Err(SetError::usage(what, "write u8, u16 or f32"));
            }
        };
        let set = TileSet::open(&options.set)?;
        let dtype = set.one_dtype("convert them to one type first: hooke convert")?;
        let output = set_output(&set, &options.output, written, &options.store)?;
        Ok(ScaleWorkflow { options, set, dtype, range, output })
    }
}

/// A set of the same tiles, of another type.
pub(super) fn set_output(
    set: &TileSet,
    path: &Path,
    dtype: Dtype,
    store: &Store,
) -> Result<SetOutput, SetError> {
    let metas = (0..set.tiles.len()).map(|i| set.meta(i, dtype));
    let positions = set.tiles.iter().map(|t| t.position_px).collect();
    Ok(SetOutput::new(path, metas.collect(), positions, store)?)
}

fn read_calibration(path: &Path) -> Result<(f64, f64), SetError> {
    let text = std::fs::read(path).map_err(|e| hooke_io::Error::io(path, "read", e))?;
    let bad = |what: String| hooke_io::Error::metadata(path, what);
    let json: Value = serde_json::from_slice(&text).map_err(|e| bad(format!("not JSON: {e}")))?;
    let number = |key: &str| {
        json.get(key).and_then(Value::as_f64).ok_or_else(|| {
            bad(format!("no number `{key}`; wanted a file of hooke tileset calibrate"))
        })
    };
    Ok((number("low")?, number("high")?))
}

struct ScaleMap<'a> {
    reader: SetReader<'a>,
    scale: Scale,
    from: Dtype,
}

/// A buffer that one block leaves for the next.
struct Read<T>(Vec<T>);

impl<T> Default for Read<T> {
    fn default() -> Read<T> {
        Read(Vec::new())
    }
}

impl ScaleMap<'_> {
    fn typed<T: Sample + Typed, O: Sample + Typed>(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        let read = &mut cx.scratch.get::<Read<T>>().0;
        self.reader.tiles(Taking::Exact).get(tile, region, read)?;
        Ok(self.scale.apply(read, samples::<O>(out)?)?)
    }
}

impl TileMap for ScaleMap<'_> {
    fn map(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        dispatch!(self.from, T => match out.dtype() {
            Dtype::Uint8 => self.typed::<T, u8>(tile, region, cx, out),
            Dtype::Uint16 => self.typed::<T, u16>(tile, region, cx, out),
            _ => self.typed::<T, f32>(tile, region, cx, out),
        })
    }
}

impl Workflow for ScaleWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let mut before = Vec::new();
        if self.range.is_none() {
            before.push(Stage::one("calibrate", &[], calibrate::bytes(&self.set, budget)));
        }
        let after: Vec<&str> = before.iter().map(|s| s.name.as_str()).collect();
        let sample = (self.dtype.size() + 2 * self.output.dtype().size()) as u64;
        let bytes = |_: usize, write: [u64; 5]| write.iter().product::<u64>() * sample;
        let first = FirstSetStage { name: "scale", after: &after, bytes: &bytes };
        let planned = self.output.stages(&first, budget)?;
        let mut inputs = self.set.stamps()?;
        if let Some(file) = &self.options.calibration {
            inputs.push(stamp_input(file, None)?);
        }
        let planned =
            Planned { stages: before.into_iter().chain(planned.stages).collect(), ..planned };
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
        match stage {
            "calibrate" => Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                let params = self.options.auto.unwrap_or_default();
                let found =
                    calibrate::measure(&self.set, self.dtype, &params, cx.budget, cx.progress)?;
                let json = calibrate::to_json(&found, &params).to_string();
                let path = work.private("calibrate")?.join(FILE);
                let stamp = hooke_io::atomic::write_file(&path, &[json.as_bytes()])?;
                Ok(Summary::new().wrote(&work.relative(&path), vec![stamp.named("")]))
            })),
            "scale" => {
                let (low, high) = self.measured(work)?;
                let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
                let map = ScaleMap {
                    reader: SetReader::new(&self.set, cache),
                    scale: Scale::new(low, high, self.options.rounding)?,
                    from: self.dtype,
                };
                let (sinks, dtype) = (self.output.sinks(work), self.output.dtype());
                let read_bytes = self.dtype.size() as u64;
                Ok(Box::new(MapStage { map, sinks, dtype, read_bytes }))
            }
            other => self.output.open_stage(other, work),
        }
    }

    fn finish(&self, _: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let nan = counted(done, "scale");
        let mut warnings: Vec<Warning> =
            self.set.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect();
        if nan > 0 {
            warnings.push(Warning::new("nan", format!("{nan} voxels were NaN and became 0")));
        }
        let (low, high) = self.measured(work)?;
        let result = json!({"tiles": self.set.tiles.len(), "low": low, "high": high, "nan": nan});
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }
}

impl ScaleWorkflow {
    /// The range that was given, or the one that was measured.
    fn measured(&self, work: &WorkDir) -> Result<(f64, f64), SetError> {
        match self.range {
            Some(range) => Ok(range),
            None => read_calibration(&work.private("calibrate")?.join(FILE)),
        }
    }
}
