//! `hooke stitch fuse`: a placed layout to one volume, block by block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::plan::{Block, Draft, Plan};
use hooke_core::{
    Axes, Axis, Budget, Channel, Dtype, ImageMeta, Pixels, Region, Sample, Sourced, dispatch,
};
use hooke_io::ChunkCache;
use hooke_stitch::fuse::{FuseParams, FusePlan, FuseScratch, FuseTile, Shading, fuse_block};
use hooke_stitch::gain::TileGain;
use hooke_stitch::{Layout, LayoutRegion, TilePixels};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::align_options::from_word;
use super::error::StitchError;
use super::files::{folder_of, open_layout};
use super::input::changed_sources;
use super::plane::read_plane;
use super::tiles::{AsStored, TileReader};
use super::{adjust, gains};
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, Summary, WorkDir, Workflow,
    stamp_input,
};
use crate::image_output::{FirstStage, ImageOutput, Store};
use crate::options::{Lengths, Spans};

/// How tiles become a volume, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FuseOptions {
    /// How overlapping tiles become one value.
    pub blend: String,
    /// How fractional positions are evaluated.
    pub interpolation: String,
    /// Width of the cosine ramp.
    pub ramp: Option<String>,
    /// Stage positions instead of placed ones.
    pub nominal: bool,
    /// Part of the output.
    pub region: Option<String>,
    /// Channels: index, name, list or `all`.
    pub channel: Option<String>,
    /// `MATCH=REPLACE`: other files for the same layout.
    pub source: Vec<String>,
    /// `none` or `pairs`.
    pub gain: String,
    /// Flat field.
    pub flat: Option<PathBuf>,
    /// Dark image.
    pub dark: Option<PathBuf>,
    /// Format of the output.
    pub format: Option<String>,
    /// Sample type of the output.
    pub dtype: Option<String>,
    /// Grey level where there is no tile.
    pub fill: f64,
    /// Chunk z, y, x.
    pub chunk: String,
    /// Shard z, y, x.
    pub shard: Option<String>,
    /// Pyramid levels.
    pub levels: String,
    /// Codec and level.
    pub compression: String,
    /// Changed tiles are errors.
    pub strict: bool,
}

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    #[serde(flatten)]
    options: FuseOptions,
    input: PathBuf,
    output: PathBuf,
}

/// The workflow.
pub struct FuseWorkflow {
    parameters: Parameters,
    layout: Layout,
    folder: PathBuf,
    /// Layouts of the channels, in the order of the output; equal but for their sources.
    channels: Vec<FusedChannel>,
    fuse: FusePlan,
    /// The part of the layout that is written.
    region: LayoutRegion,
    output: ImageOutput,
    warnings: Vec<(String, String)>,
}

struct FusedChannel {
    name: String,
    index: u64,
    layout: Layout,
}

impl FuseWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "stitch fuse",
        results_version: 1,
        open: |plan| {
            let p: Parameters = serde_json::from_value(plan.parameters.clone())?;
            Ok(Box::new(FuseWorkflow::new(p.options, &p.input, &p.output)?))
        },
    };

    /// Reads the layout and opens its tiles.
    ///
    /// # Errors
    /// When the layout or a tile cannot be read, or an option is no value: before anything is
    /// written.
    pub fn new(
        options: FuseOptions,
        input: &Path,
        output: &Path,
    ) -> Result<FuseWorkflow, StitchError> {
        let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
        let (input, output) = (absolute(input), absolute(output));
        let layout = open_layout(&input)?;
        let folder = folder_of(&input);
        if layout.tiles.is_empty() {
            return Err(StitchError::NoTiles);
        }
        let channels = channels(&layout, &folder, &options)?;
        let mut warnings = Vec::new();
        for warning in changed_sources(&layout, &folder) {
            if options.strict {
                return Err(StitchError::Changed(warning.message));
            }
            warnings.push((warning.code, warning.message));
        }
        let dtype = check_tiles(&channels, &folder)?;
        let fuse = fuse_plan(&layout, &options, BTreeMap::new())?;
        let region = region_of(&fuse, &options)?;
        let meta = output_meta(&layout, &channels, &region, &options, dtype, &output)?;
        let store = Store {
            format: options.format.clone(),
            chunk: options.chunk.clone(),
            shard: options.shard.clone(),
            levels: options.levels.clone(),
            compression: options.compression.clone(),
            ..Store::default()
        };
        let target = ImageOutput::new(&output, meta, &store)?;
        let parameters = Parameters { options, input, output };
        Ok(FuseWorkflow {
            parameters,
            layout,
            folder,
            channels,
            fuse,
            region,
            output: target,
            warnings,
        })
    }

    fn stored_dtype(&self) -> Dtype {
        self.layout.dtype.unwrap_or(self.output.meta().dtype)
    }

    fn reader(&self, channel: &FusedChannel, cache: &Arc<ChunkCache>) -> TileReader {
        TileReader::new(&channel.layout, &self.folder, channel.index, Arc::clone(cache))
    }

    fn readers(&self, budget: &Budget) -> Vec<TileReader> {
        let cache = Arc::new(ChunkCache::new(budget.cache()));
        self.channels.iter().map(|c| self.reader(c, &cache)).collect()
    }

    /// The box of the layout that a block of the output covers.
    fn layout_box(&self, region: &Region) -> LayoutRegion {
        LayoutRegion::new(
            std::array::from_fn(|d| self.region.start[d] + region.start[d + 2] as i64),
            std::array::from_fn(|d| region.shape[d + 2] as i64),
        )
    }

    fn block_bytes(&self, write: [u64; 5]) -> u64 {
        let voxels: u64 = write.iter().product();
        let sample = self.stored_dtype().size() as u64;
        let space = [write[2], write[3], write[4]].map(|n| n as usize);
        let scratch = self.fuse.largest_scratch_bytes(space.map(|n| n as u64), sample as usize);
        // The block itself, converted once, and encoded.
        scratch + voxels * (sample + 2 * self.output.meta().dtype.size() as u64)
    }

    /// Gain and ramp statistics that need a pass over the tiles before fusing.
    fn needs_gains(&self) -> bool {
        self.parameters.options.gain == "pairs"
    }

    fn needs_maxima(&self) -> bool {
        self.parameters.options.blend == "linear-adjust-max"
    }
}

