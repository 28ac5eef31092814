//! Runs a workflow as the common options ask, and shows how it ended.

use std::io::Write;
use std::path::Path;

use hooke_core::Budget;
use hooke_core::budget::{parse_bytes, show_bytes};
use hooke_core::provenance::ValueFrom;
use hooke_workflows::engine::{
    self, Invocation, RunOptions, RunReport, RunStatus, Target, Workflow, machine,
};
use serde_json::{Value, json};

use super::common::CommonArgs;
use super::context::Context;
use super::dry_run::dry_run;
use super::error::{CliError, Kind};
use super::failure::{again, engine_error, failed_blocks};
use super::outcome::{BlockCounts, Outcome, Status};
use super::progress::Shown;

/// Memory and threads as asked for.
///
/// # Errors
/// When `--memory` is no size.
pub fn budget(common: &CommonArgs) -> Result<Budget, CliError> {
    let memory = match &common.memory {
        Some(text) => parse_bytes(text).map_err(|_| {
            CliError::usage(format!("--memory `{text}` is no size"))
                .hint("write a number with MiB, GiB, MB or GB, like 4GiB")
        })?,
        None => machine::default_memory(),
    };
    let threads = if common.threads == 0 { machine::threads() } else { common.threads };
    Ok(Budget { memory, threads })
}

/// Refuses an output that exists, before anything else is done.
///
/// # Errors
/// When it exists and neither `--overwrite` nor `--resume` was given.
pub fn refuse_existing(output: &Path, common: &CommonArgs) -> Result<(), CliError> {
    if output.exists() && !common.overwrite && !common.resume && !common.dry_run {
        return Err(engine::Error::Exists(output.to_owned()).into());
    }
    Ok(())
}

/// Runs a workflow whose output is one file or container.
///
/// # Errors
/// As the engine says.
pub fn run(
    workflow: &dyn Workflow,
    output: &Path,
    common: &CommonArgs,
    cx: &Context,
) -> Result<Outcome, CliError> {
    run_target(workflow, Target::Product(output.to_owned()), common, cx)
}

/// Runs a workflow whose output is a folder of files.
///
/// # Errors
/// As the engine says.
pub fn run_folder(
    workflow: &dyn Workflow,
    output: &Path,
    common: &CommonArgs,
    cx: &Context,
) -> Result<Outcome, CliError> {
    run_target(workflow, Target::RunFolder(output.to_owned()), common, cx)
}

fn run_target(
    workflow: &dyn Workflow,
    target: Target,
    common: &CommonArgs,
    cx: &Context,
) -> Result<Outcome, CliError> {
    let options = options(common, cx)?;
    if let Some(path) = &common.log {
        super::log::open(path, cx.started)?;
    }
    if common.dry_run {
        return dry_run(workflow, &target, &options, cx);
    }
    if common.plan_only {
        return plan_only(workflow, &target, &options);
    }
    let shown = shown(common, cx);
    let report = engine::run(workflow, &target, &options, &shown);
    shown.clear();
    let outcome = report.map(|r| to_outcome(&r, &target, cx, &shown));
    let (status, code) = match &outcome {
        Ok(o) => (o.status, o.exit_code),
        Err(_) => (Status::Failed, 1),
    };
    let outputs = outcome.as_ref().map(|o| o.outputs.clone()).unwrap_or_default();
    shown.ended(status.name(), code, &outputs);
    Ok(outcome?)
}

/// How the common options say progress is shown.
pub fn shown(common: &CommonArgs, cx: &Context) -> Shown {
    Shown::new(
        common.progress,
        common.quiet,
        common.verbose > 0 && !common.quiet,
        cx.started,
        again(cx),
    )
}

