//! `hooke simulate ...`: data with exact ground truth.

pub mod blobs;
pub mod movie;
pub mod tiles;

use clap::Subcommand;

use super::Result;
use crate::frame::context::Context;

/// The kinds of data.
#[derive(Debug, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hooke simulate tiles -o demo --grid 2,2 --tile 16,128,128 --overlap 20% --jitter z=1,y=5,x=5")]
pub enum SimulateVerb {
    /// A volume of several channels whose blobs and pairs are known
    Blobs(blobs::SimulateBlobsArgs),
    /// A calcium movie whose motion, background and events are known
    Movie(movie::SimulateMovieArgs),
    /// Overlapping tiles whose true positions are known
    Tiles(tiles::TilesArgs),
}

/// Runs the chosen verb.
pub fn run(verb: SimulateVerb, cx: &Context) -> Result {
    match verb {
        SimulateVerb::Blobs(args) => blobs::run(args, cx),
        SimulateVerb::Movie(args) => movie::run(args, cx),
        SimulateVerb::Tiles(args) => tiles::run(args, cx),
    }
}
