//! `hooke tileset update-offsets`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::positions::UpdateOffsets;
use hooke_workflows::tileset::{StepWorkflow, UpdateOffsetsOptions};

use super::set_args::SetArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Give the tiles the positions of another file, such as an XML that BigStitcher has aligned.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset positions labels/tiles.csv -o positions.csv
  hooke tileset update-offsets labels/tiles.csv --from positions.csv -o moved.csv
  hooke tileset update-offsets labels/tiles.csv --from positions.csv -o moved.json --relative

Writes: the tiles with their new positions, as a table, a layout or an XML; pixels stay where they
are and no input is changed")]
pub struct UpdateOffsetsArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The file of the new positions: a table by tile, .xml, .nd2, layout.json or .npy
    #[arg(long, value_name = "FILE", help_heading = "Positions")]
    from: PathBuf,
    /// Factors on the positions, z,y,x [default: 1,1,1]
    #[arg(long, value_name = "AXES", help_heading = "Positions", allow_hyphen_values = true)]
    scale: Option<String>,
    /// Subtract the smallest position per axis
    #[arg(long, help_heading = "Positions")]
    relative: bool,
    /// What to write: .csv, .parquet, .json (a layout) or .xml (BigDataViewer)
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: UpdateOffsetsArgs, cx: &Context) -> Result {
    let options = UpdateOffsetsOptions {
        set: args.set.to_options(),
        from: args.from,
        scale: args.scale,
        relative: args.relative,
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<UpdateOffsets>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
