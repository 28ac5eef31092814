//! `hooke stitch fuse`: a placed layout to one volume, block by block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::plan::Plan;
use hooke_core::{Budget, Dtype};
use hooke_io::ChunkCache;
use hooke_stitch::fuse::FusePlan;
use hooke_stitch::{Layout, LayoutRegion};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::StitchError;
use super::files::{folder_of, open_layout};
use super::fuse_channels::{FusedChannel, channels, check_tiles};
use super::fuse_options::{FuseOptions, fuse_plan, output_meta, region_of};
use super::fuse_stage::FuseStage;
use super::input::changed_sources;
use super::tiles::TileReader;
use super::{adjust, gains};
use crate::engine::{
    Finished, Markers, Planned, Registered, RunBlock, WorkDir, Workflow, stamp_input,
};
use crate::image_output::{FirstStage, ImageOutput};

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
        check_placed(&layout, &input, &options)?;
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
        let target = ImageOutput::new(&output, meta, &options.store())?;
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

/// Stage positions are fused only where they were asked for.
fn check_placed(layout: &Layout, path: &Path, options: &FuseOptions) -> Result<(), StitchError> {
    let unplaced = layout.tiles.iter().filter(|t| t.position_px.is_none()).count();
    match unplaced {
        0 => Ok(()),
        _ if options.nominal => Ok(()),
        _ => Err(StitchError::NotPlaced {
            path: path.to_owned(),
            unplaced,
            tiles: layout.tiles.len(),
        }),
    }
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
        let planned =
            Planned { stages: before.into_iter().chain(planned.stages).collect(), ..planned };
        planned.into_plan(&FuseWorkflow::REGISTERED, &self.parameters, inputs, budget)
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
                    fuse,
                    region: &self.region,
                    stored: self.stored_dtype(),
                    written: self.output.meta().dtype,
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
