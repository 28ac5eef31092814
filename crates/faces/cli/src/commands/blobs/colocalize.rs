//! `hooke blobs colocalize`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::{ColocalizeOptions, ColocalizeWorkflow};

use super::image_args::{ImageArgs, camera_noise};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
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
    /// Of `neighborhood`: `min`, the least mean of the channel's own blobs, or a percentile of their voxels
    /// [default: min]
    #[arg(long, value_name = "min|0-100", help_heading = "Rule")]
    threshold: Option<String>,
    /// Of `contrast`: which part of those called positive may be false [default: 0.05]
    #[arg(long, value_name = "0-1", help_heading = "Rule")]
    fdr: Option<f64>,
    /// Of `contrast`: noise of the camera, variance = ALPHA * intensity + BETA [default: auto, measured]
    #[arg(long, value_name = "auto|ALPHA,BETA", help_heading = "Rule", allow_hyphen_values = true)]
    noise: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ColocalizeArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let is_contrast = args.rule == "contrast";
    let unused = match is_contrast {
        true => args.threshold.as_ref().map(|_| "threshold"),
        false => {
            let fdr = args.fdr.map(|_| "fdr");
            fdr.or_else(|| args.noise.as_ref().map(|_| "noise"))
        }
    };
    if let Some(option) = unused {
        let what = format!("--{option} has no effect with --rule {}", args.rule);
        return Err(CliError::usage(what).hint("leave it out, or choose the other rule"));
    }
    let noise = camera_noise(args.noise.as_deref().unwrap_or("auto"))?;
    let options = ColocalizeOptions {
        image: args.image.options(),
        blobs: args.blobs,
        rule: args.rule,
        threshold: args.threshold.unwrap_or_else(|| "min".to_owned()),
        fdr: args.fdr.unwrap_or(0.05),
        noise,
        output: args.output.clone(),
    };
    let workflow = ColocalizeWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
