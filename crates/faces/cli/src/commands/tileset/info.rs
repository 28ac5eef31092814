//! `hooke tileset info`.

use clap::Args;
use hooke_workflows::tileset::info;

use super::set_args::SetArgs;
use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::outcome::Outcome;

/// Tell what tiles there are, where they lie, which overlap, and what is suspicious.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset info labels/tiles.csv
  hooke tileset info labels/tile_0_0_0.tif labels/tile_0_0_1.tif --tiles 1 --json")]
pub struct InfoArgs {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: InfoArgs) -> Result {
    let (text, result) = info(&args.set.to_options())?;
    let _ = args.brief.quiet;
    Ok(Outcome { bare_json: true, ..Outcome::text(text, result) })
}
