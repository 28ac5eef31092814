//! `hooke blobs colocalize`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::{ColocalizeOptions, ColocalizeWorkflow};

use super::image_args::ImageArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Say for every blob in which channels there is signal at its place.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke blobs colocalize brain.ome.zarr --blobs blobs.parquet -o coloc.parquet
  hooke blobs colocalize brain.ome.zarr --blobs blobs.parquet -o coloc.parquet --rule neighborhood --threshold 5

Writes: OUT, one row per blob and channel: mean, contrast, score, p-value, coloc; OUT.hooke.json, OUT.run.toml")]
pub struct ColocalizeArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// The table of blobs
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    blobs: PathBuf,
    /// The table to write, .parquet
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// `contrast`: brighter than the shell around it, beyond noise; `neighborhood`: MagellanMapper's rule,
    /// mean of a small ball against one threshold per channel
    #[arg(long, value_name = "NAME", default_value = "contrast", value_parser = ["contrast", "neighborhood"], help_heading = "Rule")]
    rule: String,
    /// Of `neighborhood`: the least mean of the channel's own blobs, or a percentile of their voxels
    #[arg(long, value_name = "min|0-100", default_value = "min", help_heading = "Rule")]
    threshold: String,
    /// Of `contrast`: which part of those called positive may be false
    #[arg(long, value_name = "0-1", default_value_t = 0.05, help_heading = "Rule")]
    fdr: f64,
    /// Of `contrast`: noise of the camera, variance = ALPHA * intensity + BETA [default: measured]
    #[arg(long, value_name = "ALPHA,BETA", value_delimiter = ',', num_args = 1.., help_heading = "Rule", allow_hyphen_values = true)]
    noise: Vec<f64>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ColocalizeArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let noise = match args.noise.as_slice() {
        [] => None,
        [alpha, beta] => Some([*alpha, *beta]),
        _ => {
            let error = crate::frame::error::CliError::usage("--noise takes two numbers");
            return Err(error.hint("write ALPHA,BETA"));
        }
    };
    let options = ColocalizeOptions {
        image: args.image.options(),
        blobs: args.blobs,
        rule: args.rule,
        threshold: args.threshold,
        fdr: args.fdr,
        noise,
        output: args.output.clone(),
    };
    let workflow = ColocalizeWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
