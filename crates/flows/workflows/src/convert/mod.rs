//! `hooke convert`: any readable image to any writable format, block by block.

mod cast;
mod meta;
mod options;
mod select;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::plan::{Block, Blocks, Draft, Plan, Stage};
use hooke_core::{Budget, Dtype, ImageSource, Pixels};
use hooke_io::http::absolute;
use hooke_io::{ChunkCache, OpenOptions};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, Summary, WorkDir, Workflow,
    stamp_input,
};
use crate::image_output::{FirstStage, ImageOutput, Store};
use cast::Cast;
use select::Selection;

pub use options::{ConvertError, ConvertOptions};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    #[serde(flatten)]
    options: ConvertOptions,
    input: PathBuf,
    output: PathBuf,
}

/// The workflow.
pub struct ConvertWorkflow {
    parameters: Parameters,
    selection: Selection,
    source_dtype: Dtype,
    cast: Cast,
    output: ImageOutput,
    warnings: Vec<(String, String)>,
}

impl ConvertWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "convert",
        results_version: 1,
        open: |plan| {
            let p: Parameters = serde_json::from_value(plan.parameters.clone())?;
            Ok(Box::new(ConvertWorkflow::new(p.options, &p.input, &p.output)?))
        },
    };

    /// Opens the input and decides what the output will be.
    ///
    /// # Errors
    /// When the input cannot be opened, or the target cannot hold what is asked.
    pub fn new(
        options: ConvertOptions,
        input: &Path,
        output: &Path,
    ) -> Result<ConvertWorkflow, ConvertError> {
        let parameters = Parameters { options, input: absolute(input), output: absolute(output) };
        let cache = Arc::new(ChunkCache::new(0));
        let (image, problems) = open(&parameters, &cache)?;
        let options = &parameters.options;
        let Some(level) = image.levels().get(options.level) else {
            return Err(ConvertError::parameters(
                format!("no level {}; the image has {}", options.level, image.levels().len()),
                "levels count from 0",
            ));
        };
        let selection = Selection::new(&options.spans, image.meta(), level)?;
        let meta = meta::output(image.meta(), level, &selection, options)?;
        let cast = Cast::new(&options.cast, &options.range, image.meta().dtype, meta.dtype)?;
        let source_dtype = image.meta().dtype;
        let store = Store { labels: meta.labels, ..options.store.clone() };
        let target = ImageOutput::new(&parameters.output, meta, &store)?;
        Ok(ConvertWorkflow {
            selection,
            source_dtype,
            cast,
            output: target,
            warnings: problems,
            parameters,
        })
    }

    fn source(&self, budget: &Budget) -> Result<Arc<dyn ImageSource>, ConvertError> {
        let cache = Arc::new(ChunkCache::new(budget.cache()));
        Ok(open(&self.parameters, &cache)?.0)
    }

    fn block_bytes(&self, write: [u64; 5]) -> u64 {
        let voxels: u64 = write.iter().product();
        let dense = self.selection.dense_voxels(write);
        dense * self.source_dtype.size() as u64
            + voxels
                * (self.source_dtype.size() as u64 + 2 * self.output.meta().dtype.size() as u64)
    }
}

/// The image that the options name, and what a user should know about the file.
fn open(
    parameters: &Parameters,
    cache: &Arc<ChunkCache>,
) -> Result<(Arc<dyn ImageSource>, Vec<(String, String)>), ConvertError> {
    let options = &parameters.options;
    let how = OpenOptions {
        axes: options.axes.clone(),
        dataset: options.dataset.clone(),
        along: options.along.as_deref().and_then(crate::options::axis),
        rescue: options.rescue,
        cache: Some(Arc::clone(cache)),
    };
    let opened = hooke_io::open(&parameters.input, &how)?;
    let images: Vec<_> =
        opened.images().iter().filter(|i| options.labels || !i.meta().labels).collect();
    let images = if images.is_empty() { opened.images().iter().collect() } else { images };
    let problems = opened.problems().iter().map(|p| (p.code.clone(), p.message.clone())).collect();
    let path = &parameters.input;
    let chosen = match (options.image, images.as_slice()) {
        (Some(index), _) => {
            opened.images().get(index).ok_or_else(|| hooke_io::Error::NotThere {
                path: path.clone(),
                what: format!("image {index}; it has {}, counted from 0", opened.images().len()),
            })?
        }
        (None, [one]) => one,
        (None, several) => {
            let names: Vec<String> =
                several.iter().enumerate().map(|(i, s)| format!("{i} {}", s.meta().name)).collect();
            return Err(ConvertError::Io(hooke_io::Error::unsupported(
                path,
                format!("{} images at once: {}", several.len(), names.join(", ")),
                "choose one with --image N",
            )));
        }
    };
    Ok((Arc::clone(chosen), problems))
}

