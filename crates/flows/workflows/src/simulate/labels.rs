//! `hooke simulate tiles --labels`: tiles of labels whose true objects are known.

use std::path::{Path, PathBuf};

use arrow_array::{RecordBatch, UInt32Array, UInt64Array};
use hooke_core::image::SourceError;
use hooke_core::plan::{Block, Blocks, OutputSpec, Plan, Stage};
use hooke_core::{Axes, Budget, Dtype, ImageMeta, ImageSink, Pixels, Sourced};
use hooke_io::tables::{TilePosition, TileRow, write_table, write_tiles};
use hooke_io::tiff::{Kind, TiffSink, WriteOptions};
use hooke_tileset::dedup::LabelCounts;
use hooke_tileset::sim::{LabelSim, LabelSimParams};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

use super::tiles::VOXEL_UM;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow,
};
use crate::options::{BadValue, Lengths, read_option};
use crate::tileset::SetError;

/// What to simulate, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelSimOptions {
    /// Number of tiles per axis.
    pub grid: String,
    /// Voxels of a tile per axis.
    pub tile: String,
    /// Overlap of neighbours.
    pub overlap: String,
    /// Objects in the sample, if so many find room.
    pub objects: usize,
    /// Smallest and largest radius, `LO,HI` voxels.
    pub radius: String,
    /// How far a border in a tile may lie from the true one, voxels.
    pub border_jitter: f64,
    /// Largest error of a tile's position, whole voxels.
    pub position_error: u32,
    /// Ids are drawn up to this; 0 permutes consecutive ids.
    pub largest_id: u64,
    /// Seed of everything random.
    pub seed: u64,
}

/// The workflow.
pub struct SimulateLabels {
    options: LabelSimOptions,
    output: PathBuf,
    sim: LabelSim,
    params: LabelSimParams,
    dtype: Dtype,
}

