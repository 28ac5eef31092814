//! Where an output will stand, and the folder beside it while it is being made.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::error::{Error, Result};

/// The output of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file or image container `OUT`, made in `OUT.partial` beside it.
    Product(PathBuf),
    /// A folder `RUN` of several files, made in `RUN/.partial`.
    RunFolder(PathBuf),
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

impl Target {
    /// The path that the user gave.
    pub fn path(&self) -> &Path {
        match self {
            Target::Product(path) | Target::RunFolder(path) => path,
        }
    }

    /// Its last part, for messages.
    pub fn name(&self) -> String {
        self.path().file_name().unwrap_or(self.path().as_os_str()).to_string_lossy().into_owned()
    }

    /// `OUT.partial` or `RUN/.partial`.
    pub fn work_folder(&self) -> PathBuf {
        match self {
            Target::Product(path) => with_suffix(path, ".partial"),
            Target::RunFolder(path) => path.join(".partial"),
        }
    }

    /// The output whose work folder this is, if its name is that of one.
    pub fn of_work_folder(folder: &Path) -> Option<Target> {
        let name = folder.file_name()?;
        if name == ".partial" {
            return Some(Target::RunFolder(folder.parent()?.to_owned()));
        }
        let name = name.as_bytes().strip_suffix(b".partial").map(OsStr::from_bytes);
        name.map(|name| Target::Product(folder.with_file_name(name)))
    }

    /// `OUT.hooke.json` or `RUN/hooke.json`: the finished mark.
    pub fn provenance(&self) -> PathBuf {
        match self {
            Target::Product(path) => with_suffix(path, ".hooke.json"),
            Target::RunFolder(path) => path.join("hooke.json"),
        }
    }

    /// `OUT.run.toml` or `RUN/run.toml`.
    pub fn run_toml(&self) -> PathBuf {
        match self {
            Target::Product(path) => with_suffix(path, ".run.toml"),
            Target::RunFolder(path) => path.join("run.toml"),
        }
    }

    /// The folder that finished files enter.
    pub fn home(&self) -> PathBuf {
        match self {
            Target::Product(path) => parent(path),
            Target::RunFolder(path) => path.clone(),
        }
    }

    /// Checks, before anything is read, that the output can be written.
    ///
    /// # Errors
    /// When the path has no name, its folder does not exist, or cannot be written.
    pub fn check_writable(&self) -> Result<()> {
        if self.path().file_name().is_none() {
            let what = format!("{} is not a name for an output", self.path().display());
            return Err(Error::usage(what, "give a file or folder name"));
        }
        let home = self.home();
        let folder = if home.is_dir() { home } else { parent(self.path()) };
        if !folder.is_dir() {
            return Err(Error::NoParent(folder));
        }
        access(&folder, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|e| Error::NotWritable { path: folder, source: e.into() })
    }

    /// Whether something stands where the output will be.
    pub fn exists(&self) -> bool {
        match self {
            Target::Product(path) => path.symlink_metadata().is_ok(),
            Target::RunFolder(path) => match fs::read_dir(path) {
                Ok(mut entries) => entries.any(|e| e.is_ok_and(|e| e.file_name() != ".partial")),
                Err(_) => path.symlink_metadata().is_ok(),
            },
        }
    }

    /// Checks that `--overwrite` may remove what stands there: a file, an image container, or a
    /// folder with our own mark. A folder of photographs is left alone.
    ///
    /// # Errors
    /// [`Error::NotOurs`].
    pub fn check_replaceable(&self) -> Result<()> {
        let path = self.path();
        match self {
            Target::Product(_) => self.check_beside(std::iter::once(path)),
            // Only files of the same name are replaced in a run folder.
            Target::RunFolder(_) if path.is_dir() => Ok(()),
            Target::RunFolder(_) => Err(Error::NotOurs(path.to_owned())),
        }
    }

    /// The same of the files and folders that belong to the output.
    ///
    /// # Errors
    /// [`Error::NotOurs`].
    pub(crate) fn check_beside<'p>(&self, paths: impl Iterator<Item = &'p Path>) -> Result<()> {
        let marks = ["zarr.json", ".zgroup", ".zarray", "attributes.json"];
        let is_ours = |path: &Path| {
            let marked = || marks.iter().any(|m| path.join(m).is_file());
            !path.is_dir() || self.provenance().is_file() || marked()
        };
        let mut others = paths.filter(|path| !is_ours(path));
        others.next().map_or(Ok(()), |path| Err(Error::NotOurs(path.to_owned())))
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Bytes that this user can still write on the file system of a folder, or of the nearest
/// folder above it that exists.
///
/// # Errors
/// When the file system does not answer.
pub fn free_bytes(folder: &Path) -> Result<u64> {
    let existing = folder.ancestors().find(|f| f.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let stat = statvfs(existing)
        .map_err(|e| Error::io(existing, "ask for free space")(std::io::Error::from(e)))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_work_folder_leads_back_to_its_output() {
        for target in [
            Target::Product("a b/out.ome.zarr".into()),
            Target::Product("out".into()),
            Target::RunFolder("a/run".into()),
        ] {
            assert_eq!(Target::of_work_folder(&target.work_folder()), Some(target));
        }
        assert_eq!(Target::of_work_folder(Path::new("a/b")), None);
    }

    #[test]
    fn a_folder_without_our_mark_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let photos = folder.path().join("photos");
        fs::create_dir(&photos).unwrap();
        fs::write(photos.join("a.jpg"), "x").unwrap();
        let target = Target::Product(photos.clone());
        assert!(matches!(target.check_replaceable(), Err(Error::NotOurs(_))));
        fs::write(photos.join("zarr.json"), "{}").unwrap();
        assert!(target.check_replaceable().is_ok());
    }

    #[test]
    fn a_missing_parent_is_named() {
        let target = Target::Product("/no/such/place/out.zarr".into());
        assert!(
            matches!(target.check_writable(), Err(Error::NoParent(p)) if p == Path::new("/no/such/place"))
        );
        assert!(Target::Product("..".into()).check_writable().is_err());
    }
}
