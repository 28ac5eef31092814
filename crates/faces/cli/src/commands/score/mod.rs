//! `hooke score ...`: a result against a truth, in the field's own metrics.

pub mod blobs;
pub mod events;
pub mod labels;
pub mod registration;
pub mod tiles;

use clap::Subcommand;

use super::Result;

/// The kinds of results.
#[derive(Debug, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hooke score tiles volume.ome.zarr.layout.json demo/truth.json")]
pub enum ScoreVerb {
    /// Positions of tiles against their truth
    Tiles(tiles::TilesArgs),
    /// Ids that are unique over all tiles against the true objects
    Labels(labels::LabelsArgs),
    /// Blobs, and pairs of them, against the truth
    Blobs(blobs::BlobsArgs),
    /// Shifts of a movie's frames against the truth
    Registration(registration::RegistrationArgs),
    /// An event map against the truth
    Events(events::EventsArgs),
}

/// Runs the chosen verb.
pub fn run(verb: ScoreVerb) -> Result {
    match verb {
        ScoreVerb::Tiles(args) => tiles::run(args),
        ScoreVerb::Labels(args) => labels::run(args),
        ScoreVerb::Blobs(args) => blobs::run(args),
        ScoreVerb::Registration(args) => registration::run(args),
        ScoreVerb::Events(args) => events::run(args),
    }
}
