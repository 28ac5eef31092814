//! `hooke tileset volume`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::image_output::Store;
use hooke_workflows::tileset::{Place, VolumeOptions, VolumeWorkflow};

use super::set_args::{Overlap, SetArgs, StoreArgs, ZeroKind};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// How a fractional position becomes a voxel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlaceKind {
    /// To the nearest voxel.
    Nearest,
    /// To the voxel below.
    Down,
}

/// Paste the tiles into one volume at their positions; for registration see `hooke stitch`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset volume demo/tiles.csv -o mosaic.ome.zarr
  hooke tileset volume labels/tiles.csv -o labels.tif --labels --overlap first --levels none

Writes: the image, OUT.hooke.json and OUT.run.toml beside it")]
pub struct VolumeArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The image to write; the suffix chooses the format (.ome.zarr, .tif, .h5, .xml, .npy)
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Which tile a voxel is taken from
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Pasting", default_value = "last")]
    overlap: Overlap,
    /// What a 0 in a tile is
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Pasting")]
    #[arg(default_value = "transparent")]
    zeros: ZeroKind,
    /// How a fractional position becomes a voxel
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        help_heading = "Pasting",
        default_value = "nearest"
    )]
    place: PlaceKind,
    /// Order of pasting, every tile once, like 2,0,1 [default: as they come]
    #[arg(long, value_name = "LIST", help_heading = "Pasting")]
    order: Option<String>,
    /// Voxels are identities: levels are made without averaging
    #[arg(long, help_heading = "Pasting")]
    labels: bool,
    /// Sample type to write; tiles are rounded and clipped to it [default: as the tiles]
    #[arg(long, value_name = "DTYPE", help_heading = "Pasting")]
    dtype: Option<String>,
    /// Make the page OUT.report.html too
    #[arg(long, help_heading = "Output")]
    report: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: VolumeArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = VolumeOptions {
        set: args.set.to_options(),
        overlap: args.overlap.blend(),
        zeros: args.zeros.zeros(),
        place: match args.place {
            PlaceKind::Nearest => Place::Nearest,
            PlaceKind::Down => Place::Down,
        },
        order: args.order,
        dtype: args.dtype,
        store: Store { labels: args.labels, ..args.store.to_store() },
        output: args.output.clone(),
    };
    let workflow = VolumeWorkflow::new(options)?;
    let mut outcome = execute::run(&workflow, &args.output, &args.common, cx)?;
    if args.report {
        super::add_report(&mut outcome, &args.output, &args.common, cx)?;
    }
    Ok(outcome)
}
