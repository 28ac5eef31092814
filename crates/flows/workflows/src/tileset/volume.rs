//! `hooke tileset volume`: the tiles pasted into one mosaic, block by block.

use std::path::PathBuf;
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::plan::{Block, Plan};
use hooke_core::provenance::Warning;
use hooke_core::{
    Axes, Budget, Dtype, ImageMeta, LayoutRegion, Pixels, Region, Sample, Sourced, dispatch,
};
use hooke_io::ChunkCache;
use hooke_tileset::Placement;
use hooke_tileset::paste::{Blend, Paste, PasteParams, PasteScratch, Zeros};
use hooke_tileset::placement::Place;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SetError;
use super::export_bdv::dtype_of;
use super::options::{SetOptions, absolute};
use super::pixels::{SetReader, Taking, block_error};
use super::set::TileSet;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, Summary, WorkDir, Workflow,
};
use crate::image_output::{FirstStage, ImageOutput, Store, samples};

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VolumeOptions {
    /// The tiles.
    #[serde(flatten)]
    pub set: SetOptions,
    /// Which tile a voxel is taken from.
    pub overlap: Blend,
    /// What a 0 is.
    pub zeros: Zeros,
    /// How a fractional position becomes a voxel.
    pub place: Place,
    /// The order of pasting, `2,0,1`.
    pub order: Option<String>,
    /// The type that is written; the tiles' own when missing.
    pub dtype: Option<String>,
    /// How the mosaic is stored.
    #[serde(flatten)]
    pub store: Store,
    /// The image to write.
    pub output: PathBuf,
}

/// The workflow.
pub struct VolumeWorkflow {
    options: VolumeOptions,
    set: TileSet,
    placement: Placement,
    params: PasteParams,
    output: ImageOutput,
}

impl VolumeWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "tileset volume",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(VolumeWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Opens the tiles and decides what is written.
    ///
    /// # Errors
    /// When a tile cannot be read, positions are missing, the tiles differ in type and none is
    /// asked for, or an option is no value.
    pub fn new(options: VolumeOptions) -> Result<VolumeWorkflow, SetError> {
        let output = absolute(&options.output);
        let options = VolumeOptions { set: options.set.absolute(), output, ..options };
        let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
        let placement = set.placement(options.place)?;
        let dtype = match dtype_of(options.dtype.as_deref())? {
            Some(dtype) => dtype,
            None => {
                set.one_dtype("give --dtype: every tile is brought to it, rounded and clipped")?
            }
        };
        if options.store.labels && options.overlap == Blend::Mean {
            return Err(SetError::usage(
                "--overlap mean makes no labels of labels",
                "give --overlap last, first or max",
            ));
        }
        let params = PasteParams {
            blend: options.overlap,
            zeros: options.zeros,
            order: options.order.as_deref().map(order_of).transpose()?,
        };
        Paste::new(&placement, &params)?;
        let meta = mosaic_meta(&set, &placement, &options.output, dtype, options.store.labels);
        let output = ImageOutput::new(&options.output, meta, &options.store)?;
        Ok(VolumeWorkflow { options, set, placement, params, output })
    }

    fn typed_bytes<T: Sample>(&self, write: [u64; 5]) -> u64 {
        let voxels: u64 = write.iter().product();
        let region = LayoutRegion::new([0; 3], [write[2], write[3], write[4]].map(|n| n as i64));
        let paste = Paste::new(&self.placement, &self.params);
        let scratch = paste.map_or(0, |p| p.scratch_bytes::<T>(&region));
        // The block, its encoded form, and a tile of another type as it was read.
        let other = if self.set.dtype() == Some(T::DTYPE) { 0 } else { 8 };
        scratch + voxels * (2 * T::DTYPE.size() as u64 + other)
    }
}

fn order_of(text: &str) -> Result<Vec<usize>, SetError> {
    let bad = || SetError::usage(format!("--order `{text}` is no order"), "write tiles like 2,0,1");
    text.split(',').map(|t| t.trim().parse().map_err(|_| bad())).collect()
}

