//! `hooke events register`: motion taken out of a movie.
//!
//! Stages: `motion` (template, shifts of every frame, the gate), `warp` (the blocks of the output).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::ImageSink;
use hooke_core::image::SourceError;
use hooke_core::plan::{Block, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Axes, Budget, Dtype, ImageMeta, Pixels, Region};
use hooke_events::register::{
    BlockEstimate, BlockEstimator, CLIPPED, FrameQuality, Gate, HALO, LOW_QUALITY, Mode,
    RegisterParams, RigidEstimator, Settled, ShiftRow, ShiftTable, Template, TemplateStats, Valid,
    settle_blocks, settle_rigid,
};
use hooke_io::ChunkCache;
use hooke_io::npy::NpySink;
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::delta::stop_if_asked;
use super::error::EventsError;
use super::movie::{Movie, MovieOptions};
use super::shift_table::{read_shifts, write_shifts};
use super::sidecar::{Sidecar, beside, stem};
use super::template::{FrameError, template_image};
use super::warp::Warping;
use super::work_array::{WorkArray, cut};
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow, stamp_input,
};
use crate::image_output::{FirstStage, ImageOutput, Store};
use crate::json_file::{read_json, write_json};
use crate::options::absolute;
use crate::step::place;

/// What is registered, and how, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterOptions {
    /// The movie.
    #[serde(flatten)]
    pub movie: MovieOptions,
    /// The method.
    pub params: RegisterParams,
    /// The channel that motion is found in; the movie's own when missing.
    pub reference_channel: Option<String>,
    /// An image to register on.
    pub template: Option<PathBuf>,
    /// A table of shifts to be applied instead of finding them.
    pub apply: Option<PathBuf>,
    /// Where the displacement of every pixel is written, `(frame, y, x, 2)`; NPY.
    pub export_field: Option<PathBuf>,
    /// Of each of so many frames the first.
    pub field_every: usize,
    /// How the output is stored.
    pub store: Store,
    /// The movie to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct RegisterWorkflow {
    options: RegisterOptions,
    movie: Movie,
    output: ImageOutput,
}

/// What `motion` leaves for `warp`.
#[derive(Debug, Serialize, Deserialize)]
struct Motion {
    rows: Vec<ShiftRow>,
    mode: Mode,
    gate: Gate,
    stats: TemplateStats,
    valid: Valid,
}

const MOTION: &str = "motion.json";
const TEMPLATE: &str = "template";
/// Bytes per pixel of a frame while its motion is found, and while it is moved.
const PER_PIXEL: u64 = 64;

