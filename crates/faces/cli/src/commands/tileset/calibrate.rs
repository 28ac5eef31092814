//! `hooke tileset calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::tileset::calibrate::Calibrate;
use hooke_workflows::tileset::{CalibrateMethod, CalibrateOptions, CalibrateParams, StepWorkflow};

use super::set_args::SetArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Whose percentiles make the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Those of all voxels of all tiles together.
    Pooled,
    /// The mean over the tiles of each tile's own.
    MeanOfTiles,
}

/// How the scale is measured; shared with `scale --auto`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Measuring")]
pub struct MeasureArgs {
    /// Percentile that becomes the lower end, 0 to 100
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub low: f64,
    /// Percentile that becomes the upper end, 0 to 100
    #[arg(long, value_name = "P", default_value_t = 99.0)]
    pub high: f64,
    /// Whose percentiles
    #[arg(long, value_enum, value_name = "HOW", default_value = "pooled")]
    pub method: Method,
    /// Leave voxels that are 0 out
    #[arg(long)]
    pub ignore_zeros: bool,
}

impl MeasureArgs {
    /// As the workflow takes them.
    pub fn to_params(&self) -> CalibrateParams {
        CalibrateParams {
            low: self.low,
            high: self.high,
            method: match self.method {
                Method::Pooled => CalibrateMethod::Pooled,
                Method::MeanOfTiles => CalibrateMethod::MeanOfTiles,
            },
            ignore_zeros: self.ignore_zeros,
        }
    }
}

/// Measure one intensity scale for all tiles: exact percentiles, streamed.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset calibrate demo/tiles.csv -o scale.json
  hooke tileset calibrate demo/tiles.csv -o scale_peer.json --high 99.9 --method mean-of-tiles

Writes: JSON with low, high and a row per tile; for `hooke tileset scale --calibration`")]
pub struct CalibrateArgs {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    measure: MeasureArgs,
    /// The file to write
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: PathBuf,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: CalibrateArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = CalibrateOptions {
        set: args.set.to_options(),
        params: args.measure.to_params(),
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<Calibrate>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
