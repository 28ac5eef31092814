//! `hooke tileset scale`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::tileset::{Rounding, ScaleOptions, ScaleWorkflow};

use super::calibrate::MeasureArgs;
use super::set_args::{SetArgs, StoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// How a scaled value becomes a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoundingKind {
    /// To the nearest, a half to the even one.
    Nearest,
    /// Downwards.
    Down,
}

/// Bring all tiles to one intensity scale: LO becomes 0, HI the largest value of the type.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset calibrate demo/tiles.csv -o scale.json
  hooke tileset scale demo/tiles.csv --calibration scale.json -o scaled.zarr
  hooke tileset scale demo/tiles.csv --auto -o scaled16.csv --dtype u16

Writes: a tile set by the suffix: .zarr a collection, .xml BigDataViewer, .csv a table and a folder
of OME-TIFFs; OUT.hooke.json and OUT.run.toml beside it")]
pub struct ScaleArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The set to write: .zarr, .xml or .csv
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Grey levels that become 0 and the largest value
    #[arg(long, value_name = "LO,HI", help_heading = "Values", allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["calibration", "auto"])]
    range: Option<String>,
    /// A file of `hooke tileset calibrate`
    #[arg(long, value_name = "FILE", help_heading = "Values", conflicts_with = "auto")]
    calibration: Option<PathBuf>,
    /// Measure the scale first
    #[arg(long, help_heading = "Values")]
    auto: bool,
    /// Sample type to write: u8, u16 or f32 (0 to 255, not rounded)
    #[arg(long, value_name = "DTYPE", help_heading = "Values", default_value = "u8")]
    dtype: String,
    /// How a value becomes a whole number
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        help_heading = "Values",
        default_value = "nearest"
    )]
    rounding: RoundingKind,
    #[command(flatten)]
    measure: MeasureArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ScaleArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = ScaleOptions {
        set: args.set.to_options(),
        range: args.range,
        calibration: args.calibration,
        auto: args.auto.then(|| args.measure.to_params()),
        dtype: args.dtype,
        rounding: match args.rounding {
            RoundingKind::Nearest => Rounding::Nearest,
            RoundingKind::Down => Rounding::Down,
        },
        store: args.store.to_store(),
        output: args.output.clone(),
    };
    let workflow = ScaleWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
