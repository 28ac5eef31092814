//! `hooke events delta`: the baseline of every pixel taken out of a movie.
//!
//! Stages: `levels` (the level of each frame), `baseline` (blocks of rows with all frames), `delta` (the
//! blocks of the output).

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Dtype, Pixels};
use hooke_events::delta::{Delta, DeltaParams, Quantity, Report, frame_level};
use hooke_filters::order::median;
use hooke_io::ChunkCache;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::EventsError;
use super::movie::{Movie, MovieOptions};
use super::sidecar::{Sidecar, beside, spans, stem, valid_area};
use super::work_array::{WorkArray, cut, row_blocks, row_bytes};
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow,
};
use crate::image_output::{FirstStage, ImageOutput, Store};
use crate::json_file::{read_json, write_json};
use crate::options::absolute;

/// What is taken out of which movie, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaOptions {
    /// The movie.
    #[serde(flatten)]
    pub movie: MovieOptions,
    /// The method.
    pub params: DeltaParams,
    /// How the output is stored.
    pub store: Store,
    /// The movie to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct DeltaWorkflow {
    options: DeltaOptions,
    movie: Movie,
    output: ImageOutput,
}

/// What the baselines say, all pixels together.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    noise_sd_median: f32,
    report: Report,
}

const KNOTS: &str = "knots";
const LEVELS: &str = "levels.json";
const TOLD: &str = "baseline.json";
/// Times the samples of a block of rows: as read, as a baseline, and what finding it takes.
const COPIES: u64 = 4;

impl DeltaWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "events delta",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(DeltaWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the movie and checks the options.
    ///
    /// # Errors
    /// When the movie cannot be opened, or an option is no value.
    pub fn new(options: DeltaOptions) -> Result<DeltaWorkflow, EventsError> {
        options.params.validate()?;
        let movie = Movie::open(&options.movie, &Arc::new(ChunkCache::new(0)))?;
        let (output, own) = (absolute(&options.output), movie.options.clone());
        let options = DeltaOptions { movie: own, output, ..options };
        let meta = movie.meta(&stem(&options.output), Dtype::Float32);
        let output = ImageOutput::new(&options.output, meta, &options.store)?;
        Ok(DeltaWorkflow { options, movie, output })
    }

    fn sidecar(&self) -> PathBuf {
        beside(&self.options.output, "delta.json")
    }

    /// The level of every frame, slab by slab.
    fn levels(
        &self,
        movie: &Movie,
        work: &WorkDir,
        cx: &BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let [frames, height, width] = movie.shape();
        let frame = (height * width) as u64 * movie.bytes_per_sample();
        let slabs =
            cut(frames, ((cx.budget.for_blocks() / 4 / frame.max(1)) as usize).clamp(1, 256));
        cx.progress.start("levels", slabs.len() as u64, "slabs");
        let mut levels: Vec<f32> = Vec::with_capacity(frames);
        for slab in slabs {
            stop_if_asked(cx)?;
            let read = movie.read([slab, 0..height, 0..width])?;
            levels.extend(read.outer_iter().map(frame_level));
            cx.progress.advance(1, read.len() as u64 * 4);
        }
        write_json(&work.private("delta")?.join(LEVELS), &levels)?;
        Ok(Summary::new())
    }

    fn prepared(&self, work: &WorkDir) -> Result<Delta, SourceError> {
        let levels: Vec<f32> = read_json(&work.private("delta")?.join(LEVELS))?;
        Ok(Delta::new(self.options.params.clone(), &levels)?)
    }

    /// The baselines of all pixels, block of rows by block of rows.
    fn baselines(
        &self,
        movie: &Movie,
        work: &WorkDir,
        cx: &BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let delta = self.prepared(work)?;
        let [frames, height, width] = movie.shape();
        let knots = delta.knots();
        let array = WorkArray::create(work, KNOTS, [knots, height, width], Dtype::Float32)?;
        let blocks = row_blocks(movie.shape(), 0, 4 * COPIES, cx.budget.for_blocks());
        cx.progress.start("baseline", blocks.len() as u64, "blocks");
        let (mut noise, mut report) = (Vec::new(), Report::default());
        for rows in blocks {
            stop_if_asked(cx)?;
            let read = movie.read([0..frames, rows.clone(), 0..width])?;
            let found = delta.baselines(read.view())?;
            array.write(&[0..knots, rows, 0..width], found.knots.view())?;
            noise.extend(found.noise_sd.iter().copied());
            report = report.and(found.report);
            cx.progress.advance(1, read.len() as u64 * 4);
        }
        let told = Told { noise_sd_median: median(&mut noise).unwrap_or(0.0), report };
        write_json(&work.private("delta")?.join(TOLD), &told)?;
        Ok(Summary::new())
    }

    fn told(&self, work: &WorkDir) -> Result<Told, SourceError> {
        read_json(&work.private("delta")?.join(TOLD))
    }

    fn warnings(&self, told: &Told) -> Vec<Warning> {
        let notices = self.movie.notices.iter().map(|(c, m)| Warning::new(c, m.clone()));
        let mut warnings: Vec<Warning> = notices.collect();
        let frames = self.movie.shape()[0];
        if self.options.params.window.is_some_and(|w| w > frames) {
            let what = format!("the window is longer than the movie: {frames} frames are taken");
            warnings.push(Warning::new("window-clipped", what));
        }
        if told.report.pixels_busy > 0 {
            let what = format!(
                "{} pixels are active in more than half of some window, so that their baseline is too high: a \
                 longer --window helps",
                told.report.pixels_busy
            );
            warnings.push(Warning::new("pixels-busy", what));
        }
        if self.options.params.method == Quantity::DeltaFOverF && told.report.pixels_floored > 0 {
            let what = format!(
                "{} pixels have a baseline below the floor of dF/F: check --offset",
                told.report.pixels_floored
            );
            warnings.push(Warning::new("pixels-floored", what));
        }
        warnings.extend(self.output.lost().map(|(c, m)| Warning::new(&c, m)));
        warnings
    }
}

