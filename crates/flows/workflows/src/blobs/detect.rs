//! `hooke blobs detect`: the blobs of an image, block by block.
//!
//! Stages: `noise` (a block per frame and channel reads a few cells), `detect` (a block per part of the
//! image leaves its candidates), `table` (all candidates of a frame and channel against each other).

use std::path::PathBuf;
use std::sync::Arc;

use hooke_blobs::detect::{Block as VoxelBlock, DetectParams, Detector, Found, Scratch};
use hooke_blobs::noise::{NoiseSample, SensorNoise, fit_noise, measure_cell, sample_boxes};
use hooke_blobs::unmix::{Bleed, unmix};
use hooke_blobs::voxel_box::VoxelBox;
use hooke_core::image::SourceError;
use hooke_core::plan::{Block, Blocks, Grid, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Budget, Region};
use hooke_io::ChunkCache;
use ndarray::Array3;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::detect_table::write_table;
use super::error::BlobsError;
use super::image::{BlobSource, ImageOptions, largest_core};
use super::options::{absolute, triple};
use super::projection::Projection;
use super::regions::LabelImage;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow, stamp_input,
};
use crate::json_file::{read_json, write_json};
use crate::step::Done;
use crate::stitch::sibling;

/// What is detected, and how, as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectOptions {
    /// The image.
    #[serde(flatten)]
    pub image: ImageOptions,
    /// The method.
    pub params: DetectParams,
    /// Light taken out before, `SRC:DST=F,...`.
    pub unmix: Option<String>,
    /// Image of the same field of view; blobs stay where it is not 0.
    pub mask: Option<PathBuf>,
    /// Label image of the same field of view, for the column `region`.
    pub regions: Option<PathBuf>,
    /// Voxels of a block's core; from the memory when missing.
    pub block: Option<String>,
    /// The table to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct DetectWorkflow {
    pub(super) options: DetectOptions,
    pub(super) source: BlobSource,
    bleeds: Vec<Bleed>,
    /// Knows everything but the noise.
    blind: Detector,
}

/// Stands for the noise before it is measured: filters and halos do not depend on it.
const NO_NOISE: NoiseSample =
    NoiseSample { noise: SensorNoise { alpha: 0.0, beta: 1.0, floor: 1.0 / 12.0 }, level: 0.0 };
/// Choice of the cells whose noise is measured.
const SEED: u64 = 0;
/// A block is not made larger than this.
const LARGEST_BLOCK: u64 = 512 << 20;

