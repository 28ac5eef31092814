//! `hooke tileset export-bdv`: the tiles as a BigDataViewer set, one view each.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::plan::Plan;
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Dtype, Pixels, Region, Sample, TileError, dispatch};
use hooke_io::ChunkCache;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SetError;
use super::options::{SetOptions, absolute};
use super::pixels::{SetReader, Taking};
use super::scale::set_output;
use super::set::TileSet;
use crate::convert::{Cast, clip_warning};
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, WorkDir, Workflow,
};
use crate::image_output::{FirstSetStage, MapStage, SetOutput, Store, TileMap, counted, samples};

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportBdvOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// The type that is written; the tiles' own when missing.
    pub dtype: Option<String>,
    /// `exact`, `clip` or `scale`.
    pub cast: String,
    /// For `scale`: `LO,HI`.
    pub range: Option<String>,
    /// How the tiles are stored.
    #[serde(flatten)]
    pub store: Store,
    /// The XML to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct ExportBdvWorkflow {
    options: ExportBdvOptions,
    set: TileSet,
    from: Dtype,
    cast: Cast,
    output: SetOutput,
}

impl ExportBdvWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "tileset export-bdv",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(ExportBdvWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the tiles and decides what is written.
    ///
    /// # Errors
    /// When a tile cannot be read, there are no positions, or an option is no value.
    pub fn new(options: ExportBdvOptions) -> Result<ExportBdvWorkflow, SetError> {
        let output = absolute(&options.output);
        let options = ExportBdvOptions { set: options.set.absolute(), output, ..options };
        check_xml(&options.output)?;
        let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
        set.placement(hooke_tileset::placement::Place::Nearest)?;
        let from = set.one_dtype("export the tiles of one type at a time, with --tiles")?;
        let written = dtype_of(options.dtype.as_deref())?.unwrap_or(from);
        if options.cast == "scale" && options.range.is_none() {
            return Err(SetError::usage(
                "--cast scale needs the range that becomes the whole of the type",
                "give --range LO,HI; hooke tileset calibrate measures one",
            ));
        }
        let range = options.range.clone().unwrap_or_default();
        let cast = Cast::new(&options.cast, &range, from, written)
            .map_err(|e| SetError::usage(e.to_string(), "write --range LO,HI"))?;
        if cast.measures().is_some() {
            let hint = "give --range LO,HI; hooke tileset calibrate measures one";
            return Err(SetError::usage(format!("--range `{range}` is not measured here"), hint));
        }
        let output = set_output(&set, &options.output, written, &options.store)?;
        Ok(ExportBdvWorkflow { options, set, from, cast, output })
    }
}

/// A sample type as typed.
pub(super) fn dtype_of(name: Option<&str>) -> Result<Option<Dtype>, SetError> {
    let Some(name) = name else { return Ok(None) };
    Dtype::parse(name).map(Some).ok_or_else(|| {
        let known: Vec<&str> = Dtype::ALL.iter().map(|d| d.name()).collect();
        let hint = format!("write one of {}", known.join(", "));
        SetError::usage(format!("--dtype `{name}` is no sample type"), hint)
    })
}

/// Refuses an output that is not an XML.
pub(super) fn check_xml(path: &std::path::Path) -> Result<(), SetError> {
    match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml")) {
        true => Ok(()),
        false => Err(SetError::usage(
            format!("{}: a BigDataViewer set ends in .xml", path.display()),
            "write OUT.xml; its pixels go to OUT.h5 beside it",
        )),
    }
}

struct CastMap<'a> {
    workflow: &'a ExportBdvWorkflow,
    reader: SetReader<'a>,
}

/// The block as it was read.
#[derive(Default)]
struct Read(Option<Pixels>);

impl CastMap<'_> {
    fn read<T: Sample + Typed>(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        let left = cx.scratch.get::<Read>().0.take().and_then(Pixels::into_vec::<T>);
        let mut values = left.unwrap_or_default();
        self.reader.tiles(Taking::Exact).get(tile, region, &mut values)?;
        if self.workflow.cast.is_identity() {
            samples::<T>(out)?.copy_from_slice(&values);
            cx.scratch.get::<Read>().0 =
                Some(Pixels::from_vec([1, 1, 1, 1, values.len() as u64], values));
            return Ok(0);
        }
        let block = Pixels::from_vec(region.shape, values);
        let meta = self.workflow.set.meta(tile, self.workflow.output.dtype());
        let cast = self.workflow.cast.apply(&block, &meta, region, out);
        let clipped = cast.map_err(|source| {
            hooke_tileset::TilesetError::from(TileError { tile, source: source.into() })
        })?;
        cx.scratch.get::<Read>().0 = Some(block);
        Ok(clipped)
    }
}

impl TileMap for CastMap<'_> {
    fn map(
        &self,
        tile: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        dispatch!(self.workflow.from, T => self.read::<T>(tile, region, cx, out))
    }
}

impl Workflow for ExportBdvWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let sample = (self.from.size() + 2 * self.output.dtype().size()) as u64;
        let bytes = |_: usize, write: [u64; 5]| write.iter().product::<u64>() * sample;
        let first = FirstSetStage { name: "copy", after: &[], bytes: &bytes };
        let planned = self.output.stages(&first, budget)?;
        planned.into_plan(&Self::REGISTERED, &self.options, self.set.stamps()?, budget)
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
        if stage != "copy" {
            return self.output.open_stage(stage, work);
        }
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        let map = CastMap { workflow: self, reader: SetReader::new(&self.set, cache) };
        let (sinks, dtype) = (self.output.sinks(work), self.output.dtype());
        Ok(Box::new(MapStage { map, sinks, dtype, read_bytes: self.from.size() as u64 }))
    }

    fn finish(&self, _: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let clipped = counted(done, "copy");
        let mut warnings: Vec<Warning> =
            self.set.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect();
        let said = clip_warning(Some(clipped), self.output.dtype());
        warnings.extend(said.map(|(code, message)| Warning::new(&code, message)));
        let result = json!({"tiles": self.set.tiles.len(), "clipped": clipped});
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}