impl SimulateLabels {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "simulate labels",
        results_version: 1,
        open: |plan| {
            let options: LabelSimOptions = serde_json::from_value(plan.parameters.clone())?;
            let output = plan.outputs.first().map(|o| o.path.clone()).unwrap_or_default();
            Ok(Box::new(SimulateLabels::new(options, &output)?))
        },
    };

    /// Reads the options.
    ///
    /// # Errors
    /// When a text is no value, or such tiles cannot be.
    pub fn new(options: LabelSimOptions, output: &Path) -> Result<SimulateLabels, SetError> {
        let whole = |name, text: &str| -> Result<[u64; 3], BadValue> {
            read_option::<Lengths>(name, text)?.whole(1).map_err(|e| e.of(name))
        };
        let tile = whole("tile", &options.tile)?;
        let grid = whole("grid", &options.grid)?;
        let overlap = read_option::<Lengths>("overlap", &options.overlap)?.voxels(tile, VOXEL_UM);
        let (low, high) = crate::tileset::options::numbers("radius", &options.radius)?;
        let params = LabelSimParams {
            grid: grid.map(|n| n as usize),
            tile: tile.map(|n| n as usize),
            // An axis with one row of tiles has no neighbour to overlap.
            overlap: std::array::from_fn(|d| match grid[d] {
                1 => 0,
                _ => overlap[d].round().max(0.0) as usize,
            }),
            objects: options.objects,
            radius: [low, high],
            border_jitter: options.border_jitter,
            position_error: options.position_error,
            largest_id: options.largest_id,
            seed: options.seed,
        };
        let sim = LabelSim::new(params.clone())?;
        let largest = params.largest_id.max(params.objects as u64);
        let dtype = match largest {
            n if n <= u64::from(u16::MAX) => Dtype::Uint16,
            n if n <= u64::from(u32::MAX) => Dtype::Uint32,
            _ => Dtype::Uint64,
        };
        let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        Ok(SimulateLabels { options, output, sim, params, dtype })
    }

    fn name(&self, index: usize) -> String {
        let [_, ny, nx] = self.params.grid;
        format!("tile_{}_{}_{}", index / (ny * nx), index / nx % ny, index % nx)
    }

    fn shape(&self) -> [u64; 3] {
        self.params.tile.map(|n| n as u64)
    }

    /// Writes a tile, and its labels with their voxels into the work folder.
    fn write_tile(&self, index: usize, work: &WorkDir) -> Result<Summary, BlockError> {
        let [z, y, x] = self.shape();
        let shape = [1, 1, z, y, x];
        let axes = if z == 1 { Axes::YX } else { Axes::ZYX };
        let mut meta = ImageMeta::new(self.name(index), axes, shape, self.dtype);
        meta.voxel_size_um = VOXEL_UM.map(Sourced::file);
        let labels = self.sim.tile(index).into_raw_vec_and_offset().0;
        let mut counts = LabelCounts::default();
        counts.add(index, &labels)?;
        let pixels = match self.dtype {
            // Ids are at most what decided the type.
            Dtype::Uint16 => Pixels::from_vec(shape, labels.iter().map(|l| *l as u16).collect()),
            Dtype::Uint32 => {
                Pixels::from_vec(shape, labels.iter().map(|l| *l as u32).collect::<Vec<u32>>())
            }
            _ => Pixels::from_vec(shape, labels),
        };
        let path = work.data().join(format!("{}.tif", self.name(index)));
        let kind = if self.dtype == Dtype::Uint16 { Kind::ImageJ } else { Kind::Tiff };
        let sink = TiffSink::create(&path, &meta, &WriteOptions::of(kind))?;
        for part in hooke_core::region::grid(shape, sink.write_unit(0)) {
            sink.write(0, &part, &pixels.crop(&part))?;
        }
        sink.finish()?;
        let text = serde_json::to_vec(&counts.sorted()).map_err(std::io::Error::from)?;
        hooke_io::atomic::write_file(&self.counts(index, work)?, &[&text])?;
        Ok(Summary::new())
    }

    fn counts(&self, index: usize, work: &WorkDir) -> Result<PathBuf, crate::engine::Error> {
        Ok(work.private("tiles")?.join(format!("{index:05}.json")))
    }

    /// Which object each label of each tile is.
    fn truth(&self, work: &WorkDir) -> Result<RecordBatch, SourceError> {
        let (mut tiles, mut labels) = (Vec::new(), Vec::new());
        let (mut objects, mut voxels) = (Vec::new(), Vec::new());
        for tile in 0..self.sim.len() {
            let text = std::fs::read(self.counts(tile, work)?)?;
            let counts: Vec<(u64, u64)> = serde_json::from_slice(&text)?;
            let truth = self.sim.truth(tile);
            for (label, n) in counts {
                tiles.push(tile as u32);
                labels.push(label);
                objects.push(truth.get(&label).copied().ok_or("a label without an object")?);
                voxels.push(n);
            }
        }
        Ok(RecordBatch::try_from_iter([
            ("tile", Arc::new(UInt32Array::from(tiles)) as _),
            ("label", Arc::new(UInt64Array::from(labels)) as _),
            ("object", Arc::new(UInt64Array::from(objects)) as _),
            ("n_voxels", Arc::new(UInt64Array::from(voxels)) as _),
        ])?)
    }

    fn tiles(&self, folder: &Path) -> Vec<TileRow> {
        let row = |index: usize| TileRow {
            path: folder.join(format!("{}.tif", self.name(index))),
            dataset: None,
            series: 0,
            channel: None,
            name: Some(self.name(index)),
            grid: None,
            position: Some(TilePosition::Px(self.sim.starts()[index].map(|v| v as f64))),
        };
        (0..self.sim.len()).map(row).collect()
    }

    fn describe(&self) -> String {
        let tile = |i: usize| {
            json!({
                "name": self.name(i), "nominal": self.sim.starts()[i],
                "true": self.sim.true_starts()[i],
            })
        };
        let tiles: Vec<_> = (0..self.sim.len()).map(tile).collect();
        let truth = json!({"kind": "labels", "parameters": self.params, "tiles": tiles});
        serde_json::to_string_pretty(&truth).unwrap_or_default() + "\n"
    }
}

impl Workflow for SimulateLabels {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let voxels = self.shape().iter().product::<u64>();
        let bytes = voxels * self.dtype.size() as u64;
        // Labels and depths of 64 bits, and the tile as it is written.
        let blocks = Blocks::items(self.sim.len() as u64, voxels * 16 + 2 * bytes);
        let output = OutputSpec {
            dtype: Some(self.dtype),
            ..OutputSpec::file(self.output.clone(), bytes * self.sim.len() as u64)
        };
        let planned = Planned {
            stages: vec![Stage::new("tiles", "tiles", &[], blocks)],
            outputs: vec![output],
            work_bytes: 0,
        };
        planned.into_plan(&Self::REGISTERED, &self.options, vec![], budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        Ok(std::fs::create_dir_all(work.data())?)
    }

    fn open_stage<'a>(
        &'a self,
        _: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
            self.write_tile(block.id as usize, work)
        }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let data = work.data();
        write_tiles(&data.join("tiles.csv"), &self.tiles(&data))?;
        write_table(&data.join("truth.parquet"), &self.truth(work)?)?;
        hooke_io::atomic::write_file(&data.join("truth.json"), &[self.describe().as_bytes()])?;
        let record = |name: String, format: &str, shape: Vec<u64>| {
            crate::engine_output(&self.output.join(name), format, shape, None)
        };
        let tile = |i| record(format!("{}.tif", self.name(i)), "tiff", self.shape().to_vec());
        let mut outputs: Vec<_> = (0..self.sim.len()).map(tile).collect();
        outputs.push(record("tiles.csv".to_owned(), "csv", vec![]));
        outputs.push(record("truth.parquet".to_owned(), "parquet", vec![]));
        outputs.push(record("truth.json".to_owned(), "json", vec![]));
        Ok(Finished { outputs, ..Finished::default() })
    }
}
