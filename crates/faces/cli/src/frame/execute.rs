//! Runs a workflow as the common options ask, and shows how it ended.

use std::io::Write;
use std::path::Path;

use hooke_core::budget::parse_bytes;
use hooke_core::plan::Plan;
use hooke_core::provenance::ValueFrom;
use hooke_core::{Budget, budget::show_bytes};
use hooke_workflows::convert::ConvertError;
use hooke_workflows::engine::{
    self, ErrorKind, Invocation, RunOptions, RunReport, RunStatus, Target, Workflow, machine,
};
use serde_json::{Value, json};

use super::common::CommonArgs;
use super::context::Context;
use super::error::{CliError, Kind};
use super::outcome::{BlockCounts, Outcome, Status};
use super::progress::Shown;

/// Memory and threads as asked for.
///
/// # Errors
/// When `--memory` is no size.
pub fn budget(common: &CommonArgs) -> Result<Budget, CliError> {
    let memory = match &common.memory {
        Some(text) => parse_bytes(text).map_err(|e| CliError::usage(e.to_string()))?,
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
    // A second workflow of the same command finds the pool made.
    let _ = super::context::start_threads(&options.budget);
    if common.dry_run {
        return dry_run(workflow, &target, common, &options);
    }
    if common.plan_only {
        return plan_only(workflow, &target, &options);
    }
    let shown = shown(common, cx);
    let report = engine::run(workflow, &target, &options, &shown);
    shown.clear();
    let outcome = report.map(|r| to_outcome(&r, &target, common, cx, &shown));
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
    Shown::new(common.progress, common.quiet, common.verbose > 0, cx.started)
}

/// How the common options say a run is run.
///
/// # Errors
/// When one of them is no value.
pub fn options(common: &CommonArgs, cx: &Context) -> Result<RunOptions, CliError> {
    let max_failed = match common.max_failed.as_str() {
        "all" => None,
        n => Some(n.parse().map_err(|_| {
            CliError::usage(format!("--max-failed `{n}`")).hint("write a number or all")
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

fn to_outcome(
    report: &RunReport,
    target: &Target,
    common: &CommonArgs,
    cx: &Context,
    shown: &Shown,
) -> Outcome {
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
        RunStatus::BlocksFailed => outcome.error = Some(failed_blocks(report, cx)),
        RunStatus::Failed => {
            outcome.error = Some(match &report.error {
                Some(error) => engine_error(error),
                None => failed_blocks(report, cx),
            });
        }
    }
    let _ = common;
    outcome
}

fn failed_blocks(report: &RunReport, cx: &Context) -> CliError {
    let counts = report.blocks();
    let what = format!("{} of {} blocks failed", counts.failed, counts.total);
    let mut error = CliError::new(Kind::Blocks, what);
    for failed in report.failed.iter().take(16) {
        let region = failed.failure.region;
        let place = format!("{:?}..{:?}", region.start, region.end());
        let why = failed.failure.message();
        error
            .causes
            .push(format!("block {} of {} (t c z y x {place}): {why}", failed.id, failed.stage));
    }
    error.hints.push(again(cx));
    error
        .hints
        .push("add --accept-failed to publish with the fill value in their place".to_owned());
    error
}

/// The line to type to go on.
fn again(cx: &Context) -> String {
    let quoted =
        |w: &String| match w.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:%".contains(c)) {
            true => w.clone(),
            false => format!("'{}'", w.replace('\'', "'\\''")),
        };
    let words: Vec<String> = cx
        .words
        .iter()
        .skip(1)
        .filter(|w| !["--resume", "--overwrite"].contains(&w.as_str()))
        .map(quoted)
        .collect();
    format!("go on with: hooke {} --resume", words.join(" "))
}

fn finished_line(path: &Path, bytes: u64, cx: &Context) -> String {
    let seconds = cx.started.elapsed().as_secs_f64();
    format!("wrote {} ({}) in {seconds:.1} s", path.display(), show_bytes(bytes))
}

/// The final line of a command that wrote one small file.
pub fn wrote(path: &Path, cx: &Context, quiet: bool) {
    if !quiet {
        let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
        let _ = writeln!(std::io::stderr(), "{}", finished_line(path, bytes, cx));
    }
}

/// Warnings of a command that shows no progress; `--quiet` keeps them.
pub fn show_warnings(warnings: &[(String, String)]) {
    for (code, message) in warnings {
        let _ = writeln!(std::io::stderr(), "warning[{code}]: {message}");
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

fn dry_run(
    workflow: &dyn Workflow,
    target: &Target,
    common: &CommonArgs,
    options: &RunOptions,
) -> Result<Outcome, CliError> {
    target.check_writable()?;
    if target.exists() && !common.overwrite && !common.resume {
        return Err(engine::Error::Exists(target.path().to_owned()).into());
    }
    let plan = workflow.plan(&options.budget).map_err(engine::Error::Workflow)?;
    let free = engine::free_bytes(&target.home())?;
    let result = describe(&plan, options, free);
    Ok(Outcome::text(dry_text(&plan, options, free), result))
}

fn describe(plan: &Plan, options: &RunOptions, free: u64) -> Value {
    let stages: Vec<Value> = plan
        .stages
        .iter()
        .map(|s| {
            let bytes = s.blocks.largest_bytes();
            let first = s.blocks.get(0).map(|b| b.write.shape);
            json!({
                "name": s.name, "blocks": s.blocks.len(), "unit": s.unit, "write": first,
                "bytes_per_block": bytes, "in_flight": options.budget.in_flight(bytes).max(1)
            })
        })
        .collect();
    json!({
        "plan": plan.hash.as_str(),
        "inputs": plan.inputs, "outputs": plan.outputs, "stages": stages,
        "memory": {
            "budget": options.budget.memory, "cache": options.budget.cache(),
            "threads": options.budget.threads
        },
        "disk": {"needed": plan.disk_bytes(), "free": free},
        "parameters": plan.parameters,
    })
}

fn dry_text(plan: &Plan, options: &RunOptions, free: u64) -> String {
    let mut text = format!("plan    {}\n", plan.hash.as_str());
    for output in &plan.outputs {
        let dtype = output.dtype.map_or(String::new(), |d| format!(" {d}"));
        text += &format!(
            "output  {} {} {:?}{dtype}, about {}\n",
            output.path.display(),
            output.axes,
            output.shape,
            show_bytes(output.bytes)
        );
    }
    for stage in &plan.stages {
        let bytes = stage.blocks.largest_bytes();
        text += &format!(
            "stage   {:<12} {} {}, {} each, {} at once\n",
            stage.name,
            stage.blocks.len(),
            stage.unit,
            show_bytes(bytes),
            options.budget.in_flight(bytes).max(1)
        );
    }
    let budget = &options.budget;
    text += &format!(
        "memory  {} for {} threads, of which {} for decoded chunks\n",
        show_bytes(budget.memory),
        budget.threads,
        show_bytes(budget.cache())
    );
    text += &format!(
        "disk    needs {}, {} are free\n",
        show_bytes(plan.disk_bytes()),
        show_bytes(free)
    );
    text
}

/// The engine's own errors, with kind and hint.
fn engine_error(error: &engine::Error) -> CliError {
    if let engine::Error::Workflow(source) = error
        && let Some(stitch) = source.downcast_ref::<hooke_workflows::stitch::StitchError>()
    {
        return stitch_error(stitch);
    }
    if let engine::Error::Workflow(source) = error
        && let Some(convert) = source.downcast_ref::<ConvertError>()
    {
        return convert_error(convert);
    }
    let kind = match error.kind() {
        ErrorKind::Usage => Kind::Usage,
        ErrorKind::Input => Kind::Input,
        ErrorKind::Output => Kind::Output,
        ErrorKind::Plan => Kind::Plan,
        ErrorKind::Blocks => Kind::Blocks,
    };
    let mut result = CliError::from_chain(kind, error);
    result.hints.extend(error.hints());
    result.hints.extend(hints_below(error));
    result
}

/// What the causes of an error advise.
fn hints_below(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let convert = inner.downcast_ref::<ConvertError>().and_then(ConvertError::hint);
        let stitch = inner.downcast_ref::<hooke_workflows::stitch::StitchError>();
        hints.extend(convert.or_else(|| stitch.and_then(|s| s.hint())));
        cause = inner.source();
    }
    hints
}

fn stitch_error(error: &hooke_workflows::stitch::StitchError) -> CliError {
    let kind = if error.is_usage() { Kind::Usage } else { Kind::Input };
    let mut result = CliError::from_chain(kind, error);
    result.hints.extend(error.hint());
    result
}

fn convert_error(error: &ConvertError) -> CliError {
    let kind = if error.is_usage() { Kind::Usage } else { Kind::Input };
    let mut result = CliError::from_chain(kind, error);
    result.hints.extend(error.hint());
    result
}

impl From<ConvertError> for CliError {
    fn from(error: ConvertError) -> CliError {
        match error {
            ConvertError::Io(error) => error.into(),
            error => convert_error(&error),
        }
    }
}

impl From<engine::Error> for CliError {
    fn from(error: engine::Error) -> CliError {
        engine_error(&error)
    }
}

impl From<hooke_workflows::stitch::StitchError> for CliError {
    fn from(error: hooke_workflows::stitch::StitchError) -> CliError {
        match error {
            hooke_workflows::stitch::StitchError::Io(error) => error.into(),
            error => stitch_error(&error),
        }
    }
}
