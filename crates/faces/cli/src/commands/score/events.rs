//! `hooke score events`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::score::score_events;

use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::outcome::Outcome;

/// Compare an event map with the truth.
///
/// Found and true events are assigned to each other so that the sum of their intersections over unions, in
/// voxels of space and time, is greatest.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke score events events sim/truth_labels.zarr
  hooke score events events/event_map.zarr sim/truth_labels.zarr --iou 0.5 --json")]
pub struct EventsArgs {
    /// The event map, or the folder of `hooke events detect`
    #[arg(value_name = "MAP")]
    found: PathBuf,
    /// The true map
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    /// Intersection over union from which on a match counts
    #[arg(long, value_name = "0-1", default_value_t = 0.3)]
    iou: f64,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: EventsArgs) -> Result {
    let (text, result) = score_events(&args.found, &args.truth, args.iou)?;
    let _ = args.brief.quiet;
    Ok(Outcome::text(text, result))
}