impl RegisterWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "events register",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(RegisterWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the movie and checks the options.
    ///
    /// # Errors
    /// When a file cannot be opened, or an option is no value.
    pub fn new(options: RegisterOptions) -> Result<RegisterWorkflow, EventsError> {
        options.params.validate()?;
        let movie = Movie::open(&options.movie, &Arc::new(ChunkCache::new(0)))?;
        let options = RegisterOptions {
            movie: movie.options.clone(),
            template: options.template.as_deref().map(absolute),
            apply: options.apply.as_deref().map(absolute),
            export_field: options.export_field.as_deref().map(absolute),
            output: absolute(&options.output),
            ..options
        };
        if options.field_every == 0 {
            return Err(EventsError::usage(
                "--field-every 0 is no number of frames",
                "write 1 or more",
            ));
        }
        let meta = movie.meta(&stem(&options.output), movie.dtype());
        let output = ImageOutput::new(&options.output, meta, &options.store)?;
        let workflow = RegisterWorkflow { options, movie, output };
        let [frames, height, width] = workflow.movie.shape();
        if let Some(path) = &workflow.options.apply {
            let table = ShiftTable::from_rows(&read_shifts(path)?, [height, width])?;
            if table.len() != frames {
                let what = format!(
                    "{} has the shifts of {} frames, the movie has {frames}",
                    path.display(),
                    table.len()
                );
                return Err(EventsError::unfit(what, "choose the same frames with --frames"));
            }
        }
        if let Some(path) = &workflow.options.template {
            let image = template_image(path)?;
            if image.dim() != (height, width) {
                let what = format!(
                    "{} is {:?} over y, x, frames of the movie are {:?}",
                    path.display(),
                    image.dim(),
                    (height, width)
                );
                return Err(EventsError::unfit(what, "give an image of the same field of view"));
            }
        }
        Ok(workflow)
    }

    /// The channel that motion is found in.
    fn reference(&self, cache: &Arc<ChunkCache>) -> Result<Movie, EventsError> {
        let channel = self.options.reference_channel.clone().or(self.options.movie.channel.clone());
        Movie::open(&MovieOptions { channel, ..self.options.movie.clone() }, cache)
    }

    fn motion(
        &self,
        cache: &Arc<ChunkCache>,
        work: &WorkDir,
        cx: &BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let movie = self.reference(cache)?;
        let [frames, height, width] = movie.shape();
        let params = &self.options.params;
        let frame = |t: usize| -> Result<Array2<f32>, FrameError> {
            let read = movie.read([t..t + 1, 0..height, 0..width]).map_err(FrameError::Source)?;
            Ok(read.index_axis_move(Axis(0), 0))
        };
        let template = match &self.options.template {
            Some(path) => Template::from_image(template_image(path)?.view())?,
            None => {
                cx.progress.start("template", 1, "image");
                let built = Template::build([frames, height, width], frame, params);
                built.map_err(FrameError::into_source)?
            }
        };
        stop_if_asked(cx)?;
        let settled = match &self.options.apply {
            Some(path) => {
                let table = ShiftTable::from_rows(&read_shifts(path)?, [height, width])?;
                let mode = if table.has_blocks() { Mode::Piecewise } else { Mode::Rigid };
                Settled { table, gate: Gate::default(), mode }
            }
            None => self.estimate(&movie, &template, cx)?,
        };
        let image = template.image().insert_axis(Axis(0));
        let array = WorkArray::create(work, TEMPLATE, [1, height, width], Dtype::Float32)?;
        array.write(&[0..1, 0..height, 0..width], image)?;
        let motion = Motion {
            rows: settled.table.rows().collect(),
            mode: settled.mode,
            gate: settled.gate,
            stats: *template.stats(),
            valid: settled.table.valid(),
        };
        write_json(&work.private("register")?.join(MOTION), &motion)?;
        Ok(Summary::new())
    }

    fn estimate(
        &self,
        movie: &Movie,
        template: &Template,
        cx: &BlockContext<'_>,
    ) -> Result<Settled, BlockError> {
        let [frames, height, width] = movie.shape();
        let (shape, params) = ([height, width], &self.options.params);
        if params.mode == Mode::None || frames < 2 {
            let table = ShiftTable::still(shape, frames);
            return Ok(Settled { table, gate: Gate::default(), mode: Mode::None });
        }
        let bytes = (height * width) as u64 * PER_PIXEL;
        let slabs =
            cut(frames, ((cx.budget.for_blocks() / 2 / bytes.max(1)) as usize).clamp(1, 256));
        let estimator = RigidEstimator::new(template, params)?;
        let mut estimates = Vec::with_capacity(frames);
        cx.progress.start("shifts", slabs.len() as u64, "slabs");
        for slab in &slabs {
            stop_if_asked(cx)?;
            let read = movie.read([slab.clone(), 0..height, 0..width])?;
            estimates.extend(estimator.estimate(read.view(), slab.start)?);
            cx.progress.advance(1, 4 * read.len() as u64);
        }
        let rigid = settle_rigid(&estimates, params);
        let Some(estimator) = BlockEstimator::new(template, params)?.filter(|_| rigid.moves) else {
            return Ok(rigid.without_blocks(shape));
        };
        let mut estimates: Vec<Vec<BlockEstimate>> = Vec::with_capacity(frames);
        cx.progress.start("blocks", slabs.len() as u64, "slabs");
        for slab in &slabs {
            stop_if_asked(cx)?;
            let around = slab.start.saturating_sub(HALO)..frames.min(slab.end + HALO);
            let read = movie.read([around.clone(), 0..height, 0..width])?;
            estimates.extend(estimator.estimate(
                read.view(),
                around.start,
                slab.clone(),
                &rigid,
            )?);
            cx.progress.advance(1, 4 * read.len() as u64);
        }
        Ok(settle_blocks(rigid, &estimator, &estimates, shape, params))
    }

    fn found(&self, work: &WorkDir) -> Result<(Motion, ShiftTable, Array2<f32>), SourceError> {
        let motion: Motion = read_json(&work.private("register")?.join(MOTION))?;
        let [_, height, width] = self.movie.shape();
        let table = ShiftTable::from_rows(&motion.rows, [height, width])?;
        let array = WorkArray::open(work, TEMPLATE, [1, height, width], Dtype::Float32)?;
        let template = array.read(&[0..1, 0..height, 0..width])?.index_axis_move(Axis(0), 0);
        Ok((motion, table, template))
    }

    /// Writes the displacement of every pixel.
    fn field(
        &self,
        path: &Path,
        work: &WorkDir,
        cx: &BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let (_, table, _) = self.found(work)?;
        let frames: Vec<usize> = (0..table.len()).step_by(self.options.field_every).collect();
        let [y, x] = table.shape().map(|n| n as u64);
        let axes = Axes::parse("tzyx").unwrap_or(Axes::TCZYX);
        let shape = [frames.len() as u64, 1, y, x, 2];
        let sink = NpySink::create(
            &place(work, path),
            &ImageMeta::new("field", axes, shape, Dtype::Float32),
        )?;
        cx.progress.start("field", frames.len() as u64, "frames");
        for (i, t) in frames.into_iter().enumerate() {
            stop_if_asked(cx)?;
            let samples: Vec<f32> = table.field(t).iter().copied().collect();
            let region = Region::new([i as u64, 0, 0, 0, 0], [1, 1, y, x, 2]);
            sink.write(0, &region, &Pixels::from_vec(region.shape, samples))?;
            cx.progress.advance(1, 8 * y * x);
        }
        sink.finish()?;
        Ok(Summary::new())
    }

    /// Puts the correlations together that blocks left.
    fn correlations(&self, work: &WorkDir, table: &mut ShiftTable) -> Result<(), SourceError> {
        for entry in std::fs::read_dir(work.private("r")?)? {
            let found: Vec<(usize, f32, f32)> = read_json(&entry?.path())?;
            found.into_iter().for_each(|(t, before, after)| table.set_r(t, before, after));
        }
        Ok(())
    }

    fn warnings(&self, motion: &Motion, table: &ShiftTable) -> Vec<Warning> {
        let notices = self.movie.notices.iter().map(|(c, m)| Warning::new(c, m.clone()));
        let mut warnings: Vec<Warning> = notices.collect();
        let [frames, height, width] = self.movie.shape();
        let params = &self.options.params;
        let wants_blocks = matches!(params.mode, Mode::Auto | Mode::Piecewise);
        if wants_blocks && !params.has_blocks([height, width]) && self.options.apply.is_none() {
            let what = format!(
                "frames of {height} x {width} pixels hold no two blocks: rigid shifts only"
            );
            warnings.push(Warning::new("rigid-only", what));
        }
        let part = |n: usize| 100.0 * n as f64 / frames.max(1) as f64;
        let (clipped, poor) = (table.count_flag(CLIPPED), table.count_flag(LOW_QUALITY));
        if clipped > 0 {
            let what = format!("{:.1} % of the frames reach --max-shift", part(clipped));
            warnings.push(Warning::new("frames-clipped", what));
        }
        if 10 * poor > frames {
            let what =
                format!("{:.1} % of the frames resemble the template too little", part(poor));
            warnings.push(Warning::new("frames-low-quality", what));
        }
        if motion.mode == Mode::None && params.mode != Mode::None && frames > 1 {
            let what = "no motion could be proven: the movie is copied as it is";
            warnings.push(Warning::new("no-motion", what.to_owned()));
        }
        warnings.extend(self.output.lost().map(|(c, m)| Warning::new(&c, m)));
        warnings
    }

    fn write_template(&self, work: &WorkDir, template: &Array2<f32>) -> Result<(), SourceError> {
        let path = work
            .data()
            .join(beside(&self.options.output, "template.tif").file_name().unwrap_or_default());
        super::measure::write_plane(&path, template, "template")
    }
}