impl Workflow for ConvertWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let mut before = Vec::new();
        if self.cast.needs_range() {
            let blocks = Blocks::items(self.selection.slabs(), 2 * select::SLAB_BYTES);
            before.push(Stage::new("range", "slabs", &[], blocks));
        }
        let after: Vec<&str> = before.iter().map(|s| s.name.as_str()).collect();
        let first = FirstStage {
            name: "convert",
            after: &after,
            halo: [0; 5],
            bytes: &|write| self.block_bytes(write),
        };
        let planned = self.output.stages(&first, budget)?;
        let draft = Draft {
            command: "convert".to_owned(),
            results_version: ConvertWorkflow::REGISTERED.results_version,
            parameters: serde_json::to_value(&self.parameters)?,
            inputs: vec![stamp_input(&self.parameters.input, None)?],
            outputs: planned.outputs,
            stages: before.into_iter().chain(planned.stages).collect(),
            work_bytes: planned.work_bytes,
        };
        Ok(Plan::new(draft, budget)?)
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
            "range" => {
                let source = self.source(&plan.budget)?;
                Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
                    self.measure(source.as_ref(), block.id)
                }))
            }
            "convert" => Ok(Box::new(ConvertStage {
                workflow: self,
                source: self.source(&plan.budget)?,
                sink: self.output.open_sink(work)?,
                container: self.output.container(work),
            })),
            other => self.output.open_stage(other, work),
        }
    }

    fn finish(&self, _: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let sha256 = match self.parameters.options.verify {
            true => Some(verify::verify(self, done, &work.product())?),
            false => None,
        };
        let clipped: u64 =
            done.summaries("convert").filter_map(|s| s.ok()?.get("clipped")?.as_u64()).sum();
        let mut warnings = self.warnings.clone();
        if clipped > 0 {
            let message = format!(
                "{clipped} values did not fit {} and were clipped",
                self.output.meta().dtype
            );
            warnings.push(("clipped".to_owned(), message));
        }
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

impl ConvertWorkflow {
    /// Smallest and largest value of one slab of the selection.
    fn measure(&self, source: &dyn ImageSource, id: u64) -> Result<Summary, BlockError> {
        let mut pixels = Pixels::zeros(self.source_dtype, [0; 5]);
        let region = self.selection.slab(id);
        self.selection.read(source, self.parameters.options.level, &region, &mut pixels)?;
        let (low, high) = cast::extremes(&pixels);
        Ok(Summary::new().read(pixels.bytes()).with("low", low).with("high", high))
    }
}

struct ConvertStage<'a> {
    workflow: &'a ConvertWorkflow,
    source: Arc<dyn ImageSource>,
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
        let range = w.cast.needs_range().then(|| measured_range(cx.markers));
        let buffers = cx.scratch.get::<Buffers>();
        let level = w.parameters.options.level;
        w.selection.read(self.source.as_ref(), level, &block.write, &mut buffers.read)?;
        let meta = w.output.meta();
        let same = w.cast.is_identity();
        let mut clipped = 0;
        if !same {
            let cast = w.cast.with_range(range);
            clipped = cast.apply(&buffers.read, meta, &block.write, &mut buffers.write)?;
        }
        let pixels = if same { &buffers.read } else { &buffers.write };
        let keys = self.sink.write(0, &block.write, pixels)?;
        Ok(Summary::new()
            .read(buffers.read.bytes())
            .with("clipped", clipped)
            .wrote(&self.container, keys))
    }
}

fn measured_range(markers: &Markers) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for summary in markers.summaries("range").flatten() {
        let value = |key: &str| summary.get(key).and_then(serde_json::Value::as_f64);
        range.0 = range.0.min(value("low").unwrap_or(f64::INFINITY));
        range.1 = range.1.max(value("high").unwrap_or(f64::NEG_INFINITY));
    }
    range
}
