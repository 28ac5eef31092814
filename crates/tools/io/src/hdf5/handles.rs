//! Open handles, one per thread that reads, and what their panics become.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rust_hdf5::{H5File, Hdf5Error};

use super::MAGIC;
use crate::{Error, Result};

/// An HDF5 file being read, by as many handles as threads ask at once.
///
/// A handle of the crate reads and decodes under its own lock, so threads share none. A handle
/// that panicked on damaged content is thrown away with its lock.
pub(crate) struct Handles {
    path: PathBuf,
    idle: Mutex<Vec<H5File>>,
}

impl Handles {
    /// Opens the file and reads its catalogue.
    pub fn open(path: &Path) -> Result<Handles> {
        check_length(path)?;
        let handles = Handles { path: path.to_owned(), idle: Mutex::default() };
        handles.run("the catalogue", |_| Ok(()))?;
        Ok(handles)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs something with a handle; `what` names the part of the file for the error.
    pub fn run<T>(
        &self,
        what: &str,
        task: impl FnOnce(&H5File) -> Result<T, Hdf5Error>,
    ) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let handle = match idle {
                Some(handle) => handle,
                None => H5File::options().best_effort_locking().open(&self.path)?,
            };
            let value = task(&handle)?;
            Ok((handle, value))
        }));
        match outcome {
            Ok(Ok((handle, value))) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
                Ok(value)
            }
            Ok(Err(error)) => Err(self.error(what, error)),
            // The crate met content it did not expect; its message says nothing to a user.
            Err(_) => Err(Error::corrupt(&self.path, format!("{what} is not legal HDF5"))),
        }
    }

    fn error(&self, what: &str, error: Hdf5Error) -> Error {
        let path = &self.path;
        match error {
            Hdf5Error::Io(source) => Error::io(path, format!("read {what}"), source),
            Hdf5Error::Unsupported(feature) => {
                Error::unsupported(path, format!("{what}: {feature}"), "")
            }
            Hdf5Error::NotFound(name) => {
                Error::NotThere { path: path.clone(), what: format!("`{name}` ({what})") }
            }
            other => match os_error(&other) {
                Some(source) => Error::io(path, format!("read {what}"), source),
                None => Error::corrupt(path, format!("{what}: {other}")),
            },
        }
    }
}

/// The operating system's error behind one of the crate's, which keeps it in its text only.
pub(crate) fn os_error(error: &Hdf5Error) -> Option<std::io::Error> {
    let text = error.to_string();
    let (_, code) = text.rsplit_once("(os error ")?;
    Some(std::io::Error::from_raw_os_error(code.trim_end_matches(')').parse().ok()?))
}

/// Refuses a file that is shorter than its superblock says, with both numbers.
fn check_length(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let found = file.metadata().map_err(|e| Error::io(path, "inspect", e))?.len();
    let mut head = [0; 64];
    // The superblock begins at 0, 512, 1024, 2048, ...
    let mut at = 0u64;
    while at < found {
        let length = head.len().min((found - at) as usize);
        file.read_exact_at(&mut head[..length], at).map_err(|e| Error::io(path, "read", e))?;
        if head.starts_with(MAGIC) {
            break;
        }
        at = if at == 0 { 512 } else { at * 2 };
    }
    if at >= found {
        let found = "no HDF5 signature".to_owned();
        return Err(Error::Unrecognised { path: path.to_owned(), found });
    }
    let number = |from: usize| {
        let bytes: [u8; 8] = head[from..from + 8].try_into().expect("eight bytes");
        u64::from_le_bytes(bytes)
    };
    // Files with addresses of other sizes exist in theory; the crate judges those.
    let expected = match (head[8], head[13], head[9]) {
        (0, 8, _) => number(40),
        (1, 8, _) => number(44),
        (2 | 3, _, 8) => number(28),
        _ => return Ok(()),
    };
    if expected > found && expected != u64::MAX {
        let what = "the HDF5 file".to_owned();
        return Err(Error::Truncated { path: path.to_owned(), what, expected, found });
    }
    Ok(())
}
