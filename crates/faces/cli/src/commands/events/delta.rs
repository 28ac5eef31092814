//! `hooke events delta`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::events::{
    Baseline, DeltaOptions, DeltaParams, DeltaWorkflow, EventsError, Quantity,
};

use super::movie_args::{MovieArgs, MovieStoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodArg {
    /// What rises above the baseline, in grey levels
    #[value(name = "dF")]
    DeltaF,
    /// The same over the baseline
    #[value(name = "dFF")]
    DeltaFOverF,
    /// The baseline itself
    #[value(name = "background")]
    Background,
}

/// Take the baseline of every pixel out of a movie.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke events delta registered.zarr -o df.zarr
  hooke events delta registered.zarr -o dff.zarr --method dFF --offset 100 --window 30s

Writes: OUT (float32), its name with .delta.json (noise, least baseline), OUT.hooke.json, OUT.run.toml")]
pub struct DeltaArgs {
    #[command(flatten)]
    movie: MovieArgs,
    /// The movie to write; the suffix chooses the format
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// What comes out
    #[arg(long, value_enum, value_name = "WHAT", default_value = "dF", help_heading = "Baseline")]
    method: MethodArg,
    /// How the baseline is found: `quantile`, a running quantile corrected for noise; `min_filter`, astroCAST's,
    /// which lies twice the noise too low; `maximin`, suite2p's
    #[arg(long, value_name = "NAME", default_value = "quantile", help_heading = "Baseline")]
    baseline: String,
    /// Frames a baseline is found from, or seconds like 30s [default: 300 frames, of min_filter 100]
    #[arg(long, value_name = "FRAMES|SECONDSs", help_heading = "Baseline")]
    window: Option<String>,
    /// Of `quantile`: frames averaged before
    #[arg(long, value_name = "FRAMES", default_value_t = 5, help_heading = "Baseline")]
    bin: usize,
    /// Of `quantile`: the quantile
    #[arg(long, value_name = "0-1", default_value_t = 0.3, help_heading = "Baseline")]
    quantile: f64,
    /// Of `quantile`: sigma of the smoothing after it, in bins
    #[arg(long, value_name = "BINS", default_value_t = 6.0, help_heading = "Baseline")]
    smooth: f64,
    /// Grey level of darkness, for dFF
    #[arg(
        long,
        value_name = "LEVEL",
        default_value_t = 0.0,
        help_heading = "Baseline",
        allow_hyphen_values = true
    )]
    offset: f64,
    /// Least divisor of dFF [default: 1 % of the median level above --offset]
    #[arg(long, value_name = "LEVEL", help_heading = "Baseline")]
    floor: Option<f64>,
    /// Put the second frame of the result in place of the first, as astroCAST does
    #[arg(long, help_heading = "Baseline")]
    overwrite_first_frame: bool,
    #[command(flatten)]
    store: MovieStoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Frames of a window that may be given in seconds.
fn window(text: &str, interval_s: Option<f64>) -> std::result::Result<usize, CliError> {
    let wrong = |hint: &str| CliError::usage(format!("--window `{text}` is no window")).hint(hint);
    let Some(seconds) = text.strip_suffix('s') else {
        return text.parse().map_err(|_| wrong("write frames, like 300, or seconds, like 30s"));
    };
    let seconds: f64 = seconds.trim().parse().map_err(|_| wrong("write seconds like 30s"))?;
    let interval = interval_s
        .ok_or_else(|| wrong("the time between frames is not known: --frame-interval S"))?;
    match seconds / interval {
        frames if frames.is_finite() && frames > 0.0 => Ok(frames.round() as usize),
        _ => Err(wrong("write seconds above 0, like 30s")),
    }
}

/// Runs the command.
pub fn run(args: DeltaArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let movie = args.movie.options();
    let baseline: Baseline = args.baseline.parse().map_err(EventsError::from)?;
    let window = match &args.window {
        Some(text) => Some(window(text, hooke_workflows::events::interval_of(&movie)?)?),
        None => None,
    };
    let params = DeltaParams {
        method: match args.method {
            MethodArg::DeltaF => Quantity::DeltaF,
            MethodArg::DeltaFOverF => Quantity::DeltaFOverF,
            MethodArg::Background => Quantity::Background,
        },
        baseline,
        window,
        bin: args.bin,
        quantile: args.quantile,
        smooth: args.smooth,
        offset: args.offset,
        floor: args.floor,
        overwrite_first_frame: args.overwrite_first_frame,
    };
    let options =
        DeltaOptions { movie, params, store: args.store.store(), output: args.output.clone() };
    let workflow = DeltaWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
