//! `hooke blobs import`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::{ImportOptions, ImportTableWorkflow, import, is_table, look};
use serde_json::json;

use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;
use crate::frame::outcome::Outcome;

/// Add files of blobs to a store, where reviews survive; or make one Parquet table of them.
///
/// A blob that the store has keeps its row, its matches and its review, and importing the same twice changes
/// nothing. Formats are known by suffix and columns: tables of Hooke, MagellanMapper (.npz, .db, .csv),
/// cellfinder (.xml, .csv), ClearMap (.npy), napari, RS-FISH and TrackMate (.csv), Neuroglancer (a folder).
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke blobs import spots.csv -o cells.sqlite --voxel-size 3,1,1
  hooke blobs import spots.csv -o spots.parquet --voxel-size 3,1,1

Writes: rows into a SQLite store, all or none; or with -o NAME.parquet the table of blobs")]
pub struct ImportArgs {
    /// Files of blobs
    #[arg(value_name = "SRC", required = true)]
    source: Vec<PathBuf>,
    /// The store to add to, made when it is not there; or a .parquet
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Name of the experiment [default: the file's own, else its stem]
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    experiment: Option<String>,
    /// Region of the image that the blobs belong to, in voxels [default: the whole image]
    #[arg(long, value_name = "Z,Y,X:NZ,NY,NX", help_heading = "Output")]
    roi: Option<String>,
    /// Tables of matches between the blobs
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Input")]
    matches: Vec<PathBuf>,
    /// Format of the files [default: by suffix and columns]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    format: Option<String>,
    /// Voxel size in um; overrides the files
    #[arg(long, value_name = "Z,Y,X", help_heading = "Input")]
    voxel_size: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ImportArgs, cx: &Context) -> Result {
    let options = ImportOptions {
        sources: args.source,
        format: args.format,
        experiment: args.experiment,
        matches: args.matches,
        voxel_size: args.voxel_size,
        roi: args.roi,
        output: args.output.clone(),
    };
    if is_table(&args.output) {
        execute::refuse_existing(&args.output, &args.common)?;
        let workflow = ImportTableWorkflow::new(options)?;
        return execute::run(&workflow, &args.output, &args.common, cx);
    }
    if args.common.overwrite {
        let what = "--overwrite: a store is added to, and never replaced";
        return Err(CliError::usage(what).hint("leave it out, or name another store"));
    }
    if args.common.plan_only {
        let what = "--plan-only: rows enter a store in one transaction, not in blocks";
        return Err(CliError::usage(what));
    }
    let (text, result, warnings) = match args.common.dry_run {
        true => look(&options)?,
        false => import(&options)?,
    };
    let shown = execute::shown(&args.common, cx);
    warnings.iter().for_each(|(code, message)| shown.warning(code, message));
    let mut outcome = Outcome { warnings, ..Outcome::text(text, result) };
    if !args.common.dry_run {
        let size = std::fs::metadata(&args.output).map_or(0, |m| m.len());
        let store = json!({"path": args.output, "format": "sqlite", "size_bytes": size});
        outcome.outputs.push(store);
    }
    Ok(outcome)
}
