//! `hooke stitch detect`.

use std::io::Write;

use clap::Args;
use hooke_workflows::stitch::detect::propose;
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
    let found = propose(&args.input).map_err(|e| {
        let hint = "give the names of tiles only; they must be equally long";
        CliError::input(e.to_string()).hint(hint)
    })?;
    let expression = found.expression.to_string();
    if !args.brief.quiet && !args.brief.json {
        let hint = match &found.named {
            Some(named) => format!("if rows come before columns, give '{named}' to align or run"),
            None => "call the tags X, Y, Z where they count columns, rows and layers; fix the \
                     others with --select"
                .to_owned(),
        };
        let _ = writeln!(std::io::stderr(), "hint: {hint}");
    }
    let result = json!({"expression": expression, "named": found.named});
    Ok(Outcome::text(format!("{expression}\n"), result))
}
