//! A run from its first stage to its output in place.

use hooke_core::plan::{Blocks, Plan, Stage};
use hooke_core::provenance::{Completeness, ExecutorKind};
use hooke_io::atomic;

use super::begin::{lock_warning, now};
use super::error::{Error, Result};
use super::events::{Event, Halt, Watch};
use super::log::Tee;
use super::marker::{FailureKind, Markers, Scan, ranges};
use super::options::RunOptions;
use super::publish;
use super::report::{FailedBlock, RunReport, RunStatus, StageReport};
use super::run_stage::{Allowed, Shared, run_stage};
use super::runs::{Publishing, Runs};
use super::sampler::Sampler;
use super::work_dir::WorkDir;
use super::workflow::Workflow;

/// A locked work folder with its plan.
pub(crate) struct Session {
    pub plan: Plan,
    pub work: WorkDir,
    pub runs: Runs,
    pub resumed: bool,
    pub executor: ExecutorKind,
}

/// What the stages came to.
#[derive(Default)]
struct Progressed {
    stages: Vec<StageReport>,
    failed: Vec<FailedBlock>,
    /// Stages that lack blocks, and those after them.
    incomplete: Vec<String>,
    /// For `block finish`: what is missing, in words.
    missing: Vec<String>,
    stop: Option<Error>,
}

impl Session {
    pub fn new(
        plan: Plan,
        work: WorkDir,
        runs: Runs,
        resumed: bool,
        executor: ExecutorKind,
    ) -> Session {
        Session { plan, work, runs, resumed, executor }
    }

    /// Runs what is left and publishes.
    pub fn go(
        mut self,
        workflow: &dyn Workflow,
        options: &RunOptions,
        watch: &dyn Watch,
    ) -> Result<RunReport> {
        let watch = Tee::new(&self.work, watch);
        let sampler = Sampler::start(options.budget.memory);
        let halt = Halt::new(options.cancel.clone(), options.grace);
        let markers = Markers::new(self.work.root(), &self.plan);
        self.begin(&watch)?;
        let went = match self.runs.publishing {
            Some(_) => Ok(Progressed::default()),
            None => self.stages(workflow, options, &watch, &halt, &markers),
        };
        let went = match went {
            Ok(went) => went,
            Err(error) => return Err(self.give_up(&markers, error)),
        };
        let status = self.status(&went, options, &halt);
        if went.stop.is_none() && !went.missing.is_empty() {
            let path = self.work.root().to_owned();
            return Err(Error::Missing { path, missing: went.missing });
        }
        let mut report = RunReport {
            error: went.stop,
            stages: went.stages,
            failed: went.failed,
            warnings: lock_warning(&self.work).into_iter().collect(),
            work: Some(self.work.root().to_owned()),
            ..RunReport::new(status)
        };
        let publishes = matches!(status, RunStatus::Done | RunStatus::Incomplete);
        if publishes && self.runs.publishing.is_none() {
            watch.event(&Event::Publishing);
            self.finish(workflow, &markers, &report)?;
        }
        sampler.note(&mut report);
        report.warnings.iter().for_each(|w| watch.event(&Event::Warning(w)));
        self.runs.add(&report);
        let noted = self.runs.write(&self.work);
        watch.ended(&report);
        if publishes {
            // On a full disk the report matters more than the seconds of this run.
            noted?;
            publish::publish(self, options, &mut report)?;
        } else if self.executor == ExecutorKind::Local && removes_work(&report) {
            self.work.remove()?;
            report.work = None;
        }
        Ok(report)
    }

    /// Tidies up after a run that was killed, and counts this one.
    fn begin(&mut self, watch: &dyn Watch) -> Result<()> {
        let (plan, work, resumed) = (&self.plan, self.work.root(), self.resumed);
        watch.event(&Event::Started { plan, work, resumed });
        if resumed {
            atomic::remove_leftovers(work)?;
        }
        self.runs.runs += 1;
        if self.runs.started.is_empty() {
            self.runs.started = now();
        }
        self.runs.write(&self.work)
    }

    /// Has the workflow complete its outputs, and notes what provenance needs.
    fn finish(
        &mut self,
        workflow: &dyn Workflow,
        markers: &Markers,
        report: &RunReport,
    ) -> Result<()> {
        atomic::remove_leftovers(self.work.root())?;
        let finished = workflow.finish(&self.plan, markers, &self.work)?;
        let status = match report.status {
            RunStatus::Incomplete => Completeness::Incomplete,
            _ => Completeness::Done,
        };
        let failed = report.failed.iter().map(FailedBlock::record).collect();
        let stages = report.stages.iter().map(StageReport::record).collect();
        self.runs.publishing = Some(Publishing { status, finished, failed, stages });
        Ok(())
    }

