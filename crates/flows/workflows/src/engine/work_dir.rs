//! The folder in which an output is made.

use std::fs;
use std::path::{Path, PathBuf};

use hooke_core::plan::Plan;
use hooke_io::atomic;

use super::error::{Error, Result};
use super::lock::{self, Lock, Role};
use super::target::Target;

/// `OUT.partial` or `RUN/.partial`.
///
/// ```text
/// plan.json  run.toml  runs.json  lock  log.jsonl
/// data/...                     what will be the output
/// work/<stage>/...             what is needed on the way
/// .blocks/<stage>/<id>.json    markers
/// ```
#[derive(Debug)]
pub struct WorkDir {
    root: PathBuf,
    target: Target,
    _lock: Option<Lock>,
    has_locks: bool,
}

/// What a work folder may hold; anything else was not put there by us.
const OURS: [&str; 9] = [
    "plan.json",
    "run.toml",
    "runs.json",
    "hooke.json",
    "lock",
    "log.jsonl",
    "data",
    "work",
    ".blocks",
];

impl WorkDir {
    /// Makes or opens the work folder of an output, and locks it.
    pub(crate) fn lock(target: &Target, role: Role) -> Result<WorkDir> {
        let root = target.work_folder();
        if role == Role::Driver {
            fs::create_dir_all(&root).map_err(Error::io(&root, "create the folder"))?;
        }
        let (lock, has_locks) = lock::take(&root.join("lock"), role, &target.name())?;
        Ok(WorkDir { root, target: target.clone(), _lock: Some(lock), has_locks })
    }

    /// Looks at a work folder without locking it.
    pub(crate) fn look(target: &Target) -> WorkDir {
        let root = target.work_folder();
        WorkDir { root, target: target.clone(), _lock: None, has_locks: true }
    }

    /// Whether the file system can lock; where not, a second driver goes unnoticed.
    pub(crate) fn has_locks(&self) -> bool {
        self.has_locks
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The output that is made here.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// `data/`: each file or folder in it will stand beside the output's path, or in the run
    /// folder, under the same name.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Where a product is made: `data/` and the name of the output.
    pub fn product(&self) -> PathBuf {
        self.data().join(self.target.path().file_name().unwrap_or_default())
    }

    /// `work/<stage>/`, made on demand: files that a stage leaves for later ones. They go away
    /// with the work folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn private(&self, stage: &str) -> Result<PathBuf> {
        let folder = self.root.join("work").join(stage);
        fs::create_dir_all(&folder).map_err(Error::io(&folder, "create the folder"))?;
        Ok(folder)
    }

    /// A path below this folder, as markers name it.
    pub fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    pub(crate) fn plan_path(&self) -> PathBuf {
        self.root.join("plan.json")
    }

    /// The plan on disk; `None` when creation was interrupted.
    pub(crate) fn read_plan(&self) -> Result<Option<Plan>> {
        let path = self.plan_path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&path, "read")(e)),
        };
        let plan =
            Plan::from_json(&text).map_err(|e| Error::NotAPlan { path, what: e.to_string() })?;
        Ok(Some(plan))
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.root.join(name);
        atomic::write_file(&path, &[bytes])?;
        Ok(atomic::sync_folder(&self.root)?)
    }

    /// Whether nothing but ours is in the folder.
    pub(crate) fn check_ours(&self) -> Result<()> {
        for entry in fs::read_dir(&self.root).map_err(Error::io(&self.root, "list"))? {
            let name = entry.map_err(Error::io(&self.root, "list"))?.file_name();
            let name = name.to_string_lossy();
            let stem = name.split(".tmp-").next().unwrap_or_default();
            if !OURS.contains(&stem) {
                return Err(Error::NotOurs(self.root.clone()));
            }
        }
        Ok(())
    }

    /// Removes everything but the lock.
    pub(crate) fn empty(&self) -> Result<()> {
        self.check_ours()?;
        for name in OURS.iter().filter(|n| !["lock", "runs.json"].contains(n)) {
            remove(&self.root.join(name))?;
        }
        atomic::remove_leftovers(&self.root)?;
        // Last, so that a kill in between leaves the folder recognisable.
        remove(&self.root.join("runs.json"))
    }

    /// Removes the folder, which gives back the lock.
    pub(crate) fn remove(self) -> Result<()> {
        self.empty()?;
        remove(&self.root.join("lock"))?;
        match fs::remove_dir(&self.root) {
            // Somebody began anew the moment the lock was gone.
            Err(e) if e.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => {
                if let Target::RunFolder(path) = &self.target {
                    // Made for the run; it stays where something is in it.
                    let _ = fs::remove_dir(path);
                }
                other.map_err(Error::io(&self.root, "remove"))
            }
        }
    }
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let result = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match result {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, "remove")(e)),
        _ => Ok(()),
    }
}
