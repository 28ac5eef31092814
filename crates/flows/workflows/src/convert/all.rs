//! `hooke convert --image all`: every image of a file, as a set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSource, SourceError};
use hooke_core::plan::Plan;
use hooke_core::provenance::Warning;
use hooke_core::{Budget, ImageMeta, Pixels, Region};
use hooke_io::ChunkCache;
use hooke_io::http::absolute;
use serde_json::json;

use super::cast::clip_warning;
use super::view::{View, Views, open_dataset, wanted_images};
use super::{Cast, ConvertError, ConvertOptions, ConvertWorkflow, Parameters, meta, stamps_of};
use crate::engine::{BlockContext, BlockError, Finished, Markers, RunBlock, WorkDir, Workflow};
use crate::image_output::{FirstSetStage, MapStage, SetOutput, Store, TileMap, counted};

/// The workflow.
pub struct ConvertAllWorkflow {
    parameters: Parameters,
    views: Vec<Arc<dyn View>>,
    /// What a user should know about the file.
    problems: Vec<(String, String)>,
    /// Files that are read beside the input.
    files: Vec<PathBuf>,
    casts: Vec<Cast>,
    metas: Vec<ImageMeta>,
    output: SetOutput,
}

impl ConvertAllWorkflow {
    /// Opens the input and decides what the output will be.
    ///
    /// # Errors
    /// When the input cannot be opened, its images make no set of one type, or the target cannot hold them.
    pub fn new(
        options: ConvertOptions,
        inputs: &[PathBuf],
        output: &Path,
    ) -> Result<ConvertAllWorkflow, ConvertError> {
        let inputs: Vec<PathBuf> = inputs.iter().map(|p| absolute(p)).collect();
        check(&options, &inputs)?;
        let parameters = Parameters { options, inputs, output: absolute(output) };
        let options = &parameters.options;
        let opened = Opened::new(&parameters, &Arc::new(ChunkCache::new(0)))?;
        let views: Vec<Arc<dyn View>> = opened.views.iter().map(|v| Arc::clone(&v.last)).collect();
        let metas: Vec<ImageMeta> =
            views.iter().map(|v| meta::output(v.meta(), options)).collect::<Result<_, _>>()?;
        if let Some(other) = metas.iter().find(|m| m.dtype != metas[0].dtype) {
            let (a, b) = (&metas[0], other);
            return Err(ConvertError::parameters(
                format!("image `{}` is {}, `{}` is {}", a.name, a.dtype, b.name, b.dtype),
                "a set has one sample type: give --dtype, or convert them one by one with --image N",
            ));
        }
        let cast = |(view, meta): (&Arc<dyn View>, &ImageMeta)| {
            Cast::new(&options.cast, &options.range, view.meta().dtype, meta.dtype)
        };
        let casts: Vec<Cast> = views.iter().zip(&metas).map(cast).collect::<Result<_, _>>()?;
        if casts.iter().any(|c| c.measures().is_some()) {
            return Err(ConvertError::parameters(
                format!("--range {}: it is not measured over several images", options.range),
                "give --range LO,HI",
            ));
        }
        let positions = vec![None; metas.len()];
        let store = Store { labels: options.labels, ..options.store.clone() };
        let target = SetOutput::new(&parameters.output, metas.clone(), positions, &store)?;
        let files = opened.views.iter().flat_map(|v| v.files.clone()).take(1).collect();
        let problems = opened.problems;
        Ok(ConvertAllWorkflow { views, problems, files, casts, metas, output: target, parameters })
    }
}

/// Refuses what is of one image only.
fn check(options: &ConvertOptions, inputs: &[PathBuf]) -> Result<(), ConvertError> {
    let refuse = |what: &str, hint: &str| Err(ConvertError::parameters(what, hint));
    let each = "convert the images one by one, with --image N";
    if inputs.len() != 1 {
        return refuse("--image all takes one input", each);
    }
    if options.verify {
        return refuse("--verify compares one image", each);
    }
    if options.store.format.is_some() {
        return refuse(
            "--to names the format of one image",
            "choose .zarr, .xml or .csv by suffix",
        );
    }
    if options.store.bdv != "hdf5" {
        return refuse("--image all writes BigDataViewer sets as HDF5", "leave --bdv out");
    }
    Ok(())
}

