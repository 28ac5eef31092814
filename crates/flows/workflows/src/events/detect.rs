//! `hooke events detect`: the events of a movie, found and measured.
//!
//! Stages, each of which leaves its arrays for the next: `noise`, `peaks` (blocks of rows with all frames),
//! `marks`, `clean-N`, `label`, `write`, `measure` (slabs of whole frames). Given labels skip to `import`,
//! `write` and `measure`.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Dtype};
use hooke_events::detect::DetectParams;
use hooke_io::ChunkCache;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::detect_steps::{PER_SAMPLE, Steps};
use super::error::EventsError;
use super::movie::{Movie, MovieOptions};
use super::sidecar::valid_area;
use super::work_array::row_bytes;
use crate::engine::{
    BlockContext, Finished, Markers, Planned, Registered, RunBlock, WorkDir, Workflow, stamp_input,
};
use crate::image_output::{Store, check_writable};
use crate::json_file::read_json;
use crate::options::absolute;

/// What is found in which movie, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectOptions {
    /// The movie.
    #[serde(flatten)]
    pub movie: MovieOptions,
    /// The method.
    pub params: DetectParams,
    /// A label map of the movie's shape, to be measured instead of detecting.
    pub labels: Option<PathBuf>,
    /// How the event map is stored: `zarr`, `tiff`, `h5` or `npy`.
    pub map_format: String,
    /// An event larger than this part of all voxels is warned of.
    pub max_size: f64,
    /// The folder to make.
    pub output: PathBuf,
}

/// The workflow.
pub struct DetectWorkflow {
    pub(super) options: DetectOptions,
    pub(super) movie: Movie,
}

/// What `measure` leaves for the end.
pub(super) const MEASURED: &str = "measured.json";
/// Samples of a slab at once: as read, smoothed, masks, labels.
const BYTES_PER_SAMPLE: u64 = 40;

impl DetectWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "events detect",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(DetectWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the movie and checks the options.
    ///
    /// # Errors
    /// When a file cannot be opened, or an option is no value.
    pub fn new(options: DetectOptions) -> Result<DetectWorkflow, EventsError> {
        options.params.validate()?;
        let cache = Arc::new(ChunkCache::new(0));
        let movie = Movie::open(&options.movie, &cache)?;
        let [_, height, width] = movie.shape();
        let inside =
            |[y0, y1, x0, x1]: &[usize; 4]| y0 < y1 && x0 < x1 && *y1 <= height && *x1 <= width;
        let found = valid_area(&movie.options.movie).filter(inside);
        let params = DetectParams { valid: options.params.valid.or(found), ..options.params };
        let options = DetectOptions {
            params,
            movie: movie.options.clone(),
            labels: options.labels.as_deref().map(absolute),
            output: absolute(&options.output),
            ..options
        };
        if !(options.max_size > 0.0 && options.max_size <= 1.0) {
            return Err(EventsError::usage(
                format!("--max-size {} is no part of a movie", options.max_size),
                "write a part of 1, like 0.2",
            ));
        }
        let workflow = DetectWorkflow { options, movie };
        check_writable(
            std::path::Path::new(&workflow.map_name()),
            &workflow.map_meta(),
            &workflow.store(),
        )?;
        if let Some(labels) = workflow.labels(&cache)? {
            let (found, wanted) = (labels.shape(), workflow.movie.shape());
            if found != wanted {
                let what = format!(
                    "{} is {found:?} over t, y, x, the movie {} is {wanted:?}",
                    labels.options.movie.display(),
                    workflow.movie.options.movie.display()
                );
                return Err(EventsError::unfit(what, "give the label map of this movie"));
            }
            if labels.dtype().is_float() {
                let what = format!("{}: labels are whole numbers", labels.options.movie.display());
                return Err(EventsError::unfit(what, "hooke convert --dtype u32 makes them so"));
            }
        }
        Ok(workflow)
    }

    /// The label map that was given.
    pub(super) fn labels(&self, cache: &Arc<ChunkCache>) -> Result<Option<Movie>, EventsError> {
        let open = |path: &PathBuf| {
            let of = MovieOptions {
                movie: path.clone(),
                frames: self.options.movie.frames.clone(),
                ..MovieOptions::default()
            };
            Movie::open(&of, cache)
        };
        self.options.labels.as_ref().map(open).transpose()
    }

    /// The file of the event map.
    pub(super) fn map_name(&self) -> String {
        let suffix = match self.options.map_format.as_str() {
            "tiff" => "tif",
            other => other,
        };
        format!("event_map.{suffix}")
    }

    pub(super) fn map_meta(&self) -> hooke_core::ImageMeta {
        let mut meta = self.movie.meta("event_map", Dtype::Uint32);
        meta.labels = true;
        meta
    }

    pub(super) fn store(&self) -> Store {
        Store { levels: "none".to_owned(), labels: true, ..Store::default() }
    }

    fn stages(&self, budget: &Budget) -> Vec<Stage> {
        let whole = budget.for_blocks();
        let mut names = match self.options.labels.is_some() {
            true => vec!["import".to_owned()],
            false => {
                let cleanings = self.options.params.cleanings().len();
                let mut names: Vec<String> = ["noise", "peaks", "marks"].map(str::to_owned).into();
                names.extend((0..cleanings).map(|i| format!("clean-{i}")));
                names.push("label".to_owned());
                names
            }
        };
        names.extend(["write", "measure"].map(str::to_owned));
        let after = |i: usize| if i > 0 { vec![names[i - 1].as_str()] } else { vec![] };
        (0..names.len()).map(|i| Stage::one(&names[i], &after(i), whole)).collect()
    }

    fn warnings(&self, measured: &Value) -> Vec<Warning> {
        let notices = self.movie.notices.iter().map(|(c, m)| Warning::new(c, m.clone()));
        let mut warnings: Vec<Warning> = notices.collect();
        if let Some([y0, y1, x0, x1]) = self.options.params.valid {
            let what = format!(
                "registration moved the edges: events are looked for in rows {y0} to {y1} and columns {x0} to {x1}"
            );
            warnings.push(Warning::new("valid-area", what));
        }
        let largest = measured["largest_fraction"].as_f64().unwrap_or(0.0);
        if largest > self.options.max_size {
            let what = format!(
                "one event covers {:.0} % of the movie: events have most likely run together; a \
                 higher --prominence parts them",
                100.0 * largest
            );
            warnings.push(Warning::new("event-merged", what));
        }
        warnings
    }
}

