//! `hooke simulate tiles`: a folder of TIFF tiles whose true positions are known.

use std::path::{Path, PathBuf};

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, Blocks, OutputSpec, Plan, Stage};
use hooke_core::{Axes, Budget, Dtype, ImageMeta, ImageSink, Pixels, Sourced};
use hooke_io::tiff::{Kind, TiffSink, WriteOptions};
use hooke_stitch::sim::{TileKind, TileSim, TileSimParams};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow,
};
use crate::options::{BadValue, Lengths, read_option};
use crate::stitch::StitchError;

/// Voxel size that simulated tiles claim, µm over `(z, y, x)`.
pub(super) const VOXEL_UM: [f64; 3] = [2.0, 0.65, 0.65];

/// What to simulate, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TileSimOptions {
    /// `easy`, `subpixel` or `hard`.
    pub kind: String,
    /// Number of tiles per axis.
    pub grid: String,
    /// Voxels of a tile per axis.
    pub tile: String,
    /// Nominal overlap.
    pub overlap: String,
    /// Largest error of the stage.
    pub jitter: String,
    /// Seed of everything random.
    pub seed: u64,
}

/// The workflow.
pub struct SimulateTiles {
    options: TileSimOptions,
    output: PathBuf,
    sim: TileSim,
}

impl SimulateTiles {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "simulate tiles",
        results_version: 1,
        open: |plan| {
            let options: TileSimOptions = serde_json::from_value(plan.parameters.clone())?;
            let output = plan.outputs.first().map(|o| o.path.clone()).unwrap_or_default();
            Ok(Box::new(SimulateTiles::new(options, &output)?))
        },
    };

    /// Reads the options.
    ///
    /// # Errors
    /// When a text is no value, or such tiles cannot be.
    pub fn new(options: TileSimOptions, output: &Path) -> Result<SimulateTiles, StitchError> {
        let whole = |name, text: &str| -> Result<[u64; 3], BadValue> {
            read_option::<Lengths>(name, text)?.whole(1).map_err(|e| e.of(name))
        };
        let tile = whole("tile", &options.tile)?;
        let grid = whole("grid", &options.grid)?;
        let overlap = read_option::<Lengths>("overlap", &options.overlap)?.voxels(tile, VOXEL_UM);
        let mut jitter = read_option::<Lengths>("jitter", &options.jitter)?.voxels(tile, VOXEL_UM);
        if tile[0] == 1 {
            jitter[0] = 0.0;
        }
        let params = TileSimParams {
            kind: match options.kind.as_str() {
                "subpixel" => TileKind::Subpixel,
                "hard" => TileKind::Hard,
                _ => TileKind::Easy,
            },
            grid: grid.map(|n| n as usize),
            tile: tile.map(|n| n as usize),
            // An axis with one row of tiles has no neighbour to overlap.
            overlap: std::array::from_fn(|d| match grid[d] {
                1 => 0,
                _ => overlap[d].round().max(0.0) as usize,
            }),
            jitter,
            seed: options.seed,
        };
        let sim = TileSim::new(params).map_err(|e| StitchError::Parameters(e.to_string()))?;
        let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        Ok(SimulateTiles { options, output, sim })
    }

    fn name(&self, index: usize) -> String {
        let [z, y, x] = self.sim.grid(index);
        format!("tile_{z}_{y}_{x}")
    }

    fn shape(&self) -> [u64; 3] {
        self.sim.params().tile.map(|n| n as u64)
    }

    fn table(&self) -> String {
        let mut text = String::from("path,name,grid_z,grid_y,grid_x,z_px,y_px,x_px\n");
        for (index, nominal) in self.sim.nominal().iter().enumerate() {
            let (name, [z, y, x]) = (self.name(index), self.sim.grid(index));
            text += &format!(
                "{name}.tif,{name},{z},{y},{x},{},{},{}\n",
                nominal[0], nominal[1], nominal[2]
            );
        }
        text
    }

    fn truth(&self) -> String {
        let params = self.sim.params();
        let tiles: Vec<_> = (0..self.sim.len())
            .map(|i| {
                json!({
                    "name": self.name(i), "grid": self.sim.grid(i),
                    "nominal": self.sim.nominal()[i], "true": self.sim.truth()[i]
                })
            })
            .collect();
        let truth = json!({
            "kind": self.options.kind, "seed": params.seed, "overlap_px": params.overlap,
            "tiles": tiles
        });
        serde_json::to_string_pretty(&truth).unwrap_or_default() + "\n"
    }

    fn write_tile(&self, index: usize, work: &WorkDir) -> Result<Summary, BlockError> {
        let [z, y, x] = self.shape();
        let shape = [1, 1, z, y, x];
        let axes = if z == 1 { Axes::YX } else { Axes::ZYX };
        let mut meta = ImageMeta::new(self.name(index), axes, shape, Dtype::Uint16);
        meta.voxel_size_um = VOXEL_UM.map(Sourced::file);
        let path = work.data().join(format!("{}.tif", self.name(index)));
        let pixels = Pixels::from_vec(shape, self.sim.tile(index));
        let sink = TiffSink::create(&path, &meta, &WriteOptions::of(Kind::ImageJ))?;
        for part in hooke_core::region::grid(shape, sink.write_unit(0)) {
            sink.write(0, &part, &pixels.crop(&part))?;
        }
        sink.finish()?;
        Ok(Summary::new())
    }
}

impl Workflow for SimulateTiles {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let tile_bytes = self.shape().iter().product::<u64>() * 2;
        // The tile itself, its signal in f32 by planes, and the encoded file.
        let blocks = Blocks::items(self.sim.len() as u64, tile_bytes * 4);
        let output = OutputSpec {
            dtype: Some(Dtype::Uint16),
            ..OutputSpec::file(self.output.clone(), tile_bytes * self.sim.len() as u64)
        };
        let planned = Planned {
            stages: vec![Stage::new("tiles", "tiles", &[], blocks)],
            outputs: vec![output],
            work_bytes: 0,
        };
        planned.into_plan(&SimulateTiles::REGISTERED, &self.options, vec![], budget)
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
        hooke_io::atomic::write_file(&work.data().join("tiles.csv"), &[self.table().as_bytes()])?;
        hooke_io::atomic::write_file(&work.data().join("truth.json"), &[self.truth().as_bytes()])?;
        let record = |name: String, format: &str, shape: Vec<u64>| {
            crate::engine_output(&self.output.join(name), format, shape, None)
        };
        let mut outputs: Vec<_> = (0..self.sim.len())
            .map(|i| record(format!("{}.tif", self.name(i)), "imagej-tiff", self.shape().to_vec()))
            .collect();
        outputs.push(record("tiles.csv".to_owned(), "csv", vec![]));
        outputs.push(record("truth.json".to_owned(), "json", vec![]));
        Ok(Finished { outputs, ..Finished::default() })
    }
}
