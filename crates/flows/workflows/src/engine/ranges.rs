//! `hooke block run | status | finish`: a plan by parts, on any number of machines.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use hooke_core::plan::{Plan, Stage};
use hooke_core::provenance::ExecutorKind;
use serde::Serialize;

use super::begin::{check_place, lock_warning};
use super::error::{Error, Result};
use super::events::{Event, Halt, Watch};
use super::lock::Role;
use super::log::Tee;
use super::marker::{self, Markers};
use super::options::RunOptions;
use super::registry::{OpenPlan, Registered, open_plan, read_plan};
use super::report::{RunReport, RunStatus};
use super::run_stage::{Allowed, Shared, run_stage};
use super::runs::Runs;
use super::sampler::Sampler;
use super::session::{Session, scan};
use super::work_dir::WorkDir;

/// Some of the blocks of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every block.
    All,
    /// Half-open ranges of ids; what lies beyond the last block is left out.
    Ranges(Vec<Range<u64>>),
    /// The `k`-th of `n` equal parts, from 0.
    Share {
        /// Which part.
        k: u64,
        /// How many there are.
        n: u64,
    },
}

impl Selection {
    /// Reads `A..B` or several of these with commas.
    ///
    /// # Errors
    /// When it is none, or a range is empty.
    pub fn ranges(text: &str) -> Result<Selection> {
        let bad = || {
            let what = format!("`{text}` is not a range of blocks");
            Error::usage(what, "write A..B with A < B; several with commas: 0..10,20..30")
        };
        let one = |part: &str| {
            let (a, b) = part.trim().split_once("..")?;
            let (a, b) = (u64::from_str(a.trim()).ok()?, u64::from_str(b.trim()).ok()?);
            (a < b).then_some(a..b)
        };
        let ranges: Option<Vec<Range<u64>>> = text.split(',').map(one).collect();
        ranges.map(Selection::Ranges).ok_or_else(bad)
    }

    /// Reads `K/N`, or `slurm`, which takes both from the variables of a SLURM array
    /// (`SLURM_ARRAY_TASK_ID`, `_MIN`, `_COUNT`) through `variable`.
    ///
    /// # Errors
    /// When it is neither, K is not below N, or the variables are missing.
    pub fn share(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Selection> {
        let share = |k: u64, n: u64| (k < n).then_some(Selection::Share { k, n });
        let found = if text == "slurm" {
            let number = |name: &str| variable(name).and_then(|v| v.trim().parse::<u64>().ok());
            let id = number("SLURM_ARRAY_TASK_ID");
            let (min, count) = (number("SLURM_ARRAY_TASK_MIN"), number("SLURM_ARRAY_TASK_COUNT"));
            let Some(((id, min), count)) = id.zip(min).zip(count) else {
                let what = "--share slurm outside of a SLURM array: SLURM_ARRAY_TASK_ID, \
                            SLURM_ARRAY_TASK_MIN and SLURM_ARRAY_TASK_COUNT are not all set";
                return Err(Error::usage(what, "give --share K/N"));
            };
            id.checked_sub(min).and_then(|k| share(k, count))
        } else {
            let parts = text.split_once('/');
            let numbers = parts.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
            numbers.and_then(|(k, n)| share(k, n))
        };
        found.ok_or_else(|| {
            let what = format!("`{text}` is not a share of the blocks");
            Error::usage(what, "write K/N with K from 0 to N - 1, or slurm")
        })
    }

    /// Whether a block belongs to it.
    pub fn contains(&self, id: u64, count: u64) -> bool {
        match self {
            Selection::All => true,
            Selection::Ranges(ranges) => ranges.iter().any(|r| r.contains(&id)),
            Selection::Share { k, n } => {
                let start = |k: u64| (u128::from(count) * u128::from(k) / u128::from(*n)) as u64;
                (start(*k)..start(k + 1)).contains(&id)
            }
        }
    }
}

/// Runs some blocks of one stage on the current rayon pool; those with a marker return at once.
///
/// # Errors
/// When there is no such plan or stage, when a stage before it is not complete, or when a driver
/// is at work on the same output.
pub fn run_range(
    path: &Path,
    stage: &str,
    selection: &Selection,
    commands: &[Registered],
    options: &RunOptions,
    watch: &dyn Watch,
) -> Result<RunReport> {
    let OpenPlan { plan, target, workflow } = open_plan(path, commands)?;
    let stage = find(&plan, stage)?;
    let work = WorkDir::lock(&target, Role::Worker)?;
    let watch = Tee::new(&work, watch);
    let markers = Markers::new(work.root(), &plan);
    check_before(&plan, stage, &markers, options.accept_failed)?;
    let sampler = Sampler::start(options.budget.memory);
    let halt = Halt::new(options.cancel.clone(), options.grace);
    let scan = scan(&plan, stage, &markers, options.verify)?;
    watch.event(&Event::Started { plan: &plan, work: work.root(), resumed: true });
    let shared = Shared {
        workflow: &*workflow,
        plan: &plan,
        work: &work,
        markers: &markers,
        options,
        watch: &watch,
        halt: &halt,
    };
    let count = stage.blocks.len();
    let chosen = |id| selection.contains(id, count);
    let mut allowed = Allowed(options.max_failed);
    let end = run_stage(&shared, stage, &scan, &chosen, &mut allowed)?;
    let status = match (&end.stop, end.report.failed) {
        (Some(_), _) => RunStatus::Failed,
        (None, _) if halt.cancelled() && !end.report.is_complete() => RunStatus::Cancelled,
        (None, 0) => RunStatus::Done,
        (None, _) => RunStatus::BlocksFailed,
    };
    let mut report = RunReport {
        error: end.stop,
        stages: vec![end.report],
        failed: end.failed,
        warnings: lock_warning(&work).into_iter().collect(),
        work: Some(work.root().to_owned()),
        ..RunReport::new(status)
    };
    sampler.note(&mut report);
    watch.ended(&report);
    Ok(report)
}

/// Runs the steps of one block that are left, checks every marker, and publishes.
///
/// # Errors
/// [`Error::Missing`] when blocks are missing; otherwise as [`run`](super::run::run).
pub fn finish_plan(
    path: &Path,
    commands: &[Registered],
    options: &RunOptions,
    watch: &dyn Watch,
) -> Result<RunReport> {
    let OpenPlan { plan, target, workflow } = open_plan(path, commands)?;
    let work = WorkDir::lock(&target, Role::Driver)?;
    let runs = Runs::read(&work);
    check_place(&work, &runs)?;
    let session = Session::new(plan, work, runs, true, ExecutorKind::Ranges);
    session.go(&*workflow, options, watch)
}

/// How far a plan is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanStatus {
    /// Its command.
    pub command: String,
    /// Its stages.
    pub stages: Vec<StageStatus>,
}

