//! `hooke simulate movie`: a calcium movie of which everything is known.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, Int32Array, RecordBatch, UInt8Array};
use arrow_array::{UInt32Array, UInt64Array};
use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::plan::{Block, BlockSizing, Blocks, OutputSpec, Plan, Stage, size_blocks};
use hooke_core::{Axes, Budget, Dtype, ImageMeta, Pixels, Region, Sourced};
use hooke_events::sim::{MovieSim, MovieSimParams};
use hooke_io::npy::NpySink;
use hooke_io::ome_zarr::{self, Levels, WriteOptions};
use hooke_io::tables::write_table;
use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow,
};
use crate::events::EventsError;

/// What is simulated, and how it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovieSimOptions {
    /// The movie.
    pub params: MovieSimParams,
    /// Seconds between frames.
    pub frame_interval_s: f64,
    /// `zarr` or `npy`.
    pub format: String,
    /// Whether the displacement of every pixel is written too.
    pub field: bool,
}

/// The workflow.
pub struct SimulateMovie {
    options: MovieSimOptions,
    output: PathBuf,
    sim: MovieSim,
}

/// What is written beside the movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Movie,
    Labels,
    Df,
    Background,
    Field,
}

impl Part {
    const IMAGES: [Part; 4] = [Part::Movie, Part::Labels, Part::Df, Part::Background];

    fn name(self) -> &'static str {
        match self {
            Part::Movie => "movie",
            Part::Labels => "truth_labels",
            Part::Df => "truth_df",
            Part::Background => "truth_background",
            Part::Field => "truth_field",
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Part::Movie => Dtype::Uint16,
            Part::Labels => Dtype::Uint32,
            Part::Df | Part::Background | Part::Field => Dtype::Float32,
        }
    }
}

impl SimulateMovie {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "simulate movie",
        results_version: 1,
        open: |plan| {
            let options: MovieSimOptions = serde_json::from_value(plan.parameters.clone())?;
            let output = plan.outputs.first().map(|o| o.path.clone()).unwrap_or_default();
            Ok(Box::new(SimulateMovie::new(options, &output)?))
        },
    };

    /// Draws scene, motion and events.
    ///
    /// # Errors
    /// When such a movie cannot be.
    pub fn new(options: MovieSimOptions, output: &Path) -> Result<SimulateMovie, EventsError> {
        if !["zarr", "npy"].contains(&options.format.as_str()) {
            return Err(EventsError::usage(
                format!("--format `{}` is none of a simulated movie", options.format),
                "write zarr or npy; hooke convert writes others",
            ));
        }
        if !(options.frame_interval_s > 0.0 && options.frame_interval_s.is_finite()) {
            return Err(EventsError::usage(
                format!("--frame-interval {} is no time", options.frame_interval_s),
                "write seconds, like 0.1",
            ));
        }
        let sim = MovieSim::new(options.params.clone())?;
        Ok(SimulateMovie { options, output: crate::options::absolute(output), sim })
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        Part::IMAGES.into_iter().chain(self.options.field.then_some(Part::Field))
    }

    fn meta(&self, part: Part) -> ImageMeta {
        let params = self.sim.params();
        let [y, x] = params.size.map(|n| n as u64);
        let t = params.frames as u64;
        // The field is a stored array of (t, y, x, 2), which no axes of an image name.
        let (axes, shape) = match part {
            Part::Field => ("tzyx", [t, 1, y, x, 2]),
            _ => ("tyx", [t, 1, 1, y, x]),
        };
        let axes = Axes::parse(axes).unwrap_or(Axes::TCZYX);
        let mut meta = ImageMeta::new(part.name(), axes, shape, part.dtype());
        meta.frame_interval_s = Some(self.options.frame_interval_s);
        meta.labels = part == Part::Labels;
        if part != Part::Field {
            meta.voxel_size_um = [None, Some(1.0), Some(1.0)]
                .map(|um| um.map_or_else(Sourced::unknown, Sourced::file));
        }
        meta
    }

    fn is_npy(&self, part: Part) -> bool {
        part == Part::Field || self.options.format == "npy"
    }

    fn file(&self, part: Part) -> String {
        format!("{}.{}", part.name(), if self.is_npy(part) { "npy" } else { "zarr" })
    }

    fn sink(&self, part: Part, work: &WorkDir) -> Result<Arc<dyn ImageSink>, SourceError> {
        let path = work.data().join(self.file(part));
        Ok(match self.is_npy(part) {
            true => Arc::new(NpySink::resume(&path, &self.meta(part))?),
            false => Arc::new(ome_zarr::open_for_write(&path)?),
        })
    }

    fn stage(&self, part: Part, budget: &Budget) -> Result<Stage, SourceError> {
        let meta = self.meta(part);
        let levels = ome_zarr::plan_levels(&self.output, &meta, &how())?;
        let level = levels.first().ok_or("no level to write")?;
        let whole = match self.is_npy(part) {
            true => [1, 1, meta.shape[2], meta.shape[3], meta.shape[4]],
            false => level.shard.unwrap_or(level.chunk),
        };
        // A frame is made whole, whatever part of it a shard holds.
        let [y, x] = self.sim.params().size.map(|n| n as u64);
        let bytes = |write: [u64; 5]| {
            2 * part.dtype().size() as u64 * write.iter().product::<u64>() + 40 * y * x
        };
        let sizing = BlockSizing {
            shape: meta.shape,
            unit: whole,
            halo: [0; 5],
            bytes: &bytes,
            axes: meta.axes,
            unit_name: "shard",
            unit_option: None,
        };
        let (grid, bytes) = size_blocks(&sizing, budget)?;
        Ok(Stage::new(part.name(), "blocks", &[], Blocks::Grid { grid, bytes }))
    }

    fn block(&self, part: Part, region: &Region) -> Pixels {
        match part {
            Part::Movie => pixels(region, |t| self.sim.frame(t)),
            Part::Labels => pixels(region, |t| self.sim.labels(t)),
            Part::Df => pixels(region, |t| self.sim.df(t)),
            Part::Background => pixels(region, |t| self.sim.background(t)),
            Part::Field => self.field(region),
        }
    }

    fn field(&self, region: &Region) -> Pixels {
        let [_, _, z, y, x] = spans(region);
        let mut samples = Vec::with_capacity(region.voxels() as usize);
        for t in spans(region)[0].clone() {
            let field: Array3<f32> = self.sim.field(t);
            let part = field.slice(ndarray::s![z.clone(), y.clone(), x.clone()]);
            samples.extend(part.iter().copied());
        }
        Pixels::from_vec(region.shape, samples)
    }
}

