//! `hooke tileset surface`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::tileset::surface::ContactSurface;
use hooke_workflows::tileset::{StepWorkflow, SurfaceFrom, SurfaceOptions};

use super::set_args::ReadArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// From which side the columns are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// From z 0 upwards.
    Bottom,
    /// From the last plane downwards.
    Top,
}

/// Find the contact surface of a volume: per column the first plane that is bright nearby.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset surface demo/tile_0_0_0.tif -o surface.npz
  hooke tileset surface demo/tile_0_0_0.tif -o top.zarr --from top --threshold 150 --reach 2

Writes: index (y,x) with -1 where there is none, intensity with NaN there, threshold; as .npz or
.zarr")]
pub struct SurfaceArgs {
    /// The volume
    #[arg(value_name = "VOLUME", required = true, num_args = 1..)]
    input: Vec<String>,
    /// The surface to write, .npz or .zarr
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// From which side
    #[arg(long, value_enum, value_name = "SIDE", default_value = "bottom")]
    from: Side,
    /// Grey level above which a voxel is bright, or an image of levels (y,x) [default: of each column]
    #[arg(long, value_name = "LEVEL|IMAGE", allow_hyphen_values = true)]
    threshold: Option<String>,
    /// Without --threshold: percentile of each column
    #[arg(long, value_name = "P", default_value_t = 99.0)]
    percentile: f64,
    /// Without --threshold: factor on that percentile
    #[arg(long, value_name = "F", default_value_t = 1.0 / 3.0)]
    fraction: f64,
    /// How far bright voxels reach in their plane, voxels
    #[arg(long, value_name = "N", default_value_t = 5)]
    reach: usize,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: SurfaceArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = SurfaceOptions {
        set: args.read.to_options(args.input),
        from: match args.from {
            Side::Bottom => SurfaceFrom::Bottom,
            Side::Top => SurfaceFrom::Top,
        },
        threshold: args.threshold,
        percentile: args.percentile,
        fraction: args.fraction,
        reach: args.reach,
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<ContactSurface>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
