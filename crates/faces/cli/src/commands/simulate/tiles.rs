//! `hooke simulate tiles`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::simulate::{LabelSimOptions, SimulateLabels, SimulateTiles, TileSimOptions};

use crate::commands::Result;
use crate::commands::stitch::align_options::word;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;

/// How difficult the tiles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Strong signal, whole-voxel positions.
    Easy,
    /// Strong signal, fractional positions.
    Subpixel,
    /// Weak signal, photon noise, vignetting, uneven gain, a fixed camera pattern.
    Hard,
}

/// Make overlapping tiles whose true positions are known.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke simulate tiles -o demo --grid 2,2 --tile 16,128,128 --overlap 20% --jitter z=1,y=5,x=5
  hooke simulate tiles -o hard --kind hard --grid 2,2 --tile 16,128,128 --overlap 25% --seed 1
  hooke simulate tiles -o labels --labels --grid 2,2 --tile 16,96,96 --overlap 16 --objects 120

Writes: DIR/tile_Z_Y_X.tif, DIR/tiles.csv (nominal positions), DIR/truth.json, DIR/hooke.json; with
--labels also DIR/truth.parquet, the object behind every label of every tile")]
pub struct TilesArgs {
    /// The folder to make
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// How difficult the tiles are
    #[arg(long, value_enum, value_name = "KIND", default_value = "easy")]
    kind: Kind,
    /// Number of tiles: y,x or z,y,x
    #[arg(long, value_name = "AXES", default_value = "3,3")]
    grid: String,
    /// Size of a tile in voxels: y,x or z,y,x
    #[arg(long, value_name = "AXES", default_value = "64,512,512")]
    tile: String,
    /// Nominal overlap in voxels or %
    #[arg(long, value_name = "AXES", default_value = "12%")]
    overlap: String,
    /// Largest error of the stage per axis, voxels
    #[arg(long, value_name = "AXES", default_value = "8")]
    jitter: String,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Make tiles of labels, each with ids of its own, whose objects are known
    #[arg(long, help_heading = "Labels")]
    labels: bool,
    #[command(flatten)]
    sample: SampleArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// With `--labels`: the objects, and what a tile sees of them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Labels")]
pub struct SampleArgs {
    /// Round objects in the sample, if so many find room
    #[arg(long, value_name = "N", default_value_t = 300)]
    objects: usize,
    /// Smallest and largest radius, voxels
    #[arg(long, value_name = "LO,HI", default_value = "4,8")]
    radius: String,
    /// How far a border in a tile may lie from the true one, voxels
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    border_jitter: f64,
    /// Largest error of a tile's position per axis, whole voxels
    #[arg(long, value_name = "N", default_value_t = 0)]
    position_error: u32,
    /// Ids are drawn from 1 to this; 0 permutes consecutive ids
    #[arg(long, value_name = "N", default_value_t = 0)]
    largest_id: u64,
}

/// Runs the command.
pub fn run(args: TilesArgs, cx: &Context) -> Result {
    refuse_without_effect(args.labels, cx)?;
    if args.labels {
        let options = LabelSimOptions {
            grid: args.grid,
            tile: args.tile,
            overlap: args.overlap,
            objects: args.sample.objects,
            radius: args.sample.radius,
            border_jitter: args.sample.border_jitter,
            position_error: args.sample.position_error,
            largest_id: args.sample.largest_id,
            seed: args.seed,
        };
        let workflow = SimulateLabels::new(options, &args.output)?;
        return execute::run_folder(&workflow, &args.output, &args.common, cx);
    }
    let options = TileSimOptions {
        kind: word(args.kind),
        grid: args.grid,
        tile: args.tile,
        overlap: args.overlap,
        jitter: args.jitter,
        seed: args.seed,
    };
    let workflow = SimulateTiles::new(options, &args.output)?;
    execute::run_folder(&workflow, &args.output, &args.common, cx)
}

/// Options of the other kind of tiles, typed or set, would be ignored.
fn refuse_without_effect(labels: bool, cx: &Context) -> std::result::Result<(), CliError> {
    let of_other: &[&str] = match labels {
        true => &["kind", "jitter"],
        false => &["objects", "radius", "border_jitter", "position_error", "largest_id"],
    };
    let typed = |key: &&str| cx.settings.from.get(*key).is_some_and(|from| from == "flag");
    let Some(key) = of_other.iter().copied().find(typed) else { return Ok(()) };
    let option = key.replace('_', "-");
    Err(match labels {
        true => CliError::usage(format!("--{option} has no effect with --labels"))
            .hint("leave it out; --position-error moves tiles of labels"),
        false => CliError::usage(format!("--{option} has no effect without --labels"))
            .hint("give --labels for tiles of labels"),
    })
}
