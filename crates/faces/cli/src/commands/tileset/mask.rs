//! `hooke tileset mask`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::{MaskOptions, MaskWorkflow};

use super::set_args::{SetArgs, StoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Set voxels to 0 wherever a mask is 0.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset mask labels/tiles.csv --mask labels/tiles.csv -o masked.zarr
  hooke tileset mask labels/tiles.csv --mask labels/tile_0_0_0.tif -o by_one.zarr

Writes: a tile set by the suffix (.zarr, .xml, .csv), OUT.hooke.json and OUT.run.toml beside it")]
pub struct MaskArgs {
    #[command(flatten)]
    set: SetArgs,
    /// A set of masks of the tiles' shapes, or one image for all tiles
    #[arg(long, value_name = "MASKS", help_heading = "Mask")]
    mask: String,
    /// The set to write: .zarr, .xml or .csv
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: MaskArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = MaskOptions {
        set: args.set.to_options(),
        mask: args.mask,
        store: args.store.to_store(),
        output: args.output.clone(),
    };
    let workflow = MaskWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