impl DetectWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "blobs detect",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(DetectWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the image and checks the options.
    ///
    /// # Errors
    /// When the image cannot be opened, its voxel size is not known, or an option is no value.
    pub fn new(options: DetectOptions) -> Result<DetectWorkflow, BlobsError> {
        let source = BlobSource::open(&options.image, &Arc::new(ChunkCache::new(0)))?;
        let output = absolute(&options.output);
        if !output.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet")) {
            let what = format!("{}: a table of blobs ends in .parquet", output.display());
            return Err(BlobsError::usage(
                what,
                "write OUT.parquet; hooke blobs export writes others",
            ));
        }
        let path = |p: &Option<PathBuf>| p.as_deref().map(absolute);
        let options = DetectOptions {
            image: source.options.clone(),
            mask: path(&options.mask),
            regions: path(&options.regions),
            output,
            ..options
        };
        let bleeds = match &options.unmix {
            Some(text) => bleeds(text, source.meta().shape[1])?,
            None => Vec::new(),
        };
        let blind = Detector::new(&options.params, source.volume, NO_NOISE)?;
        for file in [&options.mask, &options.regions].into_iter().flatten() {
            LabelImage::open(file, &Arc::new(ChunkCache::new(0)))?;
        }
        Ok(DetectWorkflow { options, source, bleeds, blind })
    }

    /// Frames and channels, one after the other.
    pub(super) fn series(&self) -> Vec<(u32, u16)> {
        let channels = &self.source.channels;
        self.source.times.iter().flat_map(|t| channels.iter().map(|c| (*t, *c))).collect()
    }

    /// The noise of a frame and channel, as the first stage left it.
    pub(super) fn detector(&self, work: &WorkDir, series: usize) -> Result<Detector, SourceError> {
        let noise: NoiseSample = read_json(&work.private("noise")?.join(format!("{series}.json")))?;
        Ok(Detector::new(&self.options.params, self.source.volume, noise)?)
    }

    fn measure_noise(
        &self,
        source: &BlobSource,
        series: usize,
        work: &WorkDir,
    ) -> Result<Summary, BlockError> {
        let (t, channel) = self.series()[series];
        let mut cells = Vec::new();
        for part in sample_boxes(source.volume.shape, SEED) {
            let cell = self.voxels(source, t, channel, part)?;
            cells.extend(measure_cell(cell.view()));
        }
        let noise = fit_noise(&cells, source.quantum(), self.options.params.noise);
        write_json(&work.private("noise")?.join(format!("{series}.json")), &noise)?;
        Ok(Summary::new().with("alpha", noise.noise.alpha).with("beta", noise.noise.beta))
    }

    /// A box of a channel, without the light of others.
    fn voxels(
        &self,
        source: &BlobSource,
        t: u32,
        channel: u16,
        part: VoxelBox,
    ) -> Result<Array3<f32>, SourceError> {
        let into: Vec<&Bleed> =
            self.bleeds.iter().filter(|b| b.target == usize::from(channel)).collect();
        let own = source.read(t, channel, part)?;
        if into.is_empty() {
            return Ok(own);
        }
        // Channels in an order of their own: the target, then its sources.
        let mut boxes = vec![own];
        let mut bleeds = Vec::new();
        for bleed in into {
            bleeds.push(Bleed { source: boxes.len(), target: 0, factor: bleed.factor });
            boxes.push(source.read(t, bleed.source as u16, part)?);
        }
        let views: Vec<_> = boxes.iter().map(|b| b.view()).collect();
        Ok(unmix(&views, 0, &bleeds)?)
    }

    fn block_bytes(&self, core: [usize; 3]) -> u64 {
        let halo = self.blind.halo();
        let shape = self.source.volume.shape;
        let read: u64 = (0..3).map(|d| (core[d] + 2 * halo[d]).min(shape[d]) as u64).product();
        let most =
            self.source.channels.iter().map(|c| {
                1 + self.bleeds.iter().filter(|b| b.target == usize::from(*c)).count() as u64
            });
        let boxes = most.max().unwrap_or(1);
        self.blind.block_bytes(core) + read * boxes * self.source.bytes_per_voxel()
    }

    /// Lengths of a block's core: as asked, else the largest that fits.
    fn core(&self, budget: &Budget) -> Result<[usize; 3], BlobsError> {
        let shape = self.source.volume.shape;
        if let Some(text) = &self.options.block {
            let given = triple("block", text)?;
            if given.iter().any(|n| *n < 1.0 || n.fract() != 0.0) {
                let what = format!("--block `{text}` is no number of voxels");
                return Err(BlobsError::usage(
                    what,
                    "write whole voxels over z,y,x, like 64,256,256",
                ));
            }
            return Ok(std::array::from_fn(|d| (given[d] as usize).min(shape[d])));
        }
        let share = (budget.for_blocks() / budget.threads.max(1) as u64).min(LARGEST_BLOCK);
        let halo = self.blind.halo();
        largest_core(shape, halo, share, |core| self.block_bytes(core)).ok_or_else(|| {
            let needed = self.block_bytes([1; 3]) * budget.threads.max(1) as u64;
            let what =
                format!("--memory: a block with its halo of {halo:?} voxels needs {needed} bytes");
            BlobsError::usage(what, "give more memory, or a smaller --radius")
        })
    }

    fn detect(
        &self,
        source: &BlobSource,
        detectors: &[Detector],
        block: &Block,
        work: &WorkDir,
        cx: &mut BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let series = self.series_of(&block.write);
        let (t, channel) = self.series()[series];
        let core = box_of(&block.write);
        let detector = &detectors[series];
        let needed = detector.needed(core);
        let voxels = self.voxels(source, t, channel, needed)?;
        let part = VoxelBlock { voxels: voxels.view(), start: needed.start, core };
        let found = detector.detect_block(part, cx.scratch.get::<Scratch>())?;
        let folder = work.private("found")?;
        Projection::of(source.volume.shape, &voxels, needed.start, core)
            .write(&folder.join(format!("{}.max", block.id)))?;
        write_json(&folder.join(format!("{}.json", block.id)), &found)?;
        let read = needed.voxels() as u64 * source.meta().dtype.size() as u64;
        Ok(Summary::new().read(read).with("candidates", found.candidates.len() as u64))
    }

    /// Which frame and channel a block belongs to.
    pub(super) fn series_of(&self, region: &Region) -> usize {
        region.start[0] as usize * self.source.channels.len() + region.start[1] as usize
    }

    fn grid_shape(&self) -> [u64; 5] {
        let [z, y, x] = self.source.volume.shape.map(|n| n as u64);
        [self.source.times.len() as u64, self.source.channels.len() as u64, z, y, x]
    }
}

fn box_of(region: &Region) -> VoxelBox {
    let part = |full: [u64; 5]| [full[2], full[3], full[4]].map(|n| n as usize);
    VoxelBox { start: part(region.start), end: part(region.end()) }
}