/// All images of the input, as they are converted.
struct Opened {
    views: Vec<Views>,
    problems: Vec<(String, String)>,
}

impl Opened {
    fn new(parameters: &Parameters, cache: &Arc<ChunkCache>) -> Result<Opened, ConvertError> {
        let (input, options) = (&parameters.inputs[0], &parameters.options);
        let dataset = open_dataset(input, options, None, cache)?;
        let view = |i: &usize| -> Result<Views, ConvertError> {
            let image: Arc<dyn ImageSource> = Arc::clone(&dataset.images()[*i]);
            let views = Views::of(vec![image], &parameters.inputs, options, cache, None)?;
            match views.statistic {
                None => Ok(views),
                Some(_) => Err(ConvertError::parameters(
                    "--subtract of a statistic is of one image",
                    "convert the images one by one, with --image N",
                )),
            }
        };
        let wanted = wanted_images(dataset.as_ref(), options);
        let views: Vec<Views> = wanted.iter().map(view).collect::<Result<_, _>>()?;
        let mut problems: Vec<(String, String)> =
            dataset.problems().iter().map(|p| (p.code.clone(), p.message.clone())).collect();
        problems.extend(views.iter().flat_map(|v| v.problems.clone()));
        problems.dedup();
        Ok(Opened { views, problems })
    }
}

struct ConvertMap<'a> {
    workflow: &'a ConvertAllWorkflow,
    views: Vec<Arc<dyn View>>,
}

/// The block as it was read.
#[derive(Default)]
struct Read(Option<Pixels>);

impl TileMap for ConvertMap<'_> {
    fn map(
        &self,
        image: usize,
        region: &Region,
        cx: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        let (view, cast) = (&self.views[image], &self.workflow.casts[image]);
        if cast.is_identity() {
            return Ok(view.read(region, out)?);
        }
        let left = cx.scratch.get::<Read>().0.take();
        let mut read = left.unwrap_or_else(|| Pixels::zeros(view.meta().dtype, [0; 5]));
        let clipped = view.read(region, &mut read)?;
        let more = cast.apply(&read, &self.workflow.metas[image], region, out)?;
        cx.scratch.get::<Read>().0 = Some(read);
        Ok(clipped + more)
    }
}

impl Workflow for ConvertAllWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let bytes = |image: usize, write: [u64; 5]| {
            let view = &self.views[image];
            let voxels = write.iter().fold(1u64, |n, s| n.saturating_mul(*s));
            let sample = 2 * (view.meta().dtype.size() + self.output.dtype().size()) as u64;
            voxels.saturating_mul(sample).saturating_add(view.scratch_bytes(write))
        };
        let first = FirstSetStage { name: "convert", after: &[], bytes: &bytes };
        let planned = self.output.stages(&first, budget)?;
        planned.into_plan(
            &ConvertWorkflow::REGISTERED,
            &self.parameters,
            stamps_of(&self.parameters.inputs, &self.files)?,
            budget,
        )
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
        if stage != "convert" {
            return self.output.open_stage(stage, work);
        }
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        let views = Opened::new(&self.parameters, &cache)?.views.into_iter().map(|v| v.last);
        let read_bytes = self.views[0].meta().dtype.size() as u64;
        let map = ConvertMap { workflow: self, views: views.collect() };
        let (sinks, dtype) = (self.output.sinks(work), self.output.dtype());
        Ok(Box::new(MapStage { map, sinks, dtype, read_bytes }))
    }

    fn finish(&self, _: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let all_once = self.views.iter().all(|v| v.reads_once());
        let clipped = Some(counted(done, "convert")).filter(|n| *n == 0 || all_once);
        let mut warnings = self.problems.clone();
        warnings.extend(clip_warning(clipped, self.output.dtype()));
        warnings.extend(self.output.lost());
        let warnings = warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect();
        let result = json!({"images": self.views.len(), "clipped": clipped});
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}
