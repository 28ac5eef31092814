//! `hooke stitch detect`.

use clap::Args;
use serde_json::json;

use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::error::CliError;
use crate::frame::outcome::Outcome;

/// Propose a file expression for a list of tile names of equal length.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch detect demo/*.tif
  hooke stitch detect scan_00_00.tif scan_00_01.tif scan_01_00.tif")]
pub struct DetectArgs {
    /// Names of tiles
    #[arg(value_name = "NAME", required = true, num_args = 1..)]
    input: Vec<String>,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: DetectArgs) -> Result {
    let expression = hooke_io::expression::detect(&args.input)
        .map_err(|e| CliError::input(e.to_string()).hint("names must differ in digits only"))?;
    let _ = args.brief.quiet;
    Ok(Outcome::text(format!("{expression}\n"), json!({"expression": expression.to_string()})))
}
