//! `hooke events detect`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::events::{
    Combine, DetectOptions, DetectParams, DetectWorkflow, Extent, Smooth, Spatial, Temporal, Units,
};

use super::movie_args::MovieArgs;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;

/// Units of prominence and threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnitsArg {
    /// Standard deviations of each pixel's noise
    Sd,
    /// The movie's own
    Absolute,
}

/// How the two criteria go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CombineArg {
    /// Both must hold
    And,
    /// One is enough
    Or,
}

/// Find the events of a movie, and measure each of them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke events delta registered.zarr -o df.zarr
  hooke events detect df.zarr -o events
  hooke events detect df.zarr -o curated --labels my_labels.tif

Writes: DIR/events.parquet (a row per event; z is the frame, x the row and y the column, as astroCAST has it),
DIR/event_map.zarr (labels), DIR/time_map.parquet (the events of each frame), DIR/noise_sd.tif,
DIR/meta.json, DIR/report.html, DIR/hooke.json")]
pub struct DetectArgs {
    #[command(flatten)]
    movie: MovieArgs,
    /// The folder to make
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    output: PathBuf,
    /// Every voxel above this is marked, instead of the two criteria
    #[arg(long, value_name = "T", help_heading = "Threshold")]
    threshold: Option<f64>,
    /// Units of --prominence and --threshold
    #[arg(
        long,
        value_enum,
        value_name = "UNITS",
        default_value = "sd",
        help_heading = "Threshold"
    )]
    units: UnitsArg,
    /// Sigma of the smoothing, frames and pixels; one number for all
    #[arg(long, value_name = "T,Y,X", default_value = "2", value_delimiter = ',', num_args = 1.., help_heading = "Smoothing")]
    smooth_sigma: Vec<f64>,
    /// Samples to each side that it takes in [default: 2; with --threshold four sigma]
    #[arg(long, value_name = "N", help_heading = "Smoothing")]
    smooth_radius: Option<usize>,
    /// Leave the movie as it is
    #[arg(long, help_heading = "Smoothing", conflicts_with_all = ["smooth_sigma", "smooth_radius"])]
    no_smooth: bool,
    /// In space: least ratio of the mean of what stands out of a frame to the mean of the rest
    #[arg(long, value_name = "RATIO", default_value_t = 1.0, help_heading = "Criteria")]
    spatial_min_ratio: f64,
    /// In space: frames before and after that count too
    #[arg(long, value_name = "FRAMES", default_value_t = 1, help_heading = "Criteria")]
    spatial_depth: usize,
    /// Leave the criterion in space out
    #[arg(long, help_heading = "Criteria")]
    no_spatial: bool,
    /// Leave the criterion in time out
    #[arg(long, help_heading = "Criteria")]
    no_temporal: bool,
    /// In time: how far a peak must stand out of its surroundings
    #[arg(long, value_name = "P", default_value_t = 8.0, help_heading = "Criteria")]
    prominence: f64,
    /// In time: least width of a peak, frames
    #[arg(long, value_name = "FRAMES", default_value_t = 3.0, help_heading = "Criteria")]
    width: f64,
    /// In time: part of the prominence, from the top, that belongs to a peak
    #[arg(long, value_name = "0-1", default_value_t = 0.9, help_heading = "Criteria")]
    rel_height: f64,
    /// In time: frames that prominences are searched in, 0 for all
    #[arg(long, value_name = "FRAMES", default_value_t = 60.0, help_heading = "Criteria")]
    wlen: f64,
    /// In time: least frames on a peak's plateau [default: any]
    #[arg(long, value_name = "FRAMES", help_heading = "Criteria")]
    plateau_size: Option<f64>,
    /// How the two criteria go together
    #[arg(long, value_enum, value_name = "HOW", default_value = "and", help_heading = "Criteria")]
    combine: CombineArg,
    /// Holes of fewer voxels are filled; 0 for none
    #[arg(long, value_name = "VOXELS", default_value_t = 10, help_heading = "Cleaning")]
    fill_holes: usize,
    /// Events of fewer voxels are dropped; 0 for none
    #[arg(long, value_name = "VOXELS", default_value_t = 20, help_heading = "Cleaning")]
    min_size: usize,
    /// Axes along which voxels of a hole may differ and be neighbours
    #[arg(long, value_name = "1-3", default_value_t = 1, help_heading = "Cleaning")]
    holes_connectivity: usize,
    /// The same of objects whose size counts
    #[arg(long, value_name = "1-3", default_value_t = 1, help_heading = "Cleaning")]
    object_connectivity: usize,
    /// The same of events
    #[arg(long, value_name = "1-3", default_value_t = 1, help_heading = "Cleaning")]
    connectivity: usize,
    /// Sizes of holes count over the whole `event`, or over N frames to each side
    #[arg(long, value_name = "event|N", default_value = "event", help_heading = "Cleaning")]
    holes_depth: String,
    /// The same of objects
    #[arg(long, value_name = "event|N", default_value = "event", help_heading = "Cleaning")]
    objects_depth: String,
    /// Drop small objects before holes are filled
    #[arg(long, help_heading = "Cleaning")]
    objects_first: bool,
    /// Look for no event closer to an edge than this, pixels
    #[arg(long, value_name = "PX", default_value_t = 0, help_heading = "Choosing")]
    exclude_border: usize,
    /// Do as astroCAST 0.4.2 does: its units, prominence and windows
    #[arg(long, value_name = "NAME", value_parser = ["astrocast"], help_heading = "Criteria")]
    compat: Option<String>,
    /// Measure these labels instead of looking for events
    #[arg(long, value_name = "IMAGE", help_heading = "Choosing")]
    labels: Option<PathBuf>,
    /// Warn of an event that covers more than this part of the movie
    #[arg(long, value_name = "0-1", default_value_t = 0.2, help_heading = "Choosing")]
    max_size: f64,
    /// How the event map is stored
    #[arg(long, value_name = "NAME", default_value = "zarr", value_parser = ["zarr", "tiff", "h5", "npy"], help_heading = "Output")]
    map_format: String,
    #[command(flatten)]
    common: CommonArgs,
}