/// Indices of a region along each axis.
fn spans(region: &Region) -> [Range<usize>; 5] {
    let end = region.end();
    std::array::from_fn(|d| region.start[d] as usize..end[d] as usize)
}

fn pixels<T: Typed>(region: &Region, frame: impl Fn(usize) -> Array2<T>) -> Pixels {
    let [t, _, _, y, x] = spans(region);
    let mut samples = Vec::with_capacity(region.voxels() as usize);
    for t in t {
        samples.extend(frame(t).slice(ndarray::s![y.clone(), x.clone()]).iter().copied());
    }
    Pixels::from_vec(region.shape, samples)
}

impl Workflow for SimulateMovie {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let stages = self.parts().map(|p| self.stage(p, budget)).collect::<Result<_, _>>()?;
        let bytes = self.parts().map(|p| self.meta(p).bytes()).sum();
        let planned = Planned {
            stages,
            outputs: vec![OutputSpec::file(self.output.clone(), bytes)],
            work_bytes: 0,
        };
        planned.into_plan(&Self::REGISTERED, &self.options, vec![], budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())?;
        for part in self.parts() {
            let path = work.data().join(self.file(part));
            match self.is_npy(part) {
                true => NpySink::create(&path, &self.meta(part)).map(drop)?,
                false => ome_zarr::create(&path, &self.meta(part), &how()).map(drop)?,
            }
        }
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        let part = self.parts().find(|p| p.name() == stage);
        let part = part.ok_or_else(|| format!("no stage `{stage}`"))?;
        let sink = self.sink(part, work)?;
        let container = work.relative(&work.data().join(self.file(part)));
        Ok(Box::new(
            move |block: &Block, _: &mut BlockContext<'_>| -> Result<Summary, BlockError> {
                let keys = sink.write(0, &block.write, &self.block(part, &block.write))?;
                Ok(Summary::new().wrote(&container, keys))
            },
        ))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let mut outputs = Vec::new();
        for part in self.parts() {
            // A run that was killed between finishing and publishing finishes again.
            if !self.is_finished(part, work) {
                self.sink(part, work)?.finish()?;
            }
            let meta = self.meta(part);
            let format = if self.is_npy(part) { "npy" } else { "ome-zarr" };
            let shape = meta.axes.pick(&meta.shape);
            let path = self.output.join(self.file(part));
            outputs.push(crate::engine_output(&path, format, shape, Some(meta.dtype)));
        }
        for (name, batch) in [("truth_shifts", self.shifts()?), ("truth_events", self.events()?)] {
            let name = format!("{name}.parquet");
            write_table(&work.data().join(&name), &batch)?;
            outputs.push(crate::engine_output(&self.output.join(name), "parquet", vec![], None));
        }
        let result = serde_json::json!({"events": self.sim.events().len()});
        Ok(Finished { outputs, result, ..Finished::default() })
    }
}

