//! `hooke tileset to-global`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::to_global::ToGlobal;
use hooke_workflows::tileset::{StepWorkflow, ToGlobalOptions};

use super::set_args::ReadArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Bring points of tiles into the whole sample, or with --inverse points of the sample into tiles.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset positions labels/tiles.csv -o positions.csv
  hooke tileset to-global positions.csv --tileset labels/tiles.csv -o global.csv
  hooke tileset to-global positions.csv --tileset labels/tiles.csv -o local.csv --inverse

Writes: a table with global_z_um,global_y_um,global_x_um beside the given columns, of an .npy of
tile,x,y,z an .npy of x,y,z; with --inverse a table point,tile,z_um,y_um,x_um, a row per tile that
holds the point")]
pub struct ToGlobalArgs {
    /// Table with tile,z_um,y_um,x_um (with --units px tile,z,y,x), or .npy of tile,x,y,z
    #[arg(value_name = "POINTS")]
    input: PathBuf,
    /// The tiles
    #[arg(long, value_name = "TILES", required = true, num_args = 1..)]
    tileset: Vec<String>,
    /// The table (.csv, .parquet) or array (.npy) to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// What the points are given in
    #[arg(long, value_name = "UNIT", default_value = "um", value_parser = ["um", "px"])]
    units: String,
    /// Find the tiles that hold points of the sample
    #[arg(long)]
    inverse: bool,
    /// Keep the smallest position instead of subtracting it
    #[arg(long)]
    keep_origin: bool,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ToGlobalArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = ToGlobalOptions {
        set: args.read.to_options(args.tileset),
        points: args.input,
        um: args.units == "um",
        inverse: args.inverse,
        keep_origin: args.keep_origin,
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<ToGlobal>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
