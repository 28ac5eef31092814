//! `hooke events ...`: calcium movies and their events.

pub mod delta;
pub mod detect;
mod movie_args;
pub mod register;

use clap::Subcommand;

use super::Result;
use crate::frame::context::Context;

/// The verbs of `hooke events`.
#[derive(Debug, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[allow(clippy::large_enum_variant, reason = "there is one value per run")]
#[command(after_help = "Examples:
  hooke events register movie.tif -o registered.zarr
  hooke events delta registered.zarr -o df.zarr
  hooke events detect df.zarr -o events")]
pub enum EventsVerb {
    /// Take the motion out of a movie
    Register(register::RegisterArgs),
    /// Take the baseline of every pixel out of a movie
    Delta(delta::DeltaArgs),
    /// Find and measure the events of a movie
    Detect(detect::DetectArgs),
}

/// Runs the chosen verb.
pub fn run(verb: EventsVerb, cx: &Context) -> Result {
    match verb {
        EventsVerb::Register(args) => register::run(args, cx),
        EventsVerb::Delta(args) => delta::run(args, cx),
        EventsVerb::Detect(args) => detect::run(args, cx),
    }
}
