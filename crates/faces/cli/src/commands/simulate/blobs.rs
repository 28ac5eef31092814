//! `hooke simulate blobs`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::simulate::{BlobSimParams, SimulateBlobs};

use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;

/// Make a volume of several channels whose blobs, and pairs of blobs, are known.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke simulate blobs -o cells --shape 48,256,256 --count 170
  hooke blobs detect cells/image.zarr -o found.parquet --sigma 2.2,3.4 --psf 1.5,0.4,0.4
  hooke score blobs found.parquet cells/truth.parquet -o score.json

Writes: DIR/image.zarr, DIR/truth.parquet, DIR/truth_matches.parquet, DIR/hooke.json")]
pub struct SimulateBlobsArgs {
    /// The folder to make
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Voxels of the volume
    #[arg(long, value_name = "Z,Y,X", default_value = "48,256,256", value_delimiter = ',', num_args = 1..)]
    shape: Vec<usize>,
    /// Voxel size in um
    #[arg(long, value_name = "Z,Y,X", default_value = "3,1,1", value_delimiter = ',', num_args = 1..)]
    voxel_size: Vec<f64>,
    /// Number of channels
    #[arg(long, value_name = "N", default_value_t = 2)]
    channels: u16,
    /// Blobs per channel, if so many find room
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Blobs")]
    count: usize,
    /// Part of the blobs that have a partner in another channel
    #[arg(long, value_name = "0-1", default_value_t = 0.3, help_heading = "Blobs")]
    pair_fraction: f64,
    /// How far partners lie apart per axis (standard deviation), in um
    #[arg(long, value_name = "UM", default_value_t = 1.0, help_heading = "Blobs")]
    jitter_um: f64,
    /// Mean sigma of the blobs in um
    #[arg(long, value_name = "UM", default_value_t = 2.8, help_heading = "Blobs")]
    sigma_um: f64,
    /// Spread of the sigmas over their mean
    #[arg(long, value_name = "F", default_value_t = 0.12, help_heading = "Blobs")]
    sigma_cv: f64,
    /// Smallest and largest height above the background, photons
    #[arg(long, value_name = "MIN,MAX", default_value = "120,900", value_delimiter = ',', num_args = 1.., help_heading = "Blobs")]
    amplitude: Vec<f64>,
    /// Least distance of blobs of one channel in um
    #[arg(long, value_name = "UM", default_value_t = 8.0, help_heading = "Blobs")]
    min_distance_um: f64,
    /// Least distance of blobs of two channels that are no pair, in um
    #[arg(long, value_name = "UM", default_value_t = 14.0, help_heading = "Blobs")]
    unpaired_distance_um: f64,
    /// Sigma of the microscope's blur in um
    #[arg(long, value_name = "Z,Y,X", default_value = "1.5,0.4,0.4", value_delimiter = ',', num_args = 1.., help_heading = "Camera")]
    psf: Vec<f64>,
    /// Mean of the background, photons
    #[arg(long, value_name = "N", default_value_t = 200.0, help_heading = "Camera")]
    background: f64,
    /// By what part of its mean the background rises along x
    #[arg(long, value_name = "F", default_value_t = 0.8, help_heading = "Camera")]
    gradient: f64,
    /// Standard deviation of the read-out, grey levels
    #[arg(long, value_name = "N", default_value_t = 6.0, help_heading = "Camera")]
    read_noise: f64,
    /// Grey level of darkness
    #[arg(long, value_name = "N", default_value_t = 100.0, help_heading = "Camera")]
    offset: f64,
    /// Part of a channel's blobs that shows in the next channel
    #[arg(long, value_name = "F", default_value_t = 0.03, help_heading = "Camera")]
    bleed: f64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    common: CommonArgs,
}

fn several<T: Copy, const N: usize>(
    option: &str,
    given: &[T],
) -> std::result::Result<[T; N], CliError> {
    match given {
        [one] => Ok([*one; N]),
        all => all.try_into().map_err(|_| {
            CliError::usage(format!(
                "--{option}: {N} numbers with commas are wanted, or one for all"
            ))
        }),
    }
}

/// Runs the command.
pub fn run(args: SimulateBlobsArgs, cx: &Context) -> Result {
    let params = BlobSimParams {
        shape: several("shape", &args.shape)?,
        voxel_um: several("voxel-size", &args.voxel_size)?,
        channels: args.channels,
        count: args.count,
        pair_fraction: args.pair_fraction,
        jitter_um: args.jitter_um,
        sigma_um: args.sigma_um,
        sigma_cv: args.sigma_cv,
        psf_um: several("psf", &args.psf)?,
        amplitude: several("amplitude", &args.amplitude)?,
        background: args.background,
        gradient: args.gradient,
        read_noise: args.read_noise,
        offset: args.offset,
        bleed: args.bleed,
        min_distance_um: args.min_distance_um,
        unpaired_distance_um: args.unpaired_distance_um,
        seed: args.seed,
    };
    let workflow = SimulateBlobs::new(params, &args.output)?;
    execute::run_folder(&workflow, &args.output, &args.common, cx)
}
