//! `hooke report`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::report::make_report;
use serde_json::json;

use super::Result;
use crate::frame::common::BriefArgs;
use crate::frame::context::Context;
use crate::frame::execute;
use crate::frame::outcome::Outcome;

/// Make the HTML page of an output, anew from its files.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke report volume.ome.zarr --overwrite
  hooke report placed.json -o placed.html

Writes: one self-contained HTML page")]
pub struct ReportArgs {
    /// An image, a stitched volume or a layout
    #[arg(value_name = "OUT")]
    input: PathBuf,
    /// The page [default: OUT.report.html]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing page
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: ReportArgs, cx: &Context) -> Result {
    let output = make_report(&args.input, args.output.as_deref(), args.overwrite)?;
    execute::wrote(&output, cx, args.brief.quiet);
    let size = std::fs::metadata(&output).map_or(0, |m| m.len());
    Ok(Outcome {
        outputs: vec![json!({"path": output, "format": "html", "size_bytes": size})],
        ..Outcome::default()
    })
}
