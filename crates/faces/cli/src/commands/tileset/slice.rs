//! `hooke tileset slice`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::tileset::slice::Slice;
use hooke_workflows::tileset::{SliceOptions, SliceOverlap, StepWorkflow};

use super::set_args::SetArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// How tiles that overlap in the plane become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlaneOverlap {
    /// The mean of the tiles there, zeros counted.
    Mean,
    /// The last tile that is not 0.
    Last,
    /// The largest value.
    Max,
}

/// Look at one plane of the mosaic. Nothing is registered and the mosaic is not made.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset slice demo/tiles.csv -o plane.png --z 8 --outline
  hooke tileset slice demo/tiles.csv -o plane.tif --z-um 6 --downsample 2

Writes: one picture, or an array of 32-bit floats")]
pub struct SliceArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The picture (.png) or the numbers (.tif, .npy)
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Plane of the mosaic, counted from 0 [default: the middle]
    #[arg(long, value_name = "N", help_heading = "Plane", allow_hyphen_values = true)]
    z: Option<i64>,
    /// Depth in um instead
    #[arg(long, value_name = "UM", help_heading = "Plane", allow_hyphen_values = true)]
    #[arg(conflicts_with = "z")]
    z_um: Option<f64>,
    /// How overlapping tiles become one value
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Plane", default_value = "mean")]
    overlap: PlaneOverlap,
    /// Mean of so many pixels along each side; `auto` keeps the longer side below 1500
    #[arg(long, value_name = "auto|N", help_heading = "Plane", default_value = "auto")]
    downsample: String,
    /// Grey levels that become black and white: LO,HI, `auto` or `none` [default: auto for .png,
    /// else none]
    #[arg(
        long,
        value_name = "LO,HI|auto|none",
        help_heading = "Plane",
        allow_hyphen_values = true
    )]
    range: Option<String>,
    /// With .png: draw borders and numbers of the tiles
    #[arg(long, help_heading = "Plane")]
    outline: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: SliceArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = SliceOptions {
        set: args.set.to_options(),
        z: args.z,
        z_um: args.z_um,
        overlap: match args.overlap {
            PlaneOverlap::Mean => SliceOverlap::Mean,
            PlaneOverlap::Last => SliceOverlap::Last,
            PlaneOverlap::Max => SliceOverlap::Max,
        },
        downsample: args.downsample,
        range: args.range,
        outline: args.outline,
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<Slice>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