/// How the common options say a run is run.
///
/// # Errors
/// When one of them is no value.
pub fn options(common: &CommonArgs, cx: &Context) -> Result<RunOptions, CliError> {
    let max_failed = match common.max_failed.as_str() {
        "all" => None,
        n => Some(n.parse().map_err(|_| {
            CliError::usage(format!("--max-failed `{n}` is no number"))
                .hint("write a number or all")
        })?),
    };
    let from = cx.settings.from.iter().map(|(key, from)| {
        let from = match from.as_str() {
            Some("flag") => ValueFrom::Flag,
            Some("file") => ValueFrom::File,
            Some("environment") => ValueFrom::Environment,
            _ => ValueFrom::Default,
        };
        (key.clone(), from)
    });
    Ok(RunOptions {
        budget: budget(common)?,
        resume: common.resume,
        overwrite: common.overwrite,
        verify: common.verify,
        accept_failed: common.accept_failed,
        max_failed,
        cancel: cx.cancel.clone(),
        run_toml: cx.run_toml.clone(),
        invocation: Invocation {
            command: cx.words.clone(),
            working_directory: std::env::current_dir().unwrap_or_default(),
            commit: Some(env!("HOOKE_COMMIT").to_owned()),
            parameters_from: from.collect(),
        },
        ..RunOptions::default()
    })
}

fn to_outcome(report: &RunReport, target: &Target, cx: &Context, shown: &Shown) -> Outcome {
    let blocks = report.blocks();
    let outputs: Vec<Value> = report
        .outputs
        .iter()
        .map(|o| json!({"path": o.path, "format": o.format, "size_bytes": o.size_bytes}))
        .collect();
    let mut outcome = Outcome {
        status: match report.status {
            RunStatus::Done | RunStatus::AlreadyComplete => Status::Done,
            RunStatus::Incomplete => Status::Incomplete,
            RunStatus::BlocksFailed | RunStatus::Failed => Status::Failed,
            RunStatus::Cancelled => Status::Cancelled,
        },
        exit_code: report.status.exit_code(),
        outputs,
        blocks: BlockCounts {
            total: blocks.total,
            done: blocks.done,
            skipped: blocks.skipped,
            failed: blocks.failed,
        },
        warnings: report.warnings.iter().map(|w| (w.code.clone(), w.message.clone())).collect(),
        result: report.result.clone(),
        ..Outcome::default()
    };
    for warning in &report.warnings {
        shown.warning(&warning.code, &warning.message);
    }
    match report.status {
        RunStatus::Done | RunStatus::Incomplete => {
            shown.note(&finished_line(target.path(), report.size_bytes(), cx));
        }
        RunStatus::AlreadyComplete => {
            shown.note(&format!("{}: already complete", target.path().display()))
        }
        RunStatus::Cancelled => {
            outcome.exit_code = super::signals::exit_code();
            let mut error = CliError::new(Kind::Cancelled, "stopped before the end");
            error.hints.push(again(cx));
            outcome.error = Some(error);
        }
        RunStatus::BlocksFailed => {
            outcome.error = Some(failed_blocks(report, Some(again(cx))));
        }
        RunStatus::Failed => {
            outcome.error = Some(match &report.error {
                Some(error) => engine_error(error),
                None => failed_blocks(report, Some(again(cx))),
            });
        }
    }
    outcome
}

fn finished_line(path: &Path, bytes: u64, cx: &Context) -> String {
    let seconds = cx.started.elapsed().as_secs_f64();
    format!("wrote {} ({}) in {seconds:.1} s", path.display(), show_bytes(bytes))
}

/// The final line of a command that wrote one small file.
pub fn wrote(path: &Path, cx: &Context, quiet: bool) {
    if !quiet {
        let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
        let line = finished_line(path, bytes, cx);
        super::log::keep(&line);
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

fn plan_only(
    workflow: &dyn Workflow,
    target: &Target,
    options: &RunOptions,
) -> Result<Outcome, CliError> {
    let path = engine::plan_only(workflow, target, options)?;
    let (plan, _) = engine::read_plan(&path)?;
    let stages: Vec<Value> =
        plan.stages.iter().map(|s| json!({"name": s.name, "count": s.blocks.len()})).collect();
    let result = json!({"plan": path, "stages": stages});
    Ok(Outcome::text(format!("{}\n", path.display()), result))
}
