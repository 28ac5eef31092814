//! `hooke simulate movie`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::simulate::{Motion, MovieSimOptions, MovieSimParams, SimulateMovie};

use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;

/// How the specimen moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MotionArg {
    /// Not at all
    None,
    /// As a whole
    Rigid,
    /// As a whole, and bent
    Piecewise,
}

/// Make a calcium movie whose motion, background and events are known.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke simulate movie -o sim --frames 300 --size 128 --events 20 --motion rigid
  hooke events register sim/movie.zarr -o registered.zarr
  hooke score registration registered.shifts.parquet sim/truth_shifts.parquet

Writes: DIR/movie.zarr, DIR/truth_labels.zarr, DIR/truth_df.zarr, DIR/truth_background.zarr,
DIR/truth_shifts.parquet, DIR/truth_events.parquet, DIR/hooke.json. Truth is in the coordinates of a
perfectly registered movie")]
pub struct SimulateMovieArgs {
    /// The folder to make
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Number of frames
    #[arg(long, value_name = "N", default_value_t = 1000)]
    frames: usize,
    /// Rows and columns; one number for both
    #[arg(long, value_name = "Y,X", default_value = "256", value_delimiter = ',', num_args = 1..)]
    size: Vec<usize>,
    /// Seconds between frames
    #[arg(long, value_name = "S", default_value_t = 0.1)]
    frame_interval: f64,
    /// Number of events
    #[arg(long, value_name = "N", default_value_t = 60, help_heading = "Events")]
    events: usize,
    /// Smallest and largest height over the resting light
    #[arg(long, value_name = "MIN,MAX", default_value = "0.3,1.5", value_delimiter = ',', num_args = 1.., help_heading = "Events")]
    amplitude: Vec<f64>,
    /// Smallest and largest radius of an event in pixels
    #[arg(long, value_name = "MIN,MAX", default_value = "5,14", value_delimiter = ',', num_args = 1.., help_heading = "Events")]
    radius: Vec<f64>,
    /// Smallest and largest speed of a wave in pixels per frame
    #[arg(long, value_name = "MIN,MAX", default_value = "0.7,4", value_delimiter = ',', num_args = 1.., help_heading = "Events")]
    speed: Vec<f64>,
    /// Smallest and largest time constant of the decay in frames
    #[arg(long, value_name = "MIN,MAX", default_value = "4,12", value_delimiter = ',', num_args = 1.., help_heading = "Events")]
    decay: Vec<f64>,
    /// How the specimen moves
    #[arg(long, value_enum, value_name = "HOW", default_value = "none", help_heading = "Motion")]
    motion: MotionArg,
    /// Largest shift of the whole per axis, pixels
    #[arg(long, value_name = "PX", default_value_t = 7.2, help_heading = "Motion")]
    max_rigid: f64,
    /// Largest displacement on top of it per axis, pixels
    #[arg(long, value_name = "PX", default_value_t = 2.0, help_heading = "Motion")]
    max_nonrigid: f64,
    /// Mean light of the resting specimen, photons per pixel
    #[arg(long, value_name = "N", default_value_t = 40.0, help_heading = "Camera")]
    photons: f64,
    /// Grey levels per photon
    #[arg(long, value_name = "N", default_value_t = 8.0, help_heading = "Camera")]
    gain: f64,
    /// Grey level of darkness
    #[arg(long, value_name = "N", default_value_t = 100.0, help_heading = "Camera")]
    offset: f64,
    /// Standard deviation of the read-out, grey levels
    #[arg(long, value_name = "N", default_value_t = 4.0, help_heading = "Camera")]
    read_noise: f64,
    /// Part of the light that is lost by the last frame
    #[arg(long, value_name = "0-1", default_value_t = 0.25, help_heading = "Camera")]
    bleach: f64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How images are stored: zarr or npy
    #[arg(long, value_name = "NAME", default_value = "zarr", value_parser = ["zarr", "npy"], help_heading = "Output")]
    format: String,
    /// Also write the displacement of every pixel, truth_field.npy: (dy, dx) over t, y, x
    #[arg(long, help_heading = "Output")]
    field: bool,
    #[command(flatten)]
    common: CommonArgs,
}

fn pair<T: Copy>(option: &str, given: &[T]) -> std::result::Result<[T; 2], CliError> {
    match given {
        [one] => Ok([*one; 2]),
        [a, b] => Ok([*a, *b]),
        _ => {
            Err(CliError::usage(format!("--{option}: two numbers with a comma are wanted, or one")))
        }
    }
}

/// Runs the command.
pub fn run(args: SimulateMovieArgs, cx: &Context) -> Result {
    let params = MovieSimParams {
        frames: args.frames,
        size: pair("size", &args.size)?,
        events: args.events,
        motion: match args.motion {
            MotionArg::None => Motion::None,
            MotionArg::Rigid => Motion::Rigid,
            MotionArg::Piecewise => Motion::Piecewise,
        },
        max_rigid: args.max_rigid,
        max_nonrigid: args.max_nonrigid,
        photons: args.photons,
        gain: args.gain,
        offset: args.offset,
        read_noise: args.read_noise,
        bleach: args.bleach,
        amplitude: pair("amplitude", &args.amplitude)?,
        radius: pair("radius", &args.radius)?,
        speed: pair("speed", &args.speed)?,
        decay: pair("decay", &args.decay)?,
        seed: args.seed,
        ..MovieSimParams::default()
    };
    let options = MovieSimOptions {
        params,
        frame_interval_s: args.frame_interval,
        format: args.format,
        field: args.field,
    };
    let workflow = SimulateMovie::new(options, &args.output)?;
    execute::run_folder(&workflow, &args.output, &args.common, cx)
}
