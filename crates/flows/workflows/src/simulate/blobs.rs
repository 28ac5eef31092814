//! `hooke simulate blobs`: a volume of several channels whose blobs and pairs are known.

use std::path::{Path, PathBuf};

use hooke_blobs::detect::number;
use hooke_blobs::sim::{BlobSim, BlobSimParams};
use hooke_blobs::voxel_box::VoxelBox;
use hooke_core::image::SourceError;
use hooke_core::plan::{Block, BlockSizing, Blocks, OutputSpec, Plan, Stage, size_blocks};
use hooke_core::{
    Axes, Blob, BlobPair, Budget, Channel, Dtype, ImageMeta, ImageSink, Pixels, Sourced, Truth,
};
use hooke_io::blobs::{BlobImage, TableMeta, write_rows};
use hooke_io::ome_zarr::{self, Levels, WriteOptions};

use crate::blobs::BlobsError;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow,
};

/// The workflow.
pub struct SimulateBlobs {
    output: PathBuf,
    sim: BlobSim,
    meta: ImageMeta,
}

impl SimulateBlobs {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "simulate blobs",
        results_version: 1,
        open: |plan| {
            let params: BlobSimParams = serde_json::from_value(plan.parameters.clone())?;
            let output = plan.outputs.first().map(|o| o.path.clone()).unwrap_or_default();
            Ok(Box::new(SimulateBlobs::new(params, &output)?))
        },
    };

    /// Places the blobs.
    ///
    /// # Errors
    /// When such an image cannot be.
    pub fn new(params: BlobSimParams, output: &Path) -> Result<SimulateBlobs, BlobsError> {
        let [z, y, x] = params.shape.map(|n| n as u64);
        let shape = [1, params.channels.into(), z, y, x];
        let axes = Axes::parse("czyx").unwrap_or(Axes::TCZYX);
        let mut meta = ImageMeta::new("image", axes, shape, Dtype::Uint16);
        meta.voxel_size_um = params.voxel_um.map(Sourced::file);
        let channel = |c: u16| Channel { name: Some(format!("channel {c}")), ..Channel::default() };
        meta.channels = (0..params.channels).map(channel).collect();
        let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        Ok(SimulateBlobs { output, sim: BlobSim::new(params)?, meta })
    }

    /// The blobs as truth, in order and with ids, and the pairs with the same ids.
    fn truth(&self) -> (Vec<Blob>, Vec<BlobPair>) {
        let (mut blobs, mut pairs) = self.sim.truth();
        // Numbering gives new ids: pairs follow.
        blobs.iter_mut().for_each(|b| b.truth = Truth::Missed);
        let old: Vec<(u16, [u64; 3], u64)> =
            blobs.iter().map(|b| (b.channel, b.position.map(f64::to_bits), b.id)).collect();
        number(&mut blobs);
        let new_of = |id: u64| -> Option<u64> {
            let (channel, bits, _) = old.iter().find(|(.., i)| *i == id)?;
            let same = |b: &&Blob| b.channel == *channel && b.position.map(f64::to_bits) == *bits;
            blobs.iter().find(same).map(|b| b.id)
        };
        if blobs.iter().zip(&old).any(|(b, (.., id))| b.id != *id) {
            for pair in &mut pairs {
                pair.blob_ids = pair.blob_ids.map(|id| new_of(id).unwrap_or(id));
            }
        }
        (blobs, pairs)
    }

    fn image(&self, work: &WorkDir) -> PathBuf {
        work.data().join("image.zarr")
    }
}

impl Workflow for SimulateBlobs {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let how = how();
        let levels = ome_zarr::plan_levels(&self.output, &self.meta, &how)?;
        let level = levels.first().ok_or("no level to write")?;
        // The sum of all blobs as f64, the noise, and the block as it is written.
        let bytes = |write: [u64; 5]| write.iter().product::<u64>() * 16;
        let sizing = BlockSizing {
            shape: level.shape,
            unit: level.shard.unwrap_or(level.chunk),
            halo: [0; 5],
            bytes: &bytes,
            axes: self.meta.axes,
            unit_name: "shard",
            unit_option: None,
        };
        let (grid, bytes) = size_blocks(&sizing, budget)?;
        let output = OutputSpec {
            dtype: Some(Dtype::Uint16),
            ..OutputSpec::file(self.output.clone(), self.meta.bytes())
        };
        let planned = Planned {
            stages: vec![Stage::new("image", "blocks", &[], Blocks::Grid { grid, bytes })],
            outputs: vec![output],
            work_bytes: 0,
        };
        planned.into_plan(&Self::REGISTERED, self.sim.params(), vec![], budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())?;
        ome_zarr::create(&self.image(work), &self.meta, &how())?;
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        _: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        let sink = ome_zarr::open_for_write(&self.image(work))?;
        let container = work.relative(&self.image(work));
        Ok(Box::new(
            move |block: &Block, _: &mut BlockContext<'_>| -> Result<Summary, BlockError> {
                let region = block.write;
                let part = |full: [u64; 5]| [full[2], full[3], full[4]].map(|n| n as usize);
                let voxels = VoxelBox { start: part(region.start), end: part(region.end()) };
                let mut samples = Vec::new();
                for channel in region.start[1]..region.end()[1] {
                    let values = self.sim.voxels(channel as u16, voxels);
                    samples.extend(values.iter().copied());
                }
                let keys = sink.write(0, &region, &Pixels::from_vec(region.shape, samples))?;
                Ok(Summary::new().wrote(&container, keys))
            },
        ))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        match ome_zarr::open_for_write(&self.image(work)) {
            Ok(sink) => sink.finish()?,
            // A run that was killed between finishing and publishing finishes again.
            Err(hooke_io::Error::NotThere { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let (blobs, pairs) = self.truth();
        let image = BlobImage {
            shape: self.meta.axes.pick(&self.meta.shape).to_vec(),
            axes: self.meta.axes,
            voxel_size_um: self.sim.params().voxel_um,
            origin_um: [0.0; 3],
        };
        let parameters = Some(serde_json::to_value(self.sim.params())?);
        let meta = TableMeta { image: Some(image), parameters };
        write_rows(&work.data().join("truth.parquet"), &blobs, &meta)?;
        write_rows(&work.data().join("truth_matches.parquet"), &pairs, &meta)?;
        let record = |name: &str, format: &str, shape: Vec<u64>, dtype| {
            crate::engine_output(&self.output.join(name), format, shape, dtype)
        };
        let shape = self.meta.axes.pick(&self.meta.shape).to_vec();
        let outputs = vec![
            record("image.zarr", "ome-zarr", shape, Some(Dtype::Uint16)),
            record("truth.parquet", "parquet", vec![], None),
            record("truth_matches.parquet", "parquet", vec![], None),
        ];
        let result = serde_json::json!({"blobs": blobs.len(), "pairs": pairs.len()});
        Ok(Finished { outputs, result, ..Finished::default() })
    }
}

fn how() -> WriteOptions {
    WriteOptions { levels: Levels::Count(1), ..WriteOptions::default() }
}
