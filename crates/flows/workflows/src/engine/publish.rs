//! Outputs enter their place, then their provenance, then the work folder goes.

use std::fs;
use std::path::{Path, PathBuf};

use hooke_core::plan::InputStamp;
use hooke_core::plan::hash::sha256;
use hooke_core::provenance::{InputRecord, OutputRecord, PROVENANCE_VERSION, Provenance, Warning};
use hooke_io::atomic;

use super::begin::finished;
use super::error::{Error, Result};
use super::machine;
use super::options::RunOptions;
use super::report::RunReport;
use super::runs::{Publishing, Runs};
use super::session::Session;
use super::target::Target;
use super::work_dir::{WorkDir, remove};

/// Publishes. Killed at any point, a `--resume` takes it up: what has left `data/` is in place.
pub(crate) fn publish(
    session: Session,
    options: &RunOptions,
    report: &mut RunReport,
) -> Result<()> {
    let Session { plan, work, mut runs, executor, .. } = session;
    let target = work.target().clone();
    let Some(publishing) = runs.publishing.clone() else { return Ok(()) };
    enter(&work, &target, runs.overwrite)?;
    #[cfg(feature = "faults")]
    super::faults::after(&super::faults::of("publish", 0), work.root(), "publish", 0);
    let outputs: Vec<OutputRecord> = publishing
        .finished
        .outputs
        .iter()
        .map(|o| OutputRecord { size_bytes: size_on_disk(&o.path), ..o.clone() })
        .collect();
    let warnings: Vec<Warning> =
        publishing.finished.warnings.iter().chain(&report.warnings).cloned().collect();
    let provenance = Provenance {
        format: "hooke.provenance".to_owned(),
        version: PROVENANCE_VERSION,
        hooke: env!("CARGO_PKG_VERSION").to_owned(),
        commit: options.invocation.commit.clone(),
        results_version: plan.results_version,
        command: options.invocation.command.clone(),
        working_directory: options.invocation.working_directory.clone(),
        plan: plan.hash.clone(),
        status: publishing.status,
        parameters: plan.parameters.clone(),
        parameters_from: options.invocation.parameters_from.clone(),
        inputs: plan.inputs.iter().map(input).collect(),
        outputs: outputs.clone(),
        models: publishing.finished.models.clone(),
        stages: publishing.stages.clone(),
        failed: publishing.failed.clone(),
        warnings: warnings.clone(),
        started: runs.started.clone(),
        seconds: runs.seconds,
        cpu_seconds: runs.cpu_seconds,
        peak_rss_bytes: runs.peak_rss_bytes,
        runs: runs.runs,
        machine: machine::describe(rayon::current_num_threads()),
        executor,
    };
    let run_toml = match fs::read(work.root().join("run.toml")) {
        Ok(text) => text,
        // Killed after it was moved.
        Err(_) => fs::read(target.run_toml()).unwrap_or_default(),
    };
    place(&work, "run.toml", &run_toml, &target.run_toml())?;
    let json = serde_json::to_vec_pretty(&provenance)
        .map_err(|e| Error::io(&target.provenance(), "write")(e.into()))?;
    // Last: it is the finished mark.
    place(&work, "hooke.json", &json, &target.provenance())?;
    #[cfg(feature = "faults")]
    super::faults::after(&super::faults::of("publish", 1), work.root(), "publish", 1);
    tidy(work, &mut runs)?;
    let Publishing { finished, .. } = publishing;
    (report.outputs, report.warnings, report.result) = (outputs, warnings, finished.result);
    report.work = None;
    Ok(())
}

fn tidy(work: WorkDir, runs: &mut Runs) -> Result<()> {
    runs.published = true;
    runs.write(&work)?;
    work.remove()
}

/// Written in the work folder first, so that a kill leaves nothing elsewhere.
fn place(work: &WorkDir, name: &str, bytes: &[u8], to: &Path) -> Result<()> {
    work.write(name, bytes)?;
    fs::rename(work.root().join(name), to).map_err(Error::io(to, "move into place"))?;
    let home = work.target().home();
    Ok(atomic::sync_folder(&home)?)
}

/// Moves everything in `data/` to its place.
fn enter(work: &WorkDir, target: &Target, overwrite: bool) -> Result<()> {
    let data = work.data();
    let mut names: Vec<_> = fs::read_dir(&data)
        .and_then(|entries| entries.map(|e| e.map(|e| e.file_name())).collect())
        .map_err(Error::io(&data, "list"))?;
    names.sort();
    let home = target.home();
    let old = finished(target);
    // From here on the old output is no longer finished.
    if overwrite && !names.is_empty() {
        remove(&target.provenance())?;
        remove(&target.run_toml())?;
    }
    for name in &names {
        let (from, to) = (data.join(name), home.join(name));
        if let Ok(there) = to.symlink_metadata() {
            if !overwrite {
                return Err(Error::Exists(to));
            }
            // A folder cannot be replaced in one step; a file can.
            if there.is_dir() || from.is_dir() {
                let aside = work.private("replaced")?.join(name);
                remove(&aside)?;
                fs::rename(&to, &aside).map_err(Error::io(&to, "replace"))?;
            }
        }
        fs::rename(&from, &to).map_err(Error::io(&to, "move into place"))?;
    }
    if let (Target::RunFolder(folder), Some(old)) = (target, old) {
        let gone = |o: &&OutputRecord| {
            o.path.parent() == Some(folder.as_path())
                && o.path.file_name().is_some_and(|n| !names.iter().any(|m| m == n))
        };
        old.outputs.iter().filter(gone).try_for_each(|o| remove(&o.path))?;
    }
    Ok(atomic::sync_folder(&home)?)
}

fn input(stamp: &InputStamp) -> InputRecord {
    let beside = Target::Product(stamp.path.clone()).provenance();
    let within = stamp.path.with_file_name("hooke.json");
    let record = fs::read(beside).or_else(|_| fs::read(within)).ok();
    InputRecord {
        path: stamp.path.clone(),
        size_bytes: stamp.size_bytes,
        mtime_ns: stamp.mtime_ns,
        format: stamp.format.clone(),
        provenance: record.map(|bytes| sha256(&bytes)),
    }
}

/// Bytes of a file, or of all files below a folder; 0 where there is nothing.
fn size_on_disk(path: &Path) -> u64 {
    let Ok(meta) = path.metadata() else { return 0 };
    if !meta.is_dir() {
        return meta.len();
    }
    let mut folders: Vec<PathBuf> = vec![path.to_owned()];
    let mut total = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => total += meta.len(),
                Err(_) => {}
            }
        }
    }
    total
}
