//! `hooke tileset blank-bdv`: a BigDataViewer set of noise, whose views are filled later.

use std::path::PathBuf;

use hooke_core::image::SourceError;
use hooke_core::pixels::Typed;
use hooke_core::plan::{InputStamp, Plan};
use hooke_core::provenance::Warning;
use hooke_core::region::grid;
use hooke_core::{Axes, Budget, Dtype, ImageMeta, Pixels, Region, Sample, Sourced, dispatch};
use hooke_tileset::noise::fill_noise;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::SetError;
use super::export_bdv::{check_xml, dtype_of};
use super::options::{SetOptions, absolute};
use super::position_file;
use super::set::TileSet;
use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Registered, RunBlock, WorkDir, Workflow,
    stamp_input,
};
use crate::image_output::{FirstSetStage, MapStage, SetOutput, Store, TileMap};
use crate::options::{Lengths, read_option};
use crate::stitch::input::Position;

/// Everything that decides the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlankBdvOptions {
    /// Tiles to stand for; none when their number and size are given.
    #[serde(flatten)]
    pub set: SetOptions,
    /// Number of tiles.
    pub count: Option<usize>,
    /// Lengths of a tile.
    pub tile_size: Option<String>,
    /// The type that is written.
    pub dtype: String,
    /// Noise is below this.
    pub noise: f64,
    /// Seed of the noise.
    pub seed: u64,
    /// How the tiles are stored.
    #[serde(flatten)]
    pub store: Store,
    /// The XML to write.
    pub output: PathBuf,
}

/// Noise is drawn in pieces of these lengths, whatever the blocks.
const PIECE: [u64; 5] = [1, 1, 32, 64, 64];
/// More tiles than any stage visits.
const MOST_TILES: usize = 100_000;

/// The workflow.
pub struct BlankBdvWorkflow {
    options: BlankBdvOptions,
    inputs: Vec<InputStamp>,
    warnings: Vec<(String, String)>,
    shapes: Vec<[u64; 3]>,
    dtype: Dtype,
    output: SetOutput,
}

/// Tiles before anything is drawn.
struct Plain {
    names: Vec<String>,
    shapes: Vec<[u64; 3]>,
    um: Vec<Option<[f64; 3]>>,
    px: Vec<Option<[f64; 3]>>,
    voxel: [Option<f64>; 3],
    inputs: Vec<InputStamp>,
    warnings: Vec<(String, String)>,
}

impl BlankBdvWorkflow {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: "tileset blank-bdv",
        results_version: 1,
        open: |plan| {
            Ok(Box::new(BlankBdvWorkflow::new(serde_json::from_value(plan.parameters.clone())?)?))
        },
    };

    /// Finds out number, sizes and places of the tiles.
    ///
    /// # Errors
    /// When neither tiles nor their number and size are given, or an option is no value.
    pub fn new(options: BlankBdvOptions) -> Result<BlankBdvWorkflow, SetError> {
        let output = absolute(&options.output);
        let options = BlankBdvOptions { set: options.set.absolute(), output, ..options };
        check_xml(&options.output)?;
        let dtype = dtype_of(Some(&options.dtype))?.unwrap_or(Dtype::Uint16);
        if !(options.noise >= 0.0 && options.noise.is_finite()) {
            let what = format!("--noise {} is no grey level", options.noise);
            return Err(SetError::usage(what, "give a number from 0; 0 writes no pixels at all"));
        }
        let size = options.tile_size.as_deref().map(tile_size).transpose()?;
        let tiles = match options.set.input.is_empty() {
            true => counted(&options, size)?,
            false => like(&options, size)?,
        };
        let meta = |i: usize| {
            let [z, y, x] = tiles.shapes[i];
            let mut meta = ImageMeta::new(&tiles.names[i], Axes::ZYX, [1, 1, z, y, x], dtype);
            meta.voxel_size_um =
                tiles.voxel.map(|v| v.map_or_else(Sourced::unknown, Sourced::file));
            if let Some(um) = tiles.um[i] {
                meta.origin_um = um.map(Sourced::file);
            }
            meta
        };
        let metas = (0..tiles.shapes.len()).map(meta).collect();
        let output = SetOutput::new(&options.output, metas, tiles.px, &options.store)?;
        let Plain { shapes, inputs, warnings, .. } = tiles;
        Ok(BlankBdvWorkflow { options, inputs, warnings, shapes, dtype, output })
    }
}

fn tile_size(text: &str) -> Result<[u64; 3], SetError> {
    let size =
        read_option::<Lengths>("tile-size", text)?.whole(1).map_err(|e| e.of("tile-size"))?;
    match size.iter().all(|n| (1..=1 << 40).contains(n)) {
        true => Ok(size),
        false => Err(SetError::usage(
            format!("--tile-size `{text}` is no size"),
            "write voxels over z,y,x, like 32,512,512",
        )),
    }
}