pub(super) fn stop_if_asked(cx: &BlockContext<'_>) -> Result<(), BlockError> {
    match cx.progress.is_cancelled() {
        true => Err(BlockError::Cancelled),
        false => Ok(()),
    }
}

impl Workflow for DeltaWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let first = FirstStage {
            name: "delta",
            after: &["baseline"],
            halo: [0; 5],
            // As read, as f32, the baseline, and what is written.
            bytes: &|write| write.iter().product::<u64>() * (self.movie.bytes_per_sample() + 16),
        };
        let whole = budget.for_blocks();
        let row = row_bytes(self.movie.shape(), 0, 4 * COPIES);
        if row > whole {
            let what = format!("--memory: a row of all frames needs {row} bytes");
            return Err(EventsError::usage(what, "give more memory, or fewer --frames").into());
        }
        let planned = self.output.stages(&first, budget)?;
        let before =
            [Stage::one("levels", &[], whole / 2), Stage::one("baseline", &["levels"], whole)];
        let beside = OutputSpec::file(self.sidecar(), 1 << 12);
        let planned = Planned {
            stages: before.into_iter().chain(planned.stages).collect(),
            outputs: planned.outputs.into_iter().chain([beside]).collect(),
            work_bytes: planned.work_bytes
                + self.output.meta().bytes() / self.options.params.bin as u64,
        };
        planned.into_plan(&Self::REGISTERED, &self.options, vec![self.movie.stamp()?], budget)
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
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        let movie = Movie::open(&self.options.movie, &cache)?;
        match stage {
            "levels" => Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                self.levels(&movie, work, cx)
            })),
            "baseline" => Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                self.baselines(&movie, work, cx)
            })),
            "delta" => {
                let delta = self.prepared(work)?;
                let [_, height, width] = movie.shape();
                let knots =
                    WorkArray::open(work, KNOTS, [delta.knots(), height, width], Dtype::Float32)?;
                let (sink, container) = (self.output.open_sink(work)?, self.output.container(work));
                Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
                    let [t, y, x] = spans(&block.write);
                    let values =
                        delta_of(&delta, &movie, &knots, [t, y, x], self.options.params.method)?;
                    let (samples, _) = values.into_raw_vec_and_offset();
                    let pixels = Pixels::from_vec(block.write.shape, samples);
                    let keys = sink.write(0, &block.write, &pixels)?;
                    Ok(Summary::new().read(pixels.bytes()).wrote(&container, keys))
                }))
            }
            other => self.output.open_stage(other, work),
        }
    }

    fn finish(&self, plan: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let mut outputs = self.output.finish(work)?;
        let told = self.told(work)?;
        let valid = valid_area(&self.options.movie.movie)
            .map(|[y0, y1, x0, x1]| json!({"y0": y0, "y1": y1, "x0": x0, "x1": x1}));
        let result = json!({
            "valid": valid,
            "method": self.options.params.method,
            "noise_sd_median": told.noise_sd_median,
            "baseline_min": told.report.baseline_min,
            "pixels_floored": told.report.pixels_floored,
            "pixels_busy": told.report.pixels_busy,
        });
        outputs.push(Sidecar { path: self.sidecar(), result: &result }.write(plan, work)?);
        Ok(Finished { outputs, warnings: self.warnings(&told), result, ..Finished::default() })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}

/// What is made of a part of the movie; the first frame may be a copy of the second one.
fn delta_of(
    delta: &Delta,
    movie: &Movie,
    knots: &WorkArray,
    [t, y, x]: [std::ops::Range<usize>; 3],
    method: Quantity,
) -> Result<ndarray::Array3<f32>, SourceError> {
    let baseline = knots.read(&[0..delta.knots(), y.clone(), x.clone()])?;
    let read = movie.read([t.clone(), y.clone(), x.clone()])?;
    let mut values = delta.frames(t.start, read.view(), baseline.view(), method);
    if t.start == 0 && delta.repeats_second_frame() {
        let second = movie.read([1..2, y, x])?;
        let second = delta.frames(1, second.view(), baseline.view(), method);
        values.slice_mut(ndarray::s![..1, .., ..]).assign(&second);
    }
    Ok(values)
}
