//! `hooke score tiles`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::score::score_tiles;

use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::outcome::Outcome;

/// Compare the positions of a placed layout with the truth of a simulation.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke score tiles placed.json demo/truth.json
  hooke score tiles volume.ome.zarr.layout.json demo/truth.json --json")]
pub struct TilesArgs {
    /// The placed layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// The truth
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: TilesArgs) -> Result {
    let (text, result) = score_tiles(&args.input, &args.truth)?;
    let _ = args.brief.quiet;
    Ok(Outcome::text(text, result))
}