/// As many tiles of one size as were asked for.
fn counted(options: &BlankBdvOptions, size: Option<[u64; 3]>) -> Result<Plain, SetError> {
    let (Some(count), Some(size)) = (options.count, size) else {
        return Err(SetError::usage(
            "neither tiles nor their number and size",
            "name TILES, or give --count N and --tile-size z,y,x",
        ));
    };
    if !(1..=MOST_TILES).contains(&count) {
        let what = format!("--count {count} is no number of tiles");
        return Err(SetError::usage(what, "give a number from 1"));
    }
    let voxel = options.set.given_voxel()?;
    let known: Option<[f64; 3]> = match voxel {
        [Some(z), Some(y), Some(x)] => Some([z, y, x]),
        _ => None,
    };
    let mut tiles = Plain {
        names: (0..count).map(|i| format!("tile {i}")).collect(),
        shapes: vec![size; count],
        um: vec![None; count],
        px: vec![None; count],
        voxel,
        inputs: Vec::new(),
        warnings: Vec::new(),
    };
    if let Some(path) = &options.set.positions {
        let found = position_file::read(path, count, options.set.stage()?)?;
        for (i, position) in found.positions.into_iter().enumerate() {
            match (position, known) {
                (Position::Micrometres(um), Some(_)) => tiles.um[i] = Some(um),
                (Position::Micrometres(_), None) => {
                    let what = "positions in micrometres need a voxel size";
                    return Err(SetError::unfit(what, "give --voxel-size z,y,x"));
                }
                (Position::Voxels(px), known) => {
                    tiles.px[i] = Some(px);
                    tiles.um[i] = known.map(|v| std::array::from_fn(|d| px[d] * v[d]));
                }
            }
        }
        tiles.inputs.push(stamp_input(path, None)?);
        tiles.warnings = found.warnings;
    }
    Ok(tiles)
}

/// Tiles like those of a set; another size moves them apart or together.
fn like(options: &BlankBdvOptions, size: Option<[u64; 3]>) -> Result<Plain, SetError> {
    let set = TileSet::open(&options.set)?.ignoring_rotation(options.set.ignore_rotation);
    if options.count.is_some_and(|n| n != set.tiles.len()) {
        let what = format!("--count is not the {} tiles that are named", set.tiles.len());
        return Err(SetError::usage(what, "leave --count out"));
    }
    set.placement(hooke_tileset::placement::Place::Nearest)?;
    let shapes: Vec<[u64; 3]> = set.shapes().into_iter().map(|s| size.unwrap_or(s)).collect();
    let factor = |i: usize, d: usize| shapes[i][d] as f64 / set.tiles[i].shape[d] as f64;
    let px =
        |i: usize| set.tiles[i].position_px.map(|p| std::array::from_fn(|d| p[d] * factor(i, d)));
    let px: Vec<Option<[f64; 3]>> = (0..shapes.len()).map(px).collect();
    let um = |p: &Option<[f64; 3]>| {
        let (p, v) = ((*p)?, set.voxel_um?);
        Some(std::array::from_fn(|d| p[d] * v[d]))
    };
    Ok(Plain {
        names: set.tiles.iter().map(|t| t.name.clone()).collect(),
        um: px.iter().map(um).collect(),
        px,
        voxel: set.voxel_um.map_or([None; 3], |v| v.map(Some)),
        inputs: set.stamps()?,
        warnings: set.warnings.clone(),
        shapes,
    })
}

struct Noise<'a> {
    workflow: &'a BlankBdvWorkflow,
}

impl Noise<'_> {
    fn typed<T: Sample + Typed>(&self, tile: usize, region: &Region, out: &mut Pixels) {
        let options = &self.workflow.options;
        let [z, y, x] = self.workflow.shapes[tile];
        let whole = [1, 1, z, y, x];
        let mut piece = Pixels::zeros(T::DTYPE, PIECE);
        // Pieces are counted from the tile's first voxel, so blocks do not show.
        let first: [u64; 5] = std::array::from_fn(|d| region.start[d] / PIECE[d]);
        let end = region.end();
        let counts = std::array::from_fn(|d| end[d].div_ceil(PIECE[d]) - first[d]);
        for step in grid(counts, [1; 5]) {
            let at: [u64; 5] = std::array::from_fn(|d| first[d] + step.start[d]);
            let start = std::array::from_fn(|d| at[d] * PIECE[d]);
            let covered = Region::new(start, PIECE).intersect(&Region::whole(whole));
            let Some(part) = covered.and_then(|c| c.intersect(region)) else { continue };
            if let Some(values) = piece.as_mut_slice::<T>() {
                fill_noise(options.seed, tile, [at[2], at[3], at[4]], options.noise, values);
            }
            out.copy_box(part.relative_to(region.start).start, &piece, &part.relative_to(start));
        }
    }
}

impl TileMap for Noise<'_> {
    fn map(
        &self,
        tile: usize,
        region: &Region,
        _: &mut BlockContext<'_>,
        out: &mut Pixels,
    ) -> Result<u64, BlockError> {
        dispatch!(self.workflow.dtype, T => self.typed::<T>(tile, region, out));
        Ok(0)
    }
}

impl Workflow for BlankBdvWorkflow {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let sample = 2 * self.dtype.size() as u64;
        let bytes = |_: usize, write: [u64; 5]| write.iter().product::<u64>() * sample + (1 << 20);
        let first = FirstSetStage { name: "noise", after: &[], bytes: &bytes };
        let planned = self.output.stages(&first, budget)?;
        planned.into_plan(&Self::REGISTERED, &self.options, self.inputs.clone(), budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        self.output.create(work)
    }

    fn open_stage<'a>(
        &'a self,
        stage: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        if stage != "noise" {
            return self.output.open_stage(stage, work);
        }
        let (sinks, dtype) = (self.output.sinks(work), self.dtype);
        Ok(Box::new(MapStage { map: Noise { workflow: self }, sinks, dtype, read_bytes: 0 }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let outputs = self.output.finish(work)?;
        let warnings = self.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect();
        let result = json!({"tiles": self.shapes.len()});
        Ok(Finished { outputs, warnings, result, ..Finished::default() })
    }
}
