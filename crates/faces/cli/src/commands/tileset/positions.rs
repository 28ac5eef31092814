//! `hooke tileset positions`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::positions::Positions;
use hooke_workflows::tileset::{PositionsOptions, StepWorkflow};

use super::set_args::SetArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Write the positions of tiles as a table: of a BigDataViewer XML also its affine maps.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset positions labels/tiles.csv -o positions.csv
  hooke tileset positions labels/tiles.csv -o positions.parquet --relative

Writes: a table tile,name,z_um,y_um,x_um,z_px,y_px,x_px; of BigDataViewer also
setup,timepoint,a00..a23. It can be given to --positions")]
pub struct PositionsArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The table to write, .csv or .parquet
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Subtract the smallest position per axis
    #[arg(long, help_heading = "Output")]
    relative: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: PositionsArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = PositionsOptions {
        set: args.set.to_options(),
        relative: args.relative,
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<Positions>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
