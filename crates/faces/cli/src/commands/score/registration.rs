//! `hooke score registration`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::score::score_registration;

use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::outcome::Outcome;

/// Compare the shifts of a movie's frames with the truth.
///
/// The median over time of the difference is taken out first: where the template lies is nobody's fault.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke score registration registered.shifts.parquet sim/truth_shifts.parquet
  hooke score registration registered.shifts.parquet sim/truth_shifts.parquet \\
      --field field.npy sim/truth_field.npy")]
pub struct RegistrationArgs {
    /// The shifts that were found
    #[arg(value_name = "SHIFTS")]
    found: PathBuf,
    /// The true shifts
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    /// Also compare the displacements of every pixel, both .npy over frame, y, x, 2
    #[arg(long, value_names = ["FOUND", "TRUTH"], num_args = 2)]
    field: Option<Vec<PathBuf>>,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: RegistrationArgs) -> Result {
    let fields = match args.field.as_deref() {
        Some([found, truth]) => Some([found.as_path(), truth.as_path()]),
        _ => None,
    };
    let (text, result) = score_registration(&args.found, &args.truth, fields)?;
    let _ = args.brief.quiet;
    Ok(Outcome::text(text, result))
}