fn extent(option: &str, text: &str) -> std::result::Result<Extent, CliError> {
    match text {
        "event" => Ok(Extent::Event),
        frames => frames.parse().map(Extent::Frames).map_err(|_| {
            CliError::usage(format!("--{option} `{text}` is no extent"))
                .hint("write event, or a number of frames")
        }),
    }
}

fn params(args: &DetectArgs) -> std::result::Result<DetectParams, CliError> {
    let sigma = match args.smooth_sigma.as_slice() {
        [one] => [*one; 3],
        [t, y, x] => [*t, *y, *x],
        _ => {
            return Err(CliError::usage(
                "--smooth-sigma: three numbers with commas are wanted, or one",
            ));
        }
    };
    if args.compat.is_some() {
        return Ok(DetectParams::astrocast());
    }
    Ok(DetectParams {
        threshold: args.threshold,
        units: match args.units {
            UnitsArg::Sd => Units::Sd,
            UnitsArg::Absolute => Units::Absolute,
        },
        smooth: (!args.no_smooth).then_some(Smooth { sigma, radius: args.smooth_radius }),
        spatial: (!args.no_spatial)
            .then_some(Spatial { min_ratio: args.spatial_min_ratio, depth: args.spatial_depth }),
        temporal: (!args.no_temporal).then_some(Temporal {
            prominence: args.prominence,
            width: args.width,
            rel_height: args.rel_height,
            wlen: (args.wlen > 0.0).then_some(args.wlen),
            plateau_size: args.plateau_size,
            ..Temporal::default()
        }),
        combine: match args.combine {
            CombineArg::And => Combine::And,
            CombineArg::Or => Combine::Or,
        },
        fill_holes: args.fill_holes,
        min_size: args.min_size,
        holes_connectivity: args.holes_connectivity,
        object_connectivity: args.object_connectivity,
        connectivity: args.connectivity,
        holes_depth: extent("holes-depth", &args.holes_depth)?,
        objects_depth: extent("objects-depth", &args.objects_depth)?,
        objects_first: args.objects_first,
        exclude_border: args.exclude_border,
        ..DetectParams::default()
    })
}

/// Runs the command.
pub fn run(args: DetectArgs, cx: &Context) -> Result {
    let params = params(&args)?;
    let options = DetectOptions {
        movie: args.movie.options(),
        params,
        labels: args.labels,
        map_format: args.map_format,
        max_size: args.max_size,
        output: args.output.clone(),
    };
    let workflow = DetectWorkflow::new(options)?;
    execute::run_folder(&workflow, &args.output, &args.common, cx)
}
