//! `hooke convert`: any readable image to any writable format, block by block.

mod all;
mod cast;
mod measure;
mod meta;
mod options;
mod verify;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::plan::{Block, Blocks, Plan, Stage};
use hooke_core::{Budget, Dtype, Pixels};
use hooke_io::ChunkCache;
use hooke_io::http::absolute;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow, stamp_input,
};
use crate::image_output::{FirstStage, ImageOutput, Store};
pub use all::ConvertAllWorkflow;
use cast::Range;
pub(crate) use cast::{Cast, clip_warning};
use measure::{FrameStatistic, Slabs, measured_range};
use view::{View, Views};

pub use options::{ConvertError, ConvertOptions};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    #[serde(flatten)]
    options: ConvertOptions,
    inputs: Vec<PathBuf>,
    output: PathBuf,
}

/// The workflow.
pub struct ConvertWorkflow {
    parameters: Parameters,
    /// As planned: nothing is kept in memory, and a statistic of the frames is not there yet.
    views: Views,
    statistic: Option<FrameStatistic>,
    cast: Cast,
    output: ImageOutput,
}

impl ConvertWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "convert",
        results_version: 1,
        open: |plan| {
            let p: Parameters = serde_json::from_value(plan.parameters.clone())?;
            if p.options.all_images {
                return Ok(Box::new(ConvertAllWorkflow::new(p.options, &p.inputs, &p.output)?));
            }
            Ok(Box::new(ConvertWorkflow::new(p.options, &p.inputs, &p.output)?))
        },
    };

    /// Opens the inputs and decides what the output will be. Several inputs are joined along an axis.
    ///
    /// # Errors
    /// When an input cannot be opened, or the target cannot hold what is asked.
    pub fn new(
        options: ConvertOptions,
        inputs: &[PathBuf],
        output: &Path,
    ) -> Result<ConvertWorkflow, ConvertError> {
        let inputs = inputs.iter().map(|p| absolute(p)).collect();
        let parameters = Parameters { options, inputs, output: absolute(output) };
        let options = &parameters.options;
        if options.labels && options.cast == "scale" {
            return Err(ConvertError::parameters(
                "--labels are identities: --cast scale would change them",
                "leave one of the two out",
            ));
        }
        let cache = Arc::new(ChunkCache::new(0));
        let views = Views::open(&parameters.inputs, options, &cache, None)?;
        let source = views.last.meta();
        let meta = meta::output(source, options)?;
        let cast = Cast::new(&options.cast, &options.range, source.dtype, meta.dtype)?;
        let store = Store { labels: meta.labels, ..options.store.clone() };
        let target = ImageOutput::new(&parameters.output, meta, &store)?;
        let statistic = views.statistic.map(|s| FrameStatistic::new(s, views.selected.as_ref()));
        let mut parameters = parameters;
        if let Some(file) = views.files.first() {
            // A run that goes on may be started from another folder.
            parameters.options.subtract = Some(file.to_string_lossy().into_owned());
        }
        Ok(ConvertWorkflow { views, statistic, cast, output: target, parameters })
    }

    /// The inputs with chunks kept in memory, and the statistic of the frames if it is there.
    fn open_views(&self, budget: &Budget, frame: Option<&WorkDir>) -> Result<Views, SourceError> {
        let cache = Arc::new(ChunkCache::new(budget.cache()));
        let frame = match (&self.statistic, frame) {
            (Some(statistic), Some(work)) => Some(statistic.open(work)?),
            _ => None,
        };
        Ok(Views::open(&self.parameters.inputs, &self.parameters.options, &cache, frame)?)
    }

    fn block_bytes(&self, write: [u64; 5]) -> u64 {
        let voxels: u64 = write.iter().product();
        let (read, written) = (self.views.last.meta().dtype, self.output.meta().dtype);
        let own = voxels.saturating_mul((2 * read.size() + 2 * written.size()) as u64);
        own.saturating_add(self.views.last.scratch_bytes(write))
    }
}

