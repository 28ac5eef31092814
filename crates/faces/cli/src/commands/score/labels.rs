//! `hooke score labels`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::score::score_labels;

use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::outcome::Outcome;

/// Compare ids that are unique over all tiles with the true objects of a simulation.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke score labels unique.zarr.ids.parquet labels/truth.parquet
  hooke score labels unique.zarr.ids.parquet labels/truth.parquet --json")]
pub struct LabelsArgs {
    /// The table of ids of `hooke tileset dedup`
    #[arg(value_name = "IDS")]
    input: PathBuf,
    /// The truth of `hooke simulate tiles --labels`
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    /// The table of overlaps, for objects that cross tiles [default: the one beside IDS]
    #[arg(long, value_name = "FILE")]
    overlaps: Option<PathBuf>,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: LabelsArgs) -> Result {
    let (text, result) = score_labels(&args.input, &args.truth, args.overlaps.as_deref())?;
    let _ = args.brief.quiet;
    Ok(Outcome::text(text, result))
}