    fn stages(
        &self,
        workflow: &dyn Workflow,
        options: &RunOptions,
        watch: &dyn Watch,
        halt: &Halt,
        markers: &Markers,
    ) -> Result<Progressed> {
        let (plan, work) = (&self.plan, &self.work);
        let shared = Shared { workflow, plan, work, markers, options, watch, halt };
        let mut allowed = Allowed(options.max_failed);
        let mut went = Progressed::default();
        for stage in &plan.stages {
            if stage.after.iter().any(|a| went.incomplete.contains(a)) {
                went.incomplete.push(stage.name.clone());
                continue;
            }
            let scan = scan(plan, stage, markers, options.verify)?;
            let single = matches!(stage.blocks, Blocks::One { .. });
            if self.executor == ExecutorKind::Ranges && !single {
                left_by_workers(stage, &scan, markers, options.accept_failed, &mut went);
                continue;
            }
            let end = run_stage(&shared, stage, &scan, &|_| true, &mut allowed)?;
            let accepted = options.accept_failed && end.report.failed > 0;
            let whole = end.report.is_complete()
                || accepted
                    && end.report.done + end.report.skipped + end.report.failed
                        == end.report.blocks;
            went.stages.push(end.report);
            went.failed.extend(end.failed);
            went.stop = end.stop;
            if went.stop.is_some() || halt.no_more() {
                break;
            }
            if !whole {
                went.incomplete.push(stage.name.clone());
            }
        }
        Ok(went)
    }

    fn status(&self, went: &Progressed, options: &RunOptions, halt: &Halt) -> RunStatus {
        let published = self.runs.publishing.as_ref().map(|p| p.status);
        match published {
            Some(Completeness::Done) => RunStatus::Done,
            Some(Completeness::Incomplete) => RunStatus::Incomplete,
            None if went.stop.is_some() => RunStatus::Failed,
            None if halt.cancelled() => RunStatus::Cancelled,
            None if !went.incomplete.is_empty() => RunStatus::BlocksFailed,
            None if !went.failed.is_empty() && options.accept_failed => RunStatus::Incomplete,
            None => RunStatus::Done,
        }
    }

    /// An error before or between blocks: a work folder without any result is removed.
    fn give_up(self, markers: &Markers, error: Error) -> Error {
        let empty = self.plan.stages.iter().all(|s| markers.scan(&s.name, false).count() == 0);
        if !self.resumed && empty {
            // The error above is the one to tell.
            let _ = self.work.remove();
        }
        error
    }
}

/// Whether nothing could be different next time: then the work folder would only be in the way.
fn removes_work(report: &RunReport) -> bool {
    matches!(report.error, Some(Error::BlockFailed { kind: FailureKind::Permanent, .. }))
}

/// Which blocks of a stage are done. When some are not, what later stages computed from them is
/// stale, and its markers are removed.
pub(crate) fn scan(plan: &Plan, stage: &Stage, markers: &Markers, verify: bool) -> Result<Scan> {
    let mut later: Vec<&str> = vec![&stage.name];
    for candidate in &plan.stages {
        if candidate.after.iter().any(|a| later.contains(&a.as_str())) {
            later.push(&candidate.name);
        }
    }
    // Looked at before the scan: markers that other workers write after it are not stale.
    later.retain(|name| *name != stage.name && markers.has_any(name));
    let scan = markers.scan(&stage.name, verify);
    if scan.missing().next().is_some() {
        later.iter().try_for_each(|name| markers.forget(name))?;
    }
    Ok(scan)
}

/// `block finish`: stages of many blocks were the workers' to do.
fn left_by_workers(
    stage: &Stage,
    scan: &Scan,
    markers: &Markers,
    accept_failed: bool,
    went: &mut Progressed,
) {
    let mut failed = Vec::new();
    let mut missing = Vec::new();
    for id in scan.missing() {
        match markers.read_failed(&stage.name, id) {
            Some(failure) if accept_failed => {
                failed.push(FailedBlock { stage: stage.name.clone(), id, failure });
            }
            _ => missing.push(id),
        }
    }
    went.stages.push(StageReport {
        name: stage.name.clone(),
        unit: stage.unit.clone(),
        blocks: stage.blocks.len(),
        done: 0,
        skipped: scan.count(),
        failed: failed.len() as u64,
        seconds: 0.0,
        block_seconds: scan.seconds,
        bytes_read: scan.bytes_read,
        bytes_written: scan.bytes_written,
    });
    went.failed.extend(failed);
    if !missing.is_empty() {
        let list: Vec<String> =
            ranges(missing).iter().map(|r| format!("{}..{}", r.start, r.end)).collect();
        went.missing.push(format!("{} {}", stage.name, list.join(", ")));
        went.incomplete.push(stage.name.clone());
    }
}