/// The layouts of the channels to fuse.
fn channels(
    layout: &Layout,
    folder: &Path,
    options: &FuseOptions,
) -> Result<Vec<FusedChannel>, StitchError> {
    if !options.source.is_empty() {
        return options.source.iter().map(|text| other_source(layout, folder, text)).collect();
    }
    let names =
        if layout.channels.is_empty() { vec!["0".to_owned()] } else { layout.channels.clone() };
    let one = |index: usize| FusedChannel {
        name: names[index].clone(),
        index: index as u64,
        layout: layout.clone(),
    };
    let Some(wanted) = &options.channel else {
        return Ok(vec![one(layout.align_channel.min(names.len() - 1))]);
    };
    if wanted == "all" {
        return Ok((0..names.len()).map(one).collect());
    }
    let find = |name: &str| {
        let by_name = names.iter().position(|n| n == name);
        let by_number = || name.parse::<usize>().ok().filter(|i| *i < names.len());
        by_name
            .or_else(by_number)
            .map(one)
            .ok_or_else(|| StitchError::NoChannel { wanted: name.to_owned(), known: names.clone() })
    };
    wanted.split(',').map(|name| find(name.trim())).collect()
}

fn other_source(layout: &Layout, folder: &Path, text: &str) -> Result<FusedChannel, StitchError> {
    let Some((old, new)) = text.split_once('=') else {
        return Err(StitchError::Parameters(format!("--source `{text}`: write MATCH=REPLACE")));
    };
    let mut moved = layout.clone();
    let how = super::actions::Relocation::Expressions { old: old.to_owned(), new: new.to_owned() };
    super::actions::relocate(&mut moved, folder, &how)?;
    Ok(FusedChannel { name: new.to_owned(), index: 0, layout: moved })
}

/// Opens every tile, so that an unreadable one is known before anything is written.
fn check_tiles(channels: &[FusedChannel], folder: &Path) -> Result<Dtype, StitchError> {
    use rayon::prelude::*;
    let mut dtype = None;
    for channel in channels {
        let cache = Arc::new(ChunkCache::new(0));
        let reader = TileReader::new(&channel.layout, folder, channel.index, cache);
        let found: Result<Vec<(usize, Dtype)>, _> = channel
            .layout
            .tiles
            .par_iter()
            .map(|t| reader.image(t.id).map(|i| (t.id, i.meta().dtype)))
            .collect();
        for (id, found) in found? {
            let expected = *dtype.get_or_insert(found);
            if expected != found {
                let path = |id: usize| reader.path(id).unwrap_or(Path::new("")).to_owned();
                let first = channel.layout.tiles.first().map_or(0, |t| t.id);
                return Err(StitchError::TilesDiffer {
                    what: "sample type".to_owned(),
                    first: path(first),
                    first_has: expected.to_string(),
                    other: path(id),
                    other_has: found.to_string(),
                });
            }
        }
    }
    dtype.ok_or(StitchError::NoTiles)
}

