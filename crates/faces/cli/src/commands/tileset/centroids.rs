//! `hooke tileset centroids`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::centroids::Centroids;
use hooke_workflows::tileset::{CentroidsOptions, StepWorkflow};

use super::set_args::{Overlap, SetArgs, ZeroKind};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Tell where every label of the mosaic lies and how large it is; the mosaic is not made.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset centroids unique.zarr -o objects.csv
  hooke tileset centroids unique.zarr -o weighted.parquet --intensity labels/tiles.csv

Writes: a table, one row per label: label, z_um.., z.., n_voxels, volume_um3, box z0..x1, n_tiles;
with --intensity also mean_intensity, z_weighted_um.., z_weighted..")]
pub struct CentroidsArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The table to write, .csv or .parquet
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Tiles of intensities, or one image of the whole mosaic
    #[arg(long, value_name = "IMAGE", help_heading = "Measuring")]
    intensity: Option<String>,
    /// What a 0 in a tile is
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Measuring")]
    #[arg(default_value = "transparent")]
    zeros: ZeroKind,
    /// Which tile a voxel is taken from: last, first or max
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        help_heading = "Measuring",
        default_value = "last"
    )]
    overlap: Overlap,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: CentroidsArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = CentroidsOptions {
        set: args.set.to_options(),
        intensity: args.intensity,
        zeros: args.zeros.zeros(),
        overlap: args.overlap.blend(),
        output: args.output.clone(),
    };
    let workflow = StepWorkflow::<Centroids>::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