impl SimulateMovie {
    fn is_finished(&self, part: Part, work: &WorkDir) -> bool {
        let path = work.data().join(self.file(part));
        match self.is_npy(part) {
            true => path.exists(),
            false => ome_zarr::open_for_write(&path).is_err(),
        }
    }

    /// The columns of `shifts.parquet`, with what is measured absent.
    fn shifts(&self) -> Result<RecordBatch, SourceError> {
        let frames = self.sim.params().frames;
        let n = frames;
        let shift: Vec<[f64; 2]> = (0..frames).map(|t| self.sim.shift(t)).collect();
        let axis = |d: usize| Arc::new(Float64Array::from_iter_values(shift.iter().map(|s| s[d])));
        let absent = || Arc::new(Float32Array::from(vec![None::<f32>; n])) as ArrayRef;
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("frame", Arc::new(UInt32Array::from_iter_values(0..frames as u32))),
            ("block", Arc::new(Int32Array::from(vec![-1; n]))),
            ("block_y_px", absent()),
            ("block_x_px", absent()),
            ("dy_px", axis(0)),
            ("dx_px", axis(1)),
            ("peak", absent()),
            ("peak_ratio", absent()),
            ("r_before", absent()),
            ("r_after", absent()),
            ("flag", Arc::new(UInt8Array::from(vec![0; n]))),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }

    fn events(&self) -> Result<RecordBatch, SourceError> {
        let events = self.sim.events();
        let frames = |of: &dyn Fn(usize) -> usize| -> ArrayRef {
            Arc::new(UInt32Array::from_iter_values((0..events.len()).map(|i| of(i) as u32)))
        };
        let numbers = |of: &dyn Fn(usize) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values((0..events.len()).map(of)))
        };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", frames(&|i| events[i].id as usize)),
            ("t0", frames(&|i| events[i].t[0])),
            ("t1", frames(&|i| events[i].t[1])),
            ("y0", frames(&|i| events[i].y[0])),
            ("y1", frames(&|i| events[i].y[1])),
            ("x0", frames(&|i| events[i].x[0])),
            ("x1", frames(&|i| events[i].x[1])),
            ("voxels", Arc::new(UInt64Array::from_iter_values(events.iter().map(|e| e.voxels)))),
            ("onset_frame", numbers(&|i| events[i].onset)),
            ("origin_y_px", numbers(&|i| events[i].origin[0])),
            ("origin_x_px", numbers(&|i| events[i].origin[1])),
            ("centre_y_px", numbers(&|i| events[i].centre[0])),
            ("centre_x_px", numbers(&|i| events[i].centre[1])),
            ("radius_px", numbers(&|i| events[i].radius)),
            ("amplitude", numbers(&|i| events[i].amplitude)),
            ("speed_px_frame", numbers(&|i| events[i].speed)),
            ("drift_y_px_frame", numbers(&|i| events[i].drift[0])),
            ("drift_x_px_frame", numbers(&|i| events[i].drift[1])),
            ("decay_frames", numbers(&|i| events[i].decay)),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

fn how() -> WriteOptions {
    WriteOptions { levels: Levels::Count(1), frames_as_planes: true, ..WriteOptions::default() }
}