fn fuse_plan(
    layout: &Layout,
    options: &FuseOptions,
    gains: BTreeMap<usize, TileGain>,
) -> Result<FusePlan, StitchError> {
    let ramp = match &options.ramp {
        Some(text) => {
            let shape = layout.tiles.first().map_or([1; 3], |t| t.shape);
            let voxel = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
            Some(text.parse::<Lengths>()?.voxels(shape, voxel))
        }
        None => None,
    };
    let params = FuseParams {
        blend: from_word(&options.blend)?,
        interpolation: from_word(&options.interpolation)?,
        fill: options.fill,
        ramp,
        shading: shading(options)?,
        gains,
    };
    let tiles: Vec<FuseTile> = layout
        .tiles
        .iter()
        .map(|t| FuseTile {
            id: t.id,
            position: if options.nominal { t.nominal_px.0 } else { t.current_px() },
            shape: t.shape.map(|n| n as usize),
        })
        .collect();
    FusePlan::new(&tiles, params).map_err(|e| StitchError::Parameters(e.to_string()))
}

fn shading(options: &FuseOptions) -> Result<Option<Shading>, StitchError> {
    if options.flat.is_none() && options.dark.is_none() {
        return Ok(None);
    }
    let plane = |path: &Option<PathBuf>| path.as_deref().map(read_plane).transpose();
    Ok(Some(Shading { flat: plane(&options.flat)?, dark: plane(&options.dark)? }))
}

fn region_of(fuse: &FusePlan, options: &FuseOptions) -> Result<LayoutRegion, StitchError> {
    let whole = fuse.output();
    let Some(text) = &options.region else { return Ok(whole) };
    let spans: Spans = text.parse()?;
    // `--region` counts output voxels, from 0.
    let bounds = spans.bounds(whole.shape.map(|n| (0, n)));
    let lower = std::array::from_fn(|d| bounds[d].0.clamp(0, whole.shape[d]));
    let upper = std::array::from_fn(|d| bounds[d].1.clamp(0, whole.shape[d]));
    match LayoutRegion::from_bounds(lower, upper).filter(|r| !r.is_empty()) {
        Some(part) => Ok(part.to_layout(whole.start)),
        None => Err(StitchError::Parameters(format!(
            "the region `{text}` holds no voxel of the output of {:?} voxels",
            whole.shape
        ))),
    }
}

fn output_meta(
    layout: &Layout,
    channels: &[FusedChannel],
    region: &LayoutRegion,
    options: &FuseOptions,
    dtype: Dtype,
    output: &Path,
) -> Result<ImageMeta, StitchError> {
    let dtype = match &options.dtype {
        None => dtype,
        Some(name) => Dtype::parse(name).ok_or_else(|| {
            StitchError::Parameters(format!("--dtype `{name}`: write one of uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64"))
        })?,
    };
    let mut axes = vec![Axis::Y, Axis::X];
    if layout.tiles.iter().any(|t| t.shape[0] > 1) || region.shape[0] > 1 {
        axes.push(Axis::Z);
    }
    if channels.len() > 1 {
        axes.push(Axis::C);
    }
    let [z, y, x] = region.shape.map(|n| n as u64);
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default().to_owned();
    let mut meta =
        ImageMeta::new(name, Axes::of(&axes), [1, channels.len() as u64, z, y, x], dtype);
    if let Some(size) = layout.voxel_size_um {
        let known = size.origin != hooke_core::Origin::Assumed;
        if known {
            meta.voxel_size_um = size.zyx().map(|v| Sourced { value: Some(v), from: size.origin });
            meta.origin_um = std::array::from_fn(|d| Sourced {
                value: Some(region.start[d] as f64 * size.zyx()[d]),
                from: size.origin,
            });
        }
    }
    let named = channels.iter().any(|c| c.name.parse::<usize>().is_err());
    if named {
        meta.channels = channels
            .iter()
            .map(|c| Channel { name: Some(c.name.clone()), ..Channel::default() })
            .collect();
    }
    Ok(meta)
}