impl Workflow for DetectWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let [frames, height, width] = self.movie.shape();
        let frame = (height * width) as u64 * BYTES_PER_SAMPLE;
        let halo = self.options.params.halo()[1];
        let row = row_bytes(self.movie.shape(), halo, PER_SAMPLE);
        if row > budget.for_blocks() && self.options.labels.is_none() {
            let what =
                format!("--memory: a row of all frames with its neighbours needs {row} bytes");
            return Err(EventsError::usage(what, "give more memory, or fewer --frames").into());
        }
        if frame * 4 > budget.for_blocks() {
            let what =
                format!("--memory: frames of {height} x {width} pixels need {} bytes", 4 * frame);
            return Err(EventsError::usage(what, "give more memory").into());
        }
        let mut inputs = vec![self.movie.stamp()?];
        if let Some(labels) = &self.options.labels {
            inputs.push(stamp_input(labels, None)?);
        }
        let voxels = (frames * height * width) as u64;
        let planned = Planned {
            stages: self.stages(budget),
            outputs: vec![OutputSpec::file(self.options.output.clone(), voxels / 16)],
            // A mask as bytes, and the map.
            work_bytes: 5 * voxels,
        };
        planned.into_plan(&Self::REGISTERED, &self.options, inputs, budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())
            .map_err(|e| hooke_io::Error::io(work.data(), "create", e))?;
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        plan: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        let movie = Movie::open(&self.options.movie, &cache)?;
        let labels = self.labels(&cache)?;
        let stage = stage.to_owned();
        Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
            let slab = cx.budget.for_blocks() / 2;
            let steps = Steps { workflow: self, movie: &movie, work, slab, cx };
            match (stage.as_str(), &labels) {
                ("import", Some(labels)) => steps.import(labels),
                ("noise", _) => steps.noise(),
                ("peaks", _) => steps.peaks(),
                ("marks", _) => steps.marks(),
                ("label", _) => steps.label(),
                ("write", _) => steps.write_map(),
                ("measure", _) => steps.measure(),
                (other, _) => {
                    let number = other.strip_prefix("clean-").and_then(|n| n.parse().ok());
                    steps.clean(number.ok_or_else(|| format!("no stage `{other}`"))?)
                }
            }
        }))
    }

    fn finish(&self, plan: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let measured: Value = read_json(&work.private("detect")?.join(MEASURED))?;
        let mut meta = json!({
            "hooke": env!("CARGO_PKG_VERSION"),
            "command": plan.command,
            "parameters": plan.parameters,
            "parameter_hash": plan.hash.short(),
            "inputs": plan.inputs.iter().map(|i| &i.path).collect::<Vec<_>>(),
            "shape": self.movie.shape(),
        });
        if let (Some(meta), Some(own)) = (meta.as_object_mut(), measured.as_object()) {
            meta.extend(own.clone());
        }
        let text = serde_json::to_vec_pretty(&meta)?;
        hooke_io::atomic::write_file(&work.data().join("meta.json"), &[&text])?;
        let shape: Vec<u64> = self.movie.shape().iter().map(|n| *n as u64).collect();
        let record = |name: &str, format: &str, shape: Vec<u64>, dtype| {
            crate::engine_output(&self.options.output.join(name), format, shape, dtype)
        };
        let mut outputs = vec![
            record(&self.map_name(), &self.options.map_format, shape.clone(), Some(Dtype::Uint32)),
            record("events.parquet", "parquet", vec![], None),
            record("time_map.parquet", "parquet", vec![], None),
            record("meta.json", "json", vec![], None),
            record("report.html", "html", vec![], None),
        ];
        if self.options.labels.is_none() {
            outputs.push(record("noise_sd.tif", "tiff", shape[1..].to_vec(), Some(Dtype::Float32)));
        }
        let warnings = self.warnings(&measured);
        Ok(Finished { outputs, warnings, result: measured, ..Finished::default() })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}
