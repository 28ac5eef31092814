//! `hooke events register`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::events::{
    BorderFill, Interpolation, Mode, RegisterOptions, RegisterParams, RegisterWorkflow,
};

use super::movie_args::{MovieArgs, MovieStoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;

/// Which motion is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    /// None, rigid or piecewise, as far as motion can be proven
    Auto,
    /// One shift per frame
    Rigid,
    /// A smooth field of displacements per frame
    Piecewise,
    /// No motion: the movie is copied
    None,
}

/// What pixels are that come from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BorderArg {
    /// Not a number; 0 in movies of integers
    Nan,
    /// The nearest pixel of the edge
    Edge,
    /// 0
    Zero,
}

/// How pixels between pixels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InterpolationArg {
    /// Cubic B-spline
    Bspline3,
    /// Windowed sinc of six pixels
    Lanczos3,
    /// Between two pixels; it blurs
    Linear,
    /// Phase ramp, of whole frames only
    Fourier,
}

/// Take the motion out of a movie.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke events register movie.tif -o registered.zarr
  hooke events register two_colours.nd2 -o green.zarr --channel 1 --reference-channel 0 --mode rigid
  hooke events register red.tif -o red.zarr --apply registered.shifts.parquet

Writes: OUT, and beside it, under its name, .shifts.parquet (registered(y, x) = raw(y + dy, x + dx)),
.register.json (what was proven), .template.tif; OUT.hooke.json, OUT.run.toml")]
pub struct RegisterArgs {
    #[command(flatten)]
    movie: MovieArgs,
    /// The movie to write; the suffix chooses the format
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Which motion is taken out
    #[arg(long, value_enum, value_name = "MODE", default_value = "auto", help_heading = "Motion")]
    mode: ModeArg,
    /// Largest shift per axis, pixels
    #[arg(long, value_name = "PX", default_value_t = 50.0, help_heading = "Motion")]
    max_shift: f64,
    /// Side of a block, pixels
    #[arg(long, value_name = "PX", default_value_t = 64, help_heading = "Motion")]
    block: usize,
    /// From block to block, pixels
    #[arg(long, value_name = "PX", default_value_t = 32, help_heading = "Motion")]
    stride: usize,
    /// How far a block may be from its frame's shift, pixels
    #[arg(long, value_name = "PX", default_value_t = 3.0, help_heading = "Motion")]
    max_deviation: f64,
    /// Rounds in which the template is made
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Template")]
    iterations: usize,
    /// Sigmas of the band of structures that motion is looked for in, pixels; or `none`
    #[arg(long, value_name = "FINE,COARSE|none", default_value = "1,8", help_heading = "Motion")]
    band: String,
    /// Frames that the template is made of
    #[arg(long, value_name = "N", default_value_t = 300, help_heading = "Template")]
    template_frames: usize,
    /// Register on this image instead
    #[arg(long, value_name = "IMAGE", help_heading = "Template")]
    template: Option<PathBuf>,
    /// What pixels are that come from outside
    #[arg(long, value_enum, value_name = "WHAT", default_value = "edge", help_heading = "Warp")]
    border: BorderArg,
    /// How pixels between pixels are found
    #[arg(long, value_enum, value_name = "HOW", default_value = "bspline3", help_heading = "Warp")]
    interpolation: InterpolationArg,
    /// `off` takes motion out that cannot be proven
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = ["on", "off"], help_heading = "Motion")]
    gate: String,
    /// Find the motion in this channel
    #[arg(long, value_name = "N|NAME", help_heading = "Motion")]
    reference_channel: Option<String>,
    /// Apply these shifts, a table of an earlier run
    #[arg(long, value_name = "SHIFTS", help_heading = "Motion", conflicts_with_all = ["reference_channel", "template"])]
    apply: Option<PathBuf>,
    /// Also write the displacement (dy, dx) of every pixel, .npy over frame, y, x
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    export_field: Option<PathBuf>,
    /// With --export-field: of every N frames the first
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Output")]
    field_every: usize,
    #[command(flatten)]
    store: MovieStoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

fn band(text: &str) -> std::result::Result<Option<[f64; 2]>, CliError> {
    if text == "none" {
        return Ok(None);
    }
    let read: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
    match read.as_deref() {
        Some([fine, coarse]) => Ok(Some([*fine, *coarse])),
        _ => Err(CliError::usage(format!("--band `{text}` is no band"))
            .hint("write FINE,COARSE, like 1,8, or none")),
    }
}

/// Runs the command.
pub fn run(args: RegisterArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let params = RegisterParams {
        mode: match args.mode {
            ModeArg::Auto => Mode::Auto,
            ModeArg::Rigid => Mode::Rigid,
            ModeArg::Piecewise => Mode::Piecewise,
            ModeArg::None => Mode::None,
        },
        max_shift: args.max_shift,
        block: args.block,
        stride: args.stride,
        max_deviation: args.max_deviation,
        iterations: args.iterations,
        band: band(&args.band)?,
        template_frames: args.template_frames,
        border: match args.border {
            BorderArg::Nan => BorderFill::Nan,
            BorderArg::Edge => BorderFill::Edge,
            BorderArg::Zero => BorderFill::Zero,
        },
        interpolation: match args.interpolation {
            InterpolationArg::Bspline3 => Interpolation::Bspline3,
            InterpolationArg::Lanczos3 => Interpolation::Lanczos3,
            InterpolationArg::Linear => Interpolation::Linear,
            InterpolationArg::Fourier => Interpolation::Fourier,
        },
        gate: args.gate == "on",
    };
    let options = RegisterOptions {
        movie: args.movie.options(),
        params,
        reference_channel: args.reference_channel,
        template: args.template,
        apply: args.apply,
        export_field: args.export_field,
        field_every: args.field_every,
        store: args.store.store(),
        output: args.output.clone(),
    };
    let workflow = RegisterWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