/// What is known about a mosaic of the set.
fn mosaic_meta(
    set: &TileSet,
    placement: &Placement,
    output: &std::path::Path,
    dtype: Dtype,
    labels: bool,
) -> ImageMeta {
    let [z, y, x] = placement.volume_shape();
    let flat = z == 1 && set.tiles.iter().all(|t| t.shape[0] == 1);
    let axes = if flat { Axes::YX } else { Axes::ZYX };
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default().to_owned();
    let mut meta = ImageMeta::new(name, axes, [1, 1, z, y, x], dtype);
    meta.labels = labels;
    meta.voxel_size_um = set.voxel_size();
    if let Some(origin) = set.origin_um() {
        meta.origin_um = origin.map(Sourced::file);
    }
    meta
}

/// The opened stage.
struct PasteStage<'a> {
    workflow: &'a VolumeWorkflow,
    reader: SetReader<'a>,
    sink: Arc<dyn ImageSink>,
    container: String,
}

/// Buffers that one block leaves for the next.
struct Buffers<T> {
    paste: PasteScratch<T>,
    block: Option<Pixels>,
}

impl<T> Default for Buffers<T>
where
    PasteScratch<T>: Default,
{
    fn default() -> Buffers<T> {
        Buffers { paste: PasteScratch::default(), block: None }
    }
}

impl PasteStage<'_> {
    fn typed<T: Sample + Typed>(
        &self,
        block: &Block,
        cx: &mut BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let buffers = cx.scratch.get::<Buffers<T>>();
        let mut pixels = buffers.block.take().unwrap_or_else(|| Pixels::zeros(T::DTYPE, [0; 5]));
        pixels.reset(T::DTYPE, block.write.shape);
        let region = layout_box(&block.write);
        let paste = Paste::new(&self.workflow.placement, &self.workflow.params)?;
        let tiles = self.reader.tiles(Taking::Nearest);
        let filled = paste.fill(&region, &tiles, &mut buffers.paste, samples::<T>(&mut pixels)?);
        filled.map_err(block_error)?;
        let keys = self.sink.write(0, &block.write, &pixels)?;
        buffers.block = Some(pixels);
        let read = region.voxels() * T::DTYPE.size() as u64;
        Ok(Summary::new().read(read).wrote(&self.container, keys))
    }
}

impl RunBlock for PasteStage<'_> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        dispatch!(self.workflow.output.meta().dtype, T => self.typed::<T>(block, cx))
    }
}

/// The box of the mosaic that a block of the image covers.
fn layout_box(region: &Region) -> LayoutRegion {
    let part = |full: [u64; 5]| [full[2], full[3], full[4]].map(|n| n as i64);
    LayoutRegion::new(part(region.start), part(region.shape))
}

impl Workflow for VolumeWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let bytes = |write| dispatch!(self.output.meta().dtype, T => self.typed_bytes::<T>(write));
        let first = FirstStage { name: "paste", after: &[], halo: [0; 5], bytes: &bytes };
        let planned = self.output.stages(&first, budget)?;
        planned.into_plan(&Self::REGISTERED, &self.options, self.set.stamps()?, budget)
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
        if stage != "paste" {
            return self.output.open_stage(stage, work);
        }
        let cache = Arc::new(ChunkCache::new(plan.budget.cache()));
        Ok(Box::new(PasteStage {
            workflow: self,
            reader: SetReader::new(&self.set, cache),
            sink: self.output.open_sink(work)?,
            container: self.output.container(work),
        }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let lost = self.output.lost();
        let warnings = self.set.warnings.iter().chain(&lost);
        let result = json!({
            "tiles": self.set.tiles.len(), "shape": self.placement.volume_shape(),
            "origin_um": self.set.origin_um(),
        });
        Ok(Finished {
            outputs,
            warnings: warnings.map(|(c, m)| Warning::new(c, m.clone())).collect(),
            result,
            ..Finished::default()
        })
    }
}