/// `0:1=0.03,2:1=0.1`: of channel 0 and of channel 2 into channel 1.
fn bleeds(text: &str, channels: u64) -> Result<Vec<Bleed>, BlobsError> {
    let read = |part: &str| -> Option<Bleed> {
        let (between, factor) = part.split_once('=')?;
        let (source, target) = between.split_once(':')?;
        let channel = |t: &str| t.trim().parse::<usize>().ok().filter(|c| (*c as u64) < channels);
        let factor = factor.trim().parse::<f64>().ok().filter(|f| *f >= 0.0 && f.is_finite())?;
        Some(Bleed { source: channel(source)?, target: channel(target)?, factor })
    };
    text.split(',').map(read).collect::<Option<Vec<_>>>().ok_or_else(|| {
        let what = format!("--unmix `{text}`: the image has {channels} channels, counted from 0");
        BlobsError::usage(what, "write SOURCE:TARGET=PART, like 0:1=0.03")
    })
}

/// What one block found.
pub(super) fn found_of(work: &WorkDir, block: u64) -> Result<Found, SourceError> {
    read_json(&work.private("found")?.join(format!("{block}.json")))
}

/// The projection of one block.
pub(super) fn projection_of(work: &WorkDir, block: u64) -> Result<Projection, SourceError> {
    Projection::read(&work.private("found")?.join(format!("{block}.max")))
}

impl Workflow for DetectWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let core = self.core(budget)?;
        let halo = self.blind.halo();
        let full = |n: [usize; 3]| [1, 1, n[0] as u64, n[1] as u64, n[2] as u64];
        let [_, _, z, y, x] = full(halo);
        let grid = Grid {
            shape: self.grid_shape(),
            write: full(core.map(|n| n.max(1))),
            halo: [0, 0, z, y, x],
        };
        let bytes = self.block_bytes(core);
        let output = |path: PathBuf| OutputSpec::file(path, 0);
        let mut inputs = self.source.stamps()?;
        for file in [&self.options.mask, &self.options.regions].into_iter().flatten() {
            inputs.push(stamp_input(file, None)?);
        }
        let voxels = self.source.volume.shape.iter().product::<usize>() as u64;
        let planned = Planned {
            stages: vec![
                Stage::new(
                    "noise",
                    "volumes",
                    &[],
                    Blocks::items(self.series().len() as u64, 8 << 20),
                ),
                Stage::new("detect", "blocks", &["noise"], Blocks::Grid { grid, bytes }),
                Stage::one("table", &["detect"], budget.for_blocks() / 2),
            ],
            outputs: vec![
                output(self.options.output.clone()),
                output(sibling(&self.options.output, "report.html")),
            ],
            // About one candidate in a few thousand voxels.
            work_bytes: voxels / 8,
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
        let source = BlobSource::open(&self.options.image, &cache)?;
        match stage {
            "noise" => Ok(Box::new(move |block: &Block, _: &mut BlockContext<'_>| {
                self.measure_noise(&source, block.id as usize, work)
            })),
            "detect" => {
                let series = 0..self.series().len();
                let detectors: Vec<Detector> =
                    series.map(|i| self.detector(work, i)).collect::<Result<_, _>>()?;
                Ok(Box::new(move |block: &Block, cx: &mut BlockContext<'_>| {
                    self.detect(&source, &detectors, block, work, cx)
                }))
            }
            _ => Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
                let done = write_table(self, plan, work, cx)?;
                write_json(&work.private("found")?.join("done.json"), &done)?;
                Ok(Summary::new())
            })),
        }
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let done: Done = read_json(&work.private("found")?.join("done.json"))?;
        let report = sibling(&self.options.output, "report.html");
        Ok(Finished {
            outputs: vec![
                crate::engine_output(&self.options.output, "parquet", vec![], None),
                crate::engine_output(&report, "html", vec![], None),
            ],
            warnings: done.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect(),
            result: done.result,
            ..Finished::default()
        })
    }
}

/// What can change the rows, for the table's own metadata: nothing of how the image was named or stored.
pub(super) fn row_parameters(workflow: &DetectWorkflow) -> Value {
    let (options, source) = (&workflow.options, &workflow.source);
    let name = |path: &Option<PathBuf>| {
        path.as_deref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned())
    };
    json!({
        "channels": source.channels, "times": source.times, "params": options.params,
        "unmix": options.unmix, "mask": name(&options.mask), "regions": name(&options.regions),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bleeds_name_channels_that_are_there() {
        let found = bleeds("0:1=0.03, 2:1=0.1", 3).unwrap();
        assert_eq!((found[1].source, found[1].target, found[1].factor), (2, 1, 0.1));
        for text in ["0:3=0.1", "0:1", "0=1", "0:1=-1", "", "0:1=x"] {
            assert!(bleeds(text, 3).is_err(), "{text}");
        }
    }
}