impl Workflow for ConvertWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let view = self.views.last.as_ref();
        let mut before: Vec<Stage> = self.statistic.iter().map(FrameStatistic::stage).collect();
        let slabs = Slabs::within(view, budget);
        let after: Vec<&str> = before.iter().map(|s| s.name.as_str()).collect();
        let range = match self.cast.measures() {
            Some(Range::Percentiles(..)) => {
                let threads = budget.threads as u64;
                Some(Stage::one("range", &after, threads * slabs.bytes(view)))
            }
            Some(_) => {
                let blocks = Blocks::items(slabs.count(), slabs.bytes(view));
                Some(Stage::new("range", "slabs", &after, blocks))
            }
            None => None,
        };
        before.extend(range);
        let after: Vec<&str> = before.iter().map(|s| s.name.as_str()).collect();
        let first = FirstStage {
            name: "convert",
            after: &after,
            halo: [0; 5],
            bytes: &|write| self.block_bytes(write),
        };
        let planned = self.output.stages(&first, budget)?;
        let planned =
            Planned { stages: before.into_iter().chain(planned.stages).collect(), ..planned };
        planned.into_plan(
            &ConvertWorkflow::REGISTERED,
            &self.parameters,
            stamps_of(&self.parameters.inputs, &self.views.files)?,
            budget,
        )
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        if let Some(statistic) = &self.statistic {
            statistic.create(work)?;
        }
        self.output.create(work)
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        plan: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        match stage {
            "statistic" => {
                let statistic = self.statistic.as_ref().ok_or("no statistic is wanted")?;
                let view = self.open_views(&plan.budget, None)?.selected;
                let sink = statistic.open(work)?;
                Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
                    statistic.run(view.as_ref(), &block.write, sink.as_ref())
                }))
            }
            "range" => {
                let view = self.open_views(&plan.budget, Some(work))?.last;
                let range = self.cast.measures();
                let slabs = Slabs::within(view.as_ref(), &plan.budget);
                Ok(Box::new(move |block: &Block, cx: &mut BlockContext<'_>| match range {
                    Some(Range::Percentiles(low, high)) => {
                        measure::percentiles(view.as_ref(), &slabs, [low, high], cx)
                    }
                    _ => measure::extremes(view.as_ref(), &slabs, block.id),
                }))
            }
            "convert" => Ok(Box::new(ConvertStage {
                workflow: self,
                view: self.open_views(&plan.budget, Some(work))?.last,
                sink: self.output.open_sink(work)?,
                container: self.output.container(work),
            })),
            other => self.output.open_stage(other, work),
        }
    }

    fn finish(&self, _: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let sha256 = match self.parameters.options.verify {
            true => Some(verify::verify(self, done, work)?),
            false => None,
        };
        let clipped: u64 =
            done.summaries("convert").filter_map(|s| s.ok()?.get("clipped")?.as_u64()).sum();
        let mut warnings = self.views.problems.clone();
        // What is read for two blocks, or for none, would be counted as blocks happen to be cut.
        let clipped = Some(clipped).filter(|n| *n == 0 || self.views.last.reads_once());
        warnings.extend(clip_warning(clipped, self.output.meta().dtype));
        warnings.extend(self.output.lost());
        let warnings = warnings
            .iter()
            .map(|(c, m)| hooke_core::provenance::Warning::new(c, m.clone()))
            .collect();
        Ok(Finished {
            outputs,
            warnings,
            result: json!({"clipped": clipped, "sha256": sha256}),
            ..Finished::default()
        })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}

/// What the inputs are, so that a run goes on only with the same ones.
fn stamps_of(
    inputs: &[PathBuf],
    files: &[PathBuf],
) -> Result<Vec<hooke_core::plan::InputStamp>, SourceError> {
    let paths = inputs.iter().chain(files).flat_map(|path| {
        // The pixels of a BigDataViewer set lie beside its XML.
        let is_xml = path.extension().is_some_and(|e| e == "xml");
        let beside = ["h5", "n5", "zarr"].map(|suffix| path.with_extension(suffix));
        let pixels = beside.into_iter().filter(move |p| is_xml && p.exists());
        std::iter::once(path.clone()).chain(pixels)
    });
    paths.map(|path| Ok(stamp_input(&path, None)?)).collect()
}

struct ConvertStage<'a> {
    workflow: &'a ConvertWorkflow,
    view: Arc<dyn View>,
    sink: Arc<dyn ImageSink>,
    container: String,
}

struct Buffers {
    read: Pixels,
    write: Pixels,
}

impl Default for Buffers {
    fn default() -> Buffers {
        let empty = || Pixels::zeros(Dtype::Uint8, [0; 5]);
        Buffers { read: empty(), write: empty() }
    }
}

impl RunBlock for ConvertStage<'_> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        let w = self.workflow;
        let range = w.cast.measures().map(|_| measured_range(cx.markers));
        let buffers = cx.scratch.get::<Buffers>();
        let mut clipped = self.view.read(&block.write, &mut buffers.read)?;
        let meta = w.output.meta();
        let same = w.cast.is_identity();
        if !same {
            let cast = w.cast.with_range(range);
            clipped += cast.apply(&buffers.read, meta, &block.write, &mut buffers.write)?;
        }
        let pixels = if same { &buffers.read } else { &buffers.write };
        let keys = self.sink.write(0, &block.write, pixels)?;
        Ok(Summary::new()
            .read(buffers.read.bytes())
            .with("clipped", clipped)
            .wrote(&self.container, keys))
    }
}
