//! Whether a run may begin, goes on, or is complete already.

use std::fs;
use std::path::{Path, PathBuf};

use hooke_core::plan::Plan;
use hooke_core::provenance::{ExecutorKind, Provenance, Warning};
use hooke_io::image_folder::{is_sequence, sequence_files};

use super::error::{Error, Result};
use super::lock::Role;
use super::marker::Markers;
use super::options::RunOptions;
use super::runs::Runs;
use super::session::Session;
use super::target::{Target, free_bytes};
use super::work_dir::WorkDir;
use super::workflow::Workflow;

/// What there is to do.
pub(crate) enum Begin {
    /// Nothing: the output is there.
    AlreadyComplete(Box<Provenance>),
    /// To run, with the plan that counts: a resumed run keeps the one on disk.
    Run(Box<Session>),
}

/// The record of a finished output, if there is one.
pub fn finished(target: &Target) -> Option<Provenance> {
    let bytes = fs::read(target.provenance()).ok()?;
    let provenance: Provenance = serde_json::from_slice(&bytes).ok()?;
    target.exists().then_some(provenance)
}

/// Decides, checks the disk, and creates what blocks will write into.
pub(crate) fn begin(
    workflow: &dyn Workflow,
    plan: Plan,
    target: &Target,
    options: &RunOptions,
) -> Result<Begin> {
    check_apart(&plan)?;
    let made_home = !target.home().is_dir();
    if !target.work_folder().is_dir() {
        if let Some(complete) = check_output(target, &plan, options)? {
            return Ok(Begin::AlreadyComplete(complete));
        }
        check_disk(target, plan.disk_bytes())?;
    }
    let work = WorkDir::lock(target, Role::Driver)?;
    let runs = Runs::read(&work);
    if runs.published {
        // Killed while tidying up: the output is in its place.
        work.remove()?;
        return begin(workflow, plan, target, options);
    }
    match work.read_plan()? {
        Some(old) if options.resume => resume(old, &plan, work, runs).map(Begin::Run),
        Some(old) if !options.overwrite => {
            let markers = Markers::new(work.root(), &old);
            let done = old.stages.iter().map(|s| markers.scan(&s.name, false).count()).sum();
            let path = work.root().to_owned();
            Err(Error::Unfinished { path, done, total: old.blocks() })
        }
        _ => {
            if let Some(complete) = check_output(target, &plan, options)? {
                work.remove()?;
                return Ok(Begin::AlreadyComplete(complete));
            }
            work.empty()?;
            check_disk(target, plan.disk_bytes())?;
            anew(workflow, plan, work, options, made_home).map(Begin::Run)
        }
    }
}

/// Whether the place of the output is free, may be made free, or holds what is asked for.
pub(crate) fn check_output(
    target: &Target,
    plan: &Plan,
    options: &RunOptions,
) -> Result<Option<Box<Provenance>>> {
    if !target.exists() {
        return check_beside(target, plan, options).map(|()| None);
    }
    if options.overwrite {
        target.check_replaceable()?;
        let beside = plan.outputs.iter().skip(1).map(|o| o.path.as_path());
        return target.check_beside(beside).map(|()| None);
    }
    match finished(target) {
        Some(provenance) if options.resume && provenance.plan == plan.hash => {
            Ok(Some(Box::new(provenance)))
        }
        Some(_) if options.resume => Err(Error::FinishedOtherwise(target.path().to_owned())),
        _ => Err(Error::Exists(target.path().to_owned())),
    }
}

/// Suffixes of outputs that may take the place of what they are made from.
const TABLES: [&str; 4] = ["json", "csv", "parquet", "xml"];

/// An image never replaces what it is made from, nor a folder that holds it. A table or layout may.
fn check_apart(plan: &Plan) -> Result<()> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut inputs: Vec<PathBuf> = Vec::new();
    for input in &plan.inputs {
        match is_sequence(&input.path) {
            true => {
                let files = sequence_files(&input.path).unwrap_or_default();
                inputs.extend(files.iter().map(|file| real(file)));
            }
            false => inputs.push(real(&input.path)),
        }
    }
    for (i, output) in plan.outputs.iter().enumerate() {
        let place = real(&output.path);
        let is_table =
            TABLES.iter().any(|t| place.extension().is_some_and(|e| e.eq_ignore_ascii_case(t)));
        let is_small = i == 0 && output.axes.is_empty() && output.dtype.is_none() && is_table;
        if !is_small && inputs.iter().any(|input| input.starts_with(&place)) {
            let what = format!("{} is what the output is made from", output.path.display());
            return Err(Error::usage(what, "give another name for the output"));
        }
    }
    Ok(())
}

/// Whether the files that belong to a product, like the HDF5 beside an XML, would hit others.
fn check_beside(target: &Target, plan: &Plan, options: &RunOptions) -> Result<()> {
    if options.overwrite || matches!(target, Target::RunFolder(_)) {
        return Ok(());
    }
    match plan.outputs.iter().skip(1).find(|o| o.path.symlink_metadata().is_ok()) {
        Some(there) => Err(Error::Exists(there.path.clone())),
        None => Ok(()),
    }
}

pub(crate) fn check_disk(target: &Target, needed: u64) -> Result<()> {
    let home = target.home();
    let free = free_bytes(&home)?;
    match free < needed {
        true => Err(Error::NoSpace { path: home, needed, free }),
        false => Ok(()),
    }
}

fn resume(old: Plan, now: &Plan, work: WorkDir, runs: Runs) -> Result<Box<Session>> {
    if old.hash != now.hash {
        let path = work.root().to_owned();
        return Err(Error::OtherPlan { path, differences: old.differences(now) });
    }
    check_place(&work, &runs)?;
    Ok(Box::new(Session::new(old, work, runs, true, ExecutorKind::Local)))
}

/// Whether an unfinished run may still publish: somebody may have put another output there.
pub(crate) fn check_place(work: &WorkDir, runs: &Runs) -> Result<()> {
    let target = work.target();
    let ours = runs.overwrite || runs.publishing.is_some();
    match target {
        Target::Product(path) if target.exists() && !ours => Err(Error::Exists(path.clone())),
        _ => Ok(()),
    }
}

fn anew(
    workflow: &dyn Workflow,
    plan: Plan,
    work: WorkDir,
    options: &RunOptions,
    made_home: bool,
) -> Result<Box<Session>> {
    let runs = Runs {
        started: now(),
        // Only then may an old output be replaced, also by a `--resume` of this run.
        overwrite: options.overwrite,
        ..Runs::default()
    };
    let create = || -> Result<()> {
        runs.write(&work)?;
        work.write("run.toml", options.run_toml.as_bytes())?;
        let data = work.data();
        fs::create_dir_all(&data).map_err(Error::io(&data, "create the folder"))?;
        workflow.create(&plan, &work)?;
        // Last: a plan on disk says that everything blocks need is there.
        work.write("plan.json", plan.to_json().as_bytes())
    };
    if let Err(error) = create() {
        let home = work.target().home();
        // The error above is the one to tell.
        let _ = work.remove();
        if made_home {
            let _ = fs::remove_dir(home);
        }
        return Err(error);
    }
    Ok(Box::new(Session::new(plan, work, runs, false, ExecutorKind::Local)))
}

/// The time, UTC, to the second.
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// A warning where a second driver would go unnoticed.
pub(crate) fn lock_warning(work: &WorkDir) -> Option<Warning> {
    let what = || {
        let name = work.target().name();
        format!("this file system has no locks: do not start a second hooke on {name}")
    };
    (!work.has_locks()).then(|| Warning::new("no_locks", what()))
}
