//! A command from its first look to its last file.

use std::path::PathBuf;

use hooke_core::provenance::{Completeness, Provenance};

use super::begin::{Begin, begin};
use super::error::{Error, Result};
use super::events::Watch;
use super::options::RunOptions;
use super::report::{RunReport, RunStatus};
use super::target::Target;
use super::workflow::Workflow;

/// Plans, creates, runs every block on the current rayon pool, finishes and publishes.
///
/// Best called from a thread outside of that pool (make it with `build_global`): a thread of the
/// pool would run blocks itself, and hear of a cancel only between them. Blocks in flight that do
/// not ask for cancellation cannot be dropped here; a face ends the process after the grace time.
///
/// Blocks that failed, a full disk and a cancel come back as a report, since there is something
/// to tell; an error means that no block ran, or that an output could not be completed.
///
/// # Errors
/// When the output exists, cannot be written or is being written by another process, when
/// `--resume` finds other settings, when the disk or the memory is too small, and everything
/// that the workflow says while planning, creating, opening a stage or finishing.
pub fn run(
    workflow: &dyn Workflow,
    target: &Target,
    options: &RunOptions,
    watch: &dyn Watch,
) -> Result<RunReport> {
    match prepare(workflow, target, options)? {
        Begin::AlreadyComplete(provenance) => Ok(already(*provenance)),
        Begin::Run(session) => session.go(workflow, options, watch),
    }
}

/// Makes the work folder with its plan and empty arrays, for `hooke block run`; returns the path
/// of the plan.
///
/// # Errors
/// As [`run`]; [`Error::Exists`] also when the output is complete already.
pub fn plan_only(
    workflow: &dyn Workflow,
    target: &Target,
    options: &RunOptions,
) -> Result<PathBuf> {
    match prepare(workflow, target, options)? {
        Begin::AlreadyComplete(_) => Err(Error::Exists(target.path().to_owned())),
        Begin::Run(session) => Ok(session.work.plan_path()),
    }
}

fn prepare(workflow: &dyn Workflow, target: &Target, options: &RunOptions) -> Result<Begin> {
    if options.resume && options.overwrite {
        return Err(Error::ResumeAndOverwrite);
    }
    target.check_writable()?;
    let plan = workflow.plan(&options.budget)?;
    begin(workflow, plan, target, options)
}

fn already(provenance: Provenance) -> RunReport {
    let status = match provenance.status {
        Completeness::Done => RunStatus::AlreadyComplete,
        Completeness::Incomplete => RunStatus::Incomplete,
    };
    RunReport {
        warnings: provenance.warnings,
        outputs: provenance.outputs,
        ..RunReport::new(status)
    }
}
