//! `hooke stitch align`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::stitch::AlignWorkflow;

use super::align_options::{InputArgs, MeasureArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Measure the displacement of every pair of neighbouring tiles.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke simulate tiles -o demo --grid 2,2 --tile 16,128,128 --overlap 20% --jitter z=1,y=5,x=5
  hooke stitch align demo/tiles.csv -o layout.json --max-shift z=3,y=12,x=12
  hooke stitch align 'demo/tile_<Z,1>_<Y,1>_<X,1>.tif' --overlap 20% -o by_name.json

Writes: the layout with nominal positions and measured pairs; OUT.hooke.json and OUT.run.toml
beside it")]
pub struct AlignArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The layout to write
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "layout.json",
        help_heading = "Output"
    )]
    output: PathBuf,
    #[command(flatten)]
    measure: MeasureArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: AlignArgs, cx: &Context) -> Result {
    let options = args.measure.to_options(args.input.to_options());
    execute::refuse_existing(&args.output, &args.common)?;
    let workflow = AlignWorkflow::new(options, &args.output)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
