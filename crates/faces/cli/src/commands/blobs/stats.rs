//! `hooke blobs stats`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::{StatsOptions, StatsWorkflow};

use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Measure how much channels overlap, voxel by voxel, without any objects.
///
/// Pearson, Spearman, Kendall, Manders, Costes, Li and rank-weighted colocalization of every pair of channels.
/// The image is read part by part and may be larger than memory. What is undefined is null.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke simulate tiles -o demo --grid 2,2 --tile 16,128,128 --overlap 20% --jitter z=1,y=5,x=5
  hooke convert demo/tile_0_0_0.tif demo/tile_0_0_1.tif -o two.zarr --along c
  hooke blobs stats two.zarr -o stats.parquet --threshold otsu
  hooke blobs stats two.zarr -o stats.json --background 100,100 --costes-draws 99 --ccf 10

Writes: a row per pair of channels, and per label: .parquet or .json")]
pub struct StatsArgs {
    /// The image
    #[arg(value_name = "IMAGE")]
    input: PathBuf,
    /// The table: .parquet or .json
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// What the stored dimensions are, in stored order, like czyx [default: from the file]
    #[arg(long, value_name = "AXES", help_heading = "Input")]
    axes: Option<String>,
    /// Frame, from 0; needed where there are several
    #[arg(long, value_name = "N", help_heading = "Input")]
    time: Option<u64>,
    /// Channels, from 0, of which every pair is compared [default: all]
    #[arg(long, value_name = "N,...", help_heading = "Input")]
    channels: Option<String>,
    /// Image of the same shape; voxels count where it is not 0
    #[arg(long, value_name = "IMAGE", help_heading = "Input")]
    mask: Option<PathBuf>,
    /// Image of labels of the same shape; a row per label as well, 0 is none
    #[arg(long, value_name = "IMAGE", help_heading = "Input")]
    labels: Option<PathBuf>,
    /// Voxels above it are signal: a number for all channels or one per channel, in intensities less the
    /// background; otsu, costes, or fraction:F of the maximum
    #[arg(long, value_name = "T", default_value = "0", help_heading = "Measuring")]
    threshold: String,
    /// Subtracted from every channel, or from each its own, with a floor of 0 [default: 0]
    #[arg(long, value_name = "A,B", help_heading = "Measuring", allow_hyphen_values = true)]
    background: Option<String>,
    /// Compare with this many images in which blocks of the second channel change places; holds both
    /// channels in memory
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Measuring")]
    costes_draws: u64,
    /// Lengths of these blocks in voxels: about the point spread function
    #[arg(long, value_name = "Z,Y,X", default_value = "3,3,3", help_heading = "Measuring")]
    costes_block: String,
    /// Correlate also with the second channel shifted along x, by up to this many voxels either way
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Measuring")]
    ccf: u32,
    /// Seed of the randomisation
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Measuring")]
    seed: u64,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: StatsArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let workflow = StatsWorkflow::new(StatsOptions {
        image: args.input,
        axes: args.axes,
        time: args.time,
        channels: args.channels,
        mask: args.mask,
        labels: args.labels,
        threshold: args.threshold,
        background: args.background,
        costes_draws: args.costes_draws,
        costes_block: args.costes_block,
        ccf: args.ccf,
        seed: args.seed,
        output: args.output.clone(),
    })?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
