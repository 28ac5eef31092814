//! `hooke stitch fuse`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::stitch::FuseWorkflow;

use super::fuse_options::{BlendArgs, WriteArgs, to_options};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Write the tiles of a placed layout as one volume.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch fuse placed.json -o volume.ome.zarr
  hooke stitch fuse placed.json -o crop.tif --region z=0:10,y=20:120,x=20:120 --blend cosine

Writes: the volume, OUT.hooke.json and OUT.run.toml beside it")]
pub struct FuseArgs {
    /// The placed layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// The volume to write; the suffix chooses the format (.ome.zarr, .tif, .h5, .xml, .npy)
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Channels to fuse: index, name, list or `all` [default: the measured one]
    #[arg(long, value_name = "CHANNELS")]
    channel: Option<String>,
    /// Flat field, an image that every plane is divided by
    #[arg(long, value_name = "IMAGE")]
    flat: Option<PathBuf>,
    /// Dark image, subtracted from every plane
    #[arg(long, value_name = "IMAGE")]
    dark: Option<PathBuf>,
    /// Changed tiles are errors
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    blend: BlendArgs,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: FuseArgs, cx: &Context) -> Result {
    let mut options = to_options(&args.blend, &args.write, args.flat, args.dark);
    options.channel = args.channel;
    options.strict = args.strict;
    execute::refuse_existing(&args.output, &args.common)?;
    let workflow = FuseWorkflow::new(options, &args.input, &args.output)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