impl Workflow for FuseWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let mut before = Vec::new();
        if self.needs_gains() {
            before.push(gains::stage());
        }
        if self.needs_maxima() {
            before.push(adjust::stage(&self.region, &self.fuse, self.stored_dtype(), &before));
        }
        let after: Vec<&str> = before.iter().map(|s| s.name.as_str()).collect();
        let first = FirstStage {
            name: "fuse",
            after: &after,
            halo: [0; 5],
            bytes: &|write| self.block_bytes(write),
        };
        let planned = self.output.stages(&first, budget)?;
        let mut inputs = vec![stamp_input(&self.parameters.input, Some("hooke-layout"))?];
        for channel in &self.channels {
            for tile in &channel.layout.tiles {
                let path = super::tiles::absolute(&self.folder, &tile.source.path);
                if !inputs.iter().any(|i| i.path == path) {
                    inputs.push(stamp_input(&path, None)?);
                }
            }
        }
        let draft = Draft {
            command: "stitch fuse".to_owned(),
            results_version: FuseWorkflow::REGISTERED.results_version,
            parameters: serde_json::to_value(&self.parameters)?,
            inputs,
            outputs: vec![planned.output],
            stages: before.into_iter().chain(planned.stages).collect(),
            work_bytes: planned.work_bytes,
        };
        Ok(Plan::new(draft, budget)?)
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
        match stage {
            "gains" => {
                let reader = self.readers(&plan.budget).swap_remove(0);
                Ok(gains::open(&self.layout, reader, work))
            }
            "maxima" => {
                let reader = self.readers(&plan.budget).swap_remove(0);
                Ok(adjust::open(&self.fuse, &self.region, reader, self.stored_dtype(), work))
            }
            "fuse" => {
                let mut fuse = self.fuse.clone();
                if self.needs_gains() {
                    let gains = gains::read(work)?;
                    fuse = fuse_plan(&self.layout, &self.parameters.options, gains)?;
                }
                if self.needs_maxima() {
                    fuse = adjust::read(fuse, work)?;
                }
                let stage = FuseStage {
                    workflow: self,
                    fuse,
                    readers: self.readers(&plan.budget),
                    sink: self.output.open_sink(work)?,
                    container: self.output.container(work),
                };
                Ok(Box::new(stage))
            }
            other => self.output.open_stage(other, work),
        }
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let warnings = self
            .warnings
            .iter()
            .map(|(code, message)| hooke_core::provenance::Warning::new(code, message.clone()))
            .collect();
        let result = json!({
            "shape": self.region.shape, "origin_px": self.region.start, "tiles": self.layout.tiles.len()
        });
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }
}

/// The opened stage `fuse`.
struct FuseStage<'a> {
    workflow: &'a FuseWorkflow,
    fuse: FusePlan,
    readers: Vec<TileReader>,
    sink: Arc<dyn ImageSink>,
    container: String,
}

/// Buffers that one block leaves for the next.
struct Buffers<T> {
    fused: FuseScratch<T>,
    plane: Vec<T>,
    block: Option<Pixels>,
}

impl<T> Default for Buffers<T>
where
    FuseScratch<T>: Default,
{
    fn default() -> Buffers<T> {
        Buffers { fused: FuseScratch::default(), plane: Vec::new(), block: None }
    }
}

impl RunBlock for FuseStage<'_> {
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        dispatch!(self.workflow.stored_dtype(), T => self.run_typed::<T>(block, cx))
    }
}

impl FuseStage<'_> {
    fn run_typed<T: Sample + Typed>(
        &self,
        block: &Block,
        cx: &mut BlockContext<'_>,
    ) -> Result<Summary, BlockError> {
        let dtype = self.workflow.output.meta().dtype;
        let buffers = cx.scratch.get::<Buffers<T>>();
        let mut pixels = buffers.block.take().unwrap_or_else(|| Pixels::zeros(dtype, [0; 5]));
        pixels.reset(dtype, block.write.shape);
        let space = self.workflow.layout_box(&block.write);
        let voxels = space.voxels() as usize;
        for c in 0..block.write.shape[1] as usize {
            let reader = &self.readers[block.write.start[1] as usize + c];
            let source: &dyn TilePixels<T> = &AsStored(reader);
            let part = c * voxels..(c + 1) * voxels;
            if let Some(out) = pixels.as_mut_slice::<T>() {
                fuse_block(&self.fuse, &space, source, &mut buffers.fused, &mut out[part])?;
            } else {
                buffers.plane.resize(voxels, T::default());
                fuse_block(&self.fuse, &space, source, &mut buffers.fused, &mut buffers.plane)?;
                convert(&buffers.plane, &mut pixels, part);
            }
        }
        let keys = self.sink.write(0, &block.write, &pixels)?;
        buffers.block = Some(pixels);
        let read = voxels as u64 * T::DTYPE.size() as u64;
        Ok(Summary::new().read(read).wrote(&self.container, keys))
    }
}

/// Rounds half to even and clamps to the output's type.
fn convert<T: Sample>(from: &[T], to: &mut Pixels, part: std::ops::Range<usize>) {
    dispatch!(to.dtype(), U => {
        if let Some(out) = to.as_mut_slice::<U>() {
            for (out, v) in out[part].iter_mut().zip(from) {
                *out = U::from_f64(v.to_f64());
            }
        }
    });
}
