//! `hooke score blobs`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::engine;
use hooke_workflows::score::{ScoreBlobsOptions, score_blobs};

use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::error::CliError;
use crate::frame::outcome::Outcome;

/// Compare blobs, and pairs of them, with the truth.
///
/// Found and true blobs of one channel and frame are assigned to each other exactly: the most pairs within
/// the gate, of these the closest. A pair is right when its two ends are assigned to the two ends of one true
/// pair.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke blobs import spots.csv -o spots.parquet --voxel-size 3,1,1
  hooke score blobs spots.parquet spots.parquet --gate-um 4
  hooke score blobs spots.parquet spots.parquet -o score.json --update verified.parquet

Writes: with -o, the score as JSON: precision, recall, F1, root mean squared error and bias in um per
channel, and the same counts per pair of channels; with --update, a table of all rows of both tables, `confirmed`
1 or 0 of the found ones and `truth` 1 or 0 of the true ones, which are numbered on from the found ones")]
pub struct BlobsArgs {
    /// The table of found blobs
    #[arg(value_name = "FOUND")]
    source: PathBuf,
    /// The table of true blobs
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    /// Matches of the found blobs; with --truth-matches
    #[arg(long, value_name = "FILE", requires = "truth_matches")]
    matches: Option<PathBuf>,
    /// Matches of the true blobs; with --matches
    #[arg(long, value_name = "FILE", requires = "matches")]
    truth_matches: Option<PathBuf>,
    /// Radius of the gate in um; found blobs lie strictly inside
    #[arg(long, value_name = "UM", default_value_t = 4.0)]
    gate_um: f64,
    /// Voxel size in um; overrides the tables
    #[arg(long, value_name = "Z,Y,X")]
    voxel_size: Option<String>,
    /// Also write the score, .json
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Write both tables with what was found, .parquet
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    update: Option<PathBuf>,
    /// Replace existing files
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: BlobsArgs) -> Result {
    let there = args.output.iter().chain(&args.update).find(|p| p.exists() && !args.overwrite);
    if let Some(there) = there {
        return Err(engine::Error::Exists(there.clone()).into());
    }
    if let Some(update) = &args.update
        && !update.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"))
    {
        let what = format!("--update {}: the table ends in .parquet", update.display());
        return Err(CliError::usage(what));
    }
    let (text, result) = score_blobs(&ScoreBlobsOptions {
        found: args.source,
        truth: args.truth,
        matches: args.matches.zip(args.truth_matches).map(|(found, truth)| [found, truth]),
        gate_um: args.gate_um,
        voxel_size: args.voxel_size,
        output: args.output,
        update: args.update,
    })?;
    let _ = args.brief.quiet;
    Ok(Outcome::text(text, result))
}
