//! `hooke stitch ...`: overlapping tiles to one seamless volume.

pub mod align;
pub mod align_options;
pub mod detect;
pub mod fuse;
pub mod fuse_options;
pub mod layout;
pub mod place;
pub mod preview;
pub mod run;

use clap::Subcommand;

use super::Result;
use crate::frame::context::Context;

/// The verbs of `hooke stitch`.
#[derive(Debug, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[allow(clippy::large_enum_variant, reason = "there is one value per run")]
#[command(after_help = "Examples:
  hooke stitch run demo/tiles.csv -o volume.ome.zarr --max-shift 12

or, to look in between:
  hooke stitch align demo/tiles.csv -o layout.json --max-shift 12
  hooke stitch place layout.json -o placed.json
  hooke stitch preview placed.json -o report.html
  hooke stitch fuse placed.json -o fused.ome.zarr

`hooke simulate tiles --help` says how to make demo/.")]
pub enum StitchVerb {
    /// Propose a file expression for a list of tile names
    Detect(detect::DetectArgs),
    /// Measure the displacement of every pair of neighbouring tiles
    Align(align::AlignArgs),
    /// Find the positions that fit all measured displacements
    Place(place::PlaceArgs),
    /// Write the tiles as one volume
    Fuse(fuse::FuseArgs),
    /// Align, place, fuse and report in one go
    Run(run::RunArgs),
    /// Draw what was measured, and what to distrust
    Preview(preview::PreviewArgs),
    /// Show, cut and edit a layout
    #[command(subcommand)]
    Layout(layout::LayoutVerb),
}

/// Runs the chosen verb.
pub fn run(verb: StitchVerb, cx: &Context) -> Result {
    match verb {
        StitchVerb::Detect(args) => detect::run(args),
        StitchVerb::Align(args) => align::run(args, cx),
        StitchVerb::Place(args) => place::run(args, cx),
        StitchVerb::Fuse(args) => fuse::run(args, cx),
        StitchVerb::Run(args) => run::run(args, cx),
        StitchVerb::Preview(args) => preview::run(args, cx),
        StitchVerb::Layout(verb) => layout::run(verb, cx),
    }
}
