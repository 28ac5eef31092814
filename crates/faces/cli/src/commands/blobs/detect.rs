//! `hooke blobs detect`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::blobs::{
    DetectOptions, DetectParams, DetectWorkflow, Fit, ImportOptions, Method, check_store, import,
};

use super::image_args::{ImageArgs, camera_noise};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;
use crate::frame::outcome::Status;

/// The filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodArg {
    /// Difference of Gaussians
    Dog,
    /// Laplacian of Gaussian
    Log,
}

/// How blobs are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FitArg {
    /// A Gaussian fitted to the intensities: position, its error, height, background
    Gaussian,
    /// The top of a parabola through the response
    Quadratic,
    /// Whole voxels
    None,
}

/// Find cells or spots in every channel, finer than a voxel.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke blobs detect brain.ome.zarr -o blobs.parquet --radius 4,8
  hooke blobs detect spots.tif -o spots.parquet --sigma 0.2,0.3 --voxel-size 0.3,0.1,0.1 --channels 1

Writes: OUT (one row per blob: place in voxels and um with its error, radius, response, score),
OUT.report.html (projections with the blobs drawn on them), OUT.hooke.json, OUT.run.toml")]
pub struct DetectArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// The table to write, .parquet
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Smallest and largest radius of a blob in um
    #[arg(long, value_name = "MIN,MAX", default_value = "4,8", help_heading = "Blobs")]
    radius: String,
    /// Smallest and largest sigma of a blob in um, instead of --radius (radius = sqrt(3) sigma; sqrt(2) in
    /// planes)
    #[arg(long, value_name = "MIN,MAX", help_heading = "Blobs", conflicts_with = "radius")]
    sigma: Option<String>,
    /// Number of scales between them [default: three per doubling, and one]
    #[arg(long, value_name = "N", help_heading = "Blobs")]
    scales: Option<usize>,
    /// Sigma of the microscope's blur in um
    #[arg(long, value_name = "Z,Y,X", default_value = "0,0,0", help_heading = "Blobs")]
    psf: String,
    /// The filter
    #[arg(long, value_enum, value_name = "NAME", default_value = "dog", help_heading = "Blobs")]
    method: MethodArg,
    /// False blobs in a cubic millimetre of nothing but noise: sets the least score
    #[arg(long, value_name = "F", default_value_t = 10.0, help_heading = "Threshold")]
    false_per_mm3: f64,
    /// The least score itself, in units of the noise
    #[arg(long, value_name = "SNR", help_heading = "Threshold", conflicts_with = "false_per_mm3")]
    snr: Option<f64>,
    /// The least response, in grey levels
    #[arg(long, value_name = "LEVELS", default_value_t = 0.0, help_heading = "Threshold")]
    min_response: f64,
    /// Noise of the camera, variance = ALPHA * intensity + BETA [default: measured]
    #[arg(
        long,
        value_name = "auto|ALPHA,BETA",
        default_value = "auto",
        help_heading = "Threshold",
        allow_hyphen_values = true
    )]
    noise: String,
    /// Of two blobs that share more than this part of the smaller one, the weaker goes
    #[arg(long, value_name = "0-1", default_value_t = 0.5, help_heading = "Blobs")]
    overlap: f64,
    /// How blobs are placed finer than a voxel
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value = "gaussian",
        help_heading = "Blobs"
    )]
    fit: FitArg,
    /// Leave out blobs closer than this to a face, in voxels
    #[arg(long, value_name = "Z,Y,X", default_value = "0", help_heading = "Choosing")]
    exclude_border: String,
    /// Light of one channel in another, taken out first: 0:1=0.03 subtracts 3 % of channel 0 from channel 1
    #[arg(long, value_name = "SRC:DST=F,...", help_heading = "Input")]
    unmix: Option<String>,
    /// Keep blobs where this image of the same field of view is not 0
    #[arg(long, value_name = "IMAGE", help_heading = "Choosing")]
    mask: Option<PathBuf>,
    /// Label image of the same field of view, such as an atlas, for the column `region`
    #[arg(long, value_name = "IMAGE", help_heading = "Choosing")]
    regions: Option<PathBuf>,
    /// Voxels of a block without its halo; never changes the result [default: from --memory]
    #[arg(long, value_name = "Z,Y,X", help_heading = "Output")]
    block: Option<String>,
    /// Also add the blobs to this store
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    store: Option<PathBuf>,
    /// Their experiment in the store [default: the table's name]
    #[arg(long, value_name = "NAME", help_heading = "Output", requires = "store")]
    experiment: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Numbers with commas, as many as wanted; one number stands for all.
fn numbers<const N: usize>(option: &str, text: &str) -> std::result::Result<[f64; N], CliError> {
    let read: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
    let found = match read {
        Some(one) if one.len() == 1 => vec![one[0]; N],
        Some(all) => all,
        None => Vec::new(),
    };
    found.try_into().map_err(|_| {
        CliError::usage(format!("--{option} `{text}`: {N} numbers with commas are wanted"))
    })
}

fn params(args: &DetectArgs) -> std::result::Result<DetectParams, CliError> {
    let border: [f64; 3] = numbers("exclude-border", &args.exclude_border)?;
    if border.iter().any(|n| *n < 0.0 || n.fract() != 0.0) {
        let text = &args.exclude_border;
        return Err(CliError::usage(format!("--exclude-border `{text}`: whole voxels are wanted")));
    }
    Ok(DetectParams {
        radius_um: numbers("radius", &args.radius)?,
        sigma_um: args.sigma.as_deref().map(|t| numbers("sigma", t)).transpose()?,
        scales: args.scales,
        psf_um: numbers("psf", &args.psf)?,
        method: match args.method {
            MethodArg::Dog => Method::Dog,
            MethodArg::Log => Method::Log,
        },
        false_per_mm3: args.false_per_mm3,
        snr: args.snr,
        min_response: args.min_response,
        noise: camera_noise(&args.noise)?,
        overlap: args.overlap,
        fit: match args.fit {
            FitArg::Gaussian => Fit::Gaussian,
            FitArg::Quadratic => Fit::Quadratic,
            FitArg::None => Fit::None,
        },
        exclude_border: border.map(|n| n as usize),
    })
}

/// Runs the command.
pub fn run(args: DetectArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let params = params(&args)?;
    let options = DetectOptions {
        image: args.image.options(),
        params,
        unmix: args.unmix,
        mask: args.mask,
        regions: args.regions,
        block: args.block,
        output: args.output.clone(),
    };
    let workflow = DetectWorkflow::new(options)?;
    if let Some(store) = args.store.as_deref().filter(|s| s.exists()) {
        // Hours later would be too late to hear of it.
        check_store(store)?;
    }
    let mut done = execute::run(&workflow, &args.output, &args.common, cx)?;
    let is_written = done.status == Status::Done && !args.common.dry_run && !args.common.plan_only;
    if let Some(store) = args.store.filter(|_| is_written) {
        let sources = vec![args.output];
        let experiment = args.experiment;
        let how = ImportOptions { sources, experiment, output: store, ..Default::default() };
        let (_, _, warnings) = import(&how)?;
        done.warnings.extend(warnings);
    }
    Ok(done)
}