impl Workflow for RegisterWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let [_, height, width] = self.movie.shape();
        let frame = (height * width) as u64;
        let first = FirstStage {
            name: "warp",
            after: &["motion"],
            halo: [0; 5],
            // A frame is moved whole, whatever part of it a block holds.
            bytes: &|write| {
                let samples = write[0] * frame * self.movie.dtype().size() as u64;
                2 * samples + PER_PIXEL * frame * budget.threads.max(1) as u64
            },
        };
        let planned = self.output.stages(&first, budget)?;
        let files = ["shifts.parquet", "register.json", "template.tif"];
        let files =
            files.map(|name| OutputSpec::file(beside(&self.options.output, name), frame * 4));
        let mut stages = vec![Stage::one("motion", &[], budget.for_blocks())];
        let mut outputs: Vec<OutputSpec> = planned.outputs.into_iter().chain(files).collect();
        if let Some(path) = &self.options.export_field {
            stages.push(Stage::one("field", &["motion"], 32 * frame));
            let count = self.movie.shape()[0].div_ceil(self.options.field_every) as u64;
            outputs.push(OutputSpec::file(path.clone(), 8 * frame * count));
        }
        stages.extend(planned.stages);
        let planned = Planned { stages, outputs, work_bytes: planned.work_bytes + 8 * frame };
        let mut inputs = vec![self.movie.stamp()?];
        for file in [&self.options.template, &self.options.apply].into_iter().flatten() {
            inputs.push(stamp_input(file, None)?);
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
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        match stage {
            "motion" => Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                self.motion(&cache, work, cx)
            })),
            "warp" => {
                let (motion, table, template) = self.found(work)?;
                let template = Template::from_image(template.view())?;
                let quality = FrameQuality::new(&template, motion.valid, &self.options.params);
                let stage = Warping {
                    params: &self.options.params,
                    movie: Movie::open(&self.options.movie, &cache)?,
                    table,
                    quality,
                    sink: self.output.open_sink(work)?,
                    container: self.output.container(work),
                };
                Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| stage.run(block, work)))
            }
            "field" => {
                let path = self.options.export_field.as_ref().ok_or("no field is wanted")?;
                Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| self.field(path, work, cx)))
            }
            other => self.output.open_stage(other, work),
        }
    }

    fn finish(&self, plan: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let mut outputs = self.output.finish(work)?;
        let (motion, mut table, template) = self.found(work)?;
        self.correlations(work, &mut table)?;
        let path = beside(&self.options.output, "shifts.parquet");
        write_shifts(&work.data().join(path.file_name().unwrap_or_default()), &table)?;
        self.write_template(work, &template)?;
        let result = json!({
            "mode_requested": self.options.params.mode,
            "mode_used": motion.mode,
            "gate": motion.gate,
            "template_crispness_before": motion.stats.crispness_none,
            "template_crispness_after": motion.stats.crispness_after(motion.mode),
            "valid": motion.valid,
            "max_shift_seen": table.max_shift_seen(),
            "frames_clipped": table.count_flag(CLIPPED),
            "frames_low_quality": table.count_flag(LOW_QUALITY),
        });
        let record =
            |path: PathBuf, format: &str| crate::engine_output(&path, format, vec![], None);
        outputs.push(record(path, "parquet"));
        outputs.extend(self.options.export_field.iter().map(|p| record(p.clone(), "npy")));
        outputs.push(record(beside(&self.options.output, "template.tif"), "tiff"));
        let sidecar =
            Sidecar { path: beside(&self.options.output, "register.json"), result: &result };
        outputs.push(sidecar.write(plan, work)?);
        let warnings = self.warnings(&motion, &table);
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}
