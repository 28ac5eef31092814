//! `hooke block ...`: a plan block by block, for clusters.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hooke_workflows::engine::{self, RunReport, RunStatus, Selection};
use serde_json::json;

use super::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;
use crate::frame::failure::{engine_error, failed_blocks};
use crate::frame::outcome::Outcome;

/// The verbs of `hooke block`.
#[derive(Debug, Clone, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hooke stitch fuse placed.json -o out.ome.zarr --plan-only
  hooke block run out.ome.zarr.partial --stage fuse --share 0/4
  hooke block status out.ome.zarr.partial
  hooke block finish out.ome.zarr.partial")]
pub enum BlockVerb {
    /// Run some blocks of one stage
    Run(RunArgs),
    /// Tell how far a plan is
    Status(StatusArgs),
    /// Run the steps that are left, check every block and publish the output
    Finish(FinishArgs),
}

/// Run some blocks of one stage; finished ones return at once.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch fuse placed.json -o out.ome.zarr --plan-only
  hooke block run out.ome.zarr.partial/plan.json --stage fuse --range 0..100

Writes: blocks into the plan's folder")]
pub struct RunArgs {
    /// The plan.json of an OUT.partial folder
    #[arg(value_name = "PLAN")]
    input: PathBuf,
    /// The stage
    #[arg(long, value_name = "NAME")]
    stage: String,
    /// Blocks A <= id < B; several ranges with commas [default: all]
    #[arg(long, value_name = "A..B", conflicts_with = "share")]
    range: Option<String>,
    /// The K-th of N equal parts, from 0; or `slurm` inside a SLURM array
    #[arg(long, value_name = "K/N|slurm")]
    share: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Tell how far a plan is.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  hooke block status out.ome.zarr.partial/plan.json\n  hooke block status out.ome.zarr.partial --json"
)]
pub struct StatusArgs {
    /// The plan.json of an OUT.partial folder
    #[arg(value_name = "PLAN")]
    input: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Run the steps that are left, check every block and publish the output.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  hooke block finish out.ome.zarr.partial/plan.json\n  hooke block finish out.ome.zarr.partial --quiet"
)]
pub struct FinishArgs {
    /// The plan.json of an OUT.partial folder
    #[arg(value_name = "PLAN")]
    input: PathBuf,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the chosen verb.
pub fn run(verb: BlockVerb, cx: &Context) -> Result {
    match verb {
        BlockVerb::Run(args) => run_blocks(args, cx),
        BlockVerb::Status(args) => status(args),
        BlockVerb::Finish(args) => finish(args, cx),
    }
}

fn run_blocks(args: RunArgs, cx: &Context) -> Result {
    let selection = match (&args.range, &args.share) {
        (Some(text), _) => Selection::ranges(text)?,
        (_, Some(text)) => Selection::share(text, |name| std::env::var(name).ok())?,
        _ => Selection::All,
    };
    watched(&args.common, cx, |options, shown| {
        engine::run_range(
            &args.input,
            &args.stage,
            &selection,
            hooke_workflows::COMMANDS,
            options,
            shown,
        )
    })
}

fn finish(args: FinishArgs, cx: &Context) -> Result {
    watched(&args.common, cx, |options, shown| {
        engine::finish_plan(&args.input, hooke_workflows::COMMANDS, options, shown)
    })
}

fn watched(
    common: &CommonArgs,
    cx: &Context,
    work: impl FnOnce(&engine::RunOptions, &crate::frame::progress::Shown) -> engine::Result<RunReport>,
) -> Result {
    let options = execute::options(common, cx)?;
    let shown = execute::shown(common, cx);
    let report = work(&options, &shown)?;
    shown.clear();
    let mut outcome = Outcome {
        exit_code: report.status.exit_code(),
        result: json!({"status": report.status.word(), "stages": report.stages}),
        ..Outcome::default()
    };
    if !matches!(report.status, RunStatus::Done | RunStatus::AlreadyComplete) {
        outcome.error = Some(match &report.error {
            Some(error) => engine_error(error),
            None => failed_blocks(&report, None),
        });
    }
    Ok(outcome)
}

fn status(args: StatusArgs) -> Result {
    let status = engine::plan_status(&args.input)?;
    let mut text = format!("{}\n", status.command);
    for stage in &status.stages {
        let missing = match stage.missing.as_slice() {
            [] => String::new(),
            some => format!(", missing {}", some.join(" ")),
        };
        text += &format!(
            "{:<12} {} of {} done, {} failed{missing}\n",
            stage.name, stage.done, stage.total, stage.failed
        );
    }
    let _ = args.json;
    Ok(Outcome::text(text, serde_json::to_value(&status).unwrap_or_default()))
}