/// How far a stage is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageStatus {
    /// Its name.
    pub name: String,
    /// Its blocks.
    pub total: u64,
    /// Those with a valid marker.
    pub done: u64,
    /// Those that failed last time.
    pub failed: u64,
    /// Those without a valid marker, as ranges `A..B`; failed ones among them.
    pub missing: Vec<String>,
}

impl PlanStatus {
    /// Blocks done and blocks in all.
    pub fn counts(&self) -> (u64, u64) {
        self.stages.iter().fold((0, 0), |(d, t), s| (d + s.done, t + s.total))
    }
}

/// Looks how far a plan is; others may be working on it.
///
/// # Errors
/// When there is no plan.
pub fn plan_status(path: &Path) -> Result<PlanStatus> {
    let (plan, target) = read_plan(path)?;
    let markers = Markers::new(&target.work_folder(), &plan);
    let stages = plan.stages.iter().map(|stage| {
        let scan = markers.scan(&stage.name, false);
        let missing: Vec<u64> = scan.missing().collect();
        let failed = missing.iter().filter(|id| markers.read_failed(&stage.name, **id).is_some());
        StageStatus {
            name: stage.name.clone(),
            total: stage.blocks.len(),
            done: scan.count(),
            failed: failed.count() as u64,
            missing: marker::ranges(missing)
                .iter()
                .map(|r| format!("{}..{}", r.start, r.end))
                .collect(),
        }
    });
    let stages = stages.collect();
    Ok(PlanStatus { command: plan.command, stages })
}

fn find<'a>(plan: &'a Plan, stage: &str) -> Result<&'a Stage> {
    plan.stage(stage).ok_or_else(|| Error::UnknownStage {
        stage: stage.to_owned(),
        known: plan.stages.iter().map(|s| s.name.clone()).collect(),
    })
}

fn check_before(plan: &Plan, stage: &Stage, markers: &Markers, accept: bool) -> Result<()> {
    for after in stage.after.iter().filter_map(|name| plan.stage(name)) {
        let scan = markers.scan(&after.name, false);
        let accepted = |id: &u64| accept && markers.read_failed(&after.name, *id).is_some();
        let missing = scan.missing().filter(|id| !accepted(id)).count() as u64;
        if missing > 0 {
            return Err(Error::StageTooEarly {
                stage: stage.name.clone(),
                after: after.name.clone(),
                missing,
                total: after.blocks.len(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_are_half_open_and_several() {
        let selection = Selection::ranges("0..2, 5..6").unwrap();
        let chosen: Vec<u64> = (0..8).filter(|id| selection.contains(*id, 8)).collect();
        assert_eq!(chosen, [0, 1, 5]);
        for bad in ["", "3", "3..3", "4..2", "a..b", "1..2,", "-1..2"] {
            assert!(Selection::ranges(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_a_partition() {
        for count in [0, 1, 7, 64] {
            for n in 1..10 {
                let owners = |id| {
                    (0..n).filter(|k| Selection::Share { k: *k, n }.contains(id, count)).count()
                };
                assert!((0..count).all(|id| owners(id) == 1));
            }
        }
        assert!(Selection::share("3/3", |_| None).is_err());
        assert!(Selection::share("1", |_| None).is_err());
    }

    #[test]
    fn a_slurm_array_may_begin_anywhere() {
        let variable = |name: &str| {
            let value = match name {
                "SLURM_ARRAY_TASK_ID" => "7",
                "SLURM_ARRAY_TASK_MIN" => "5",
                "SLURM_ARRAY_TASK_COUNT" => "4",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let share = Selection::share("slurm", variable).unwrap();
        assert_eq!(share, Selection::Share { k: 2, n: 4 });
        assert!(Selection::share("slurm", |_| None).is_err());
    }
}
