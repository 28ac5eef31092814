//! One driver per output.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::{Error, Result};

/// A held lock; given back when dropped or when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    /// `None` where the file system has no locks.
    file: Option<File>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Closing alone is not enough: a process that is just being started by another thread
            // has a copy of the open file for a moment.
            let _ = flock(file, FlockOperation::Unlock);
        }
    }
}

/// Who wants the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one process that creates, finishes and publishes.
    Driver,
    /// One of many processes that run blocks.
    Worker,
}

/// Takes the lock, or says who holds it. The second value is false where the file system has no
/// locks, so that the caller can warn.
pub fn take(path: &Path, role: Role, output: &str) -> Result<(Lock, bool)> {
    loop {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::io(path, "open the lock"))?;
        let operation = match role {
            Role::Driver => FlockOperation::NonBlockingLockExclusive,
            Role::Worker => FlockOperation::NonBlockingLockShared,
        };
        match flock(&file, operation) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Without a name the message is still right.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "unknown" } else { holder.trim() }.to_owned();
                return Err(Error::Locked { output: output.to_owned(), holder });
            }
            Err(Errno::INTR) => continue,
            Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {
                return Ok((Lock { file: None }, false));
            }
            Err(errno) => return Err(Error::io(path, "lock")(errno.into())),
        }
        // The folder may have been removed and made anew between open and lock.
        let same = std::fs::metadata(path).ok().zip(file.metadata().ok());
        if same.is_none_or(|(a, b)| (a.dev(), a.ino()) != (b.dev(), b.ino())) {
            continue;
        }
        let who = format!("pid {}, host {}", std::process::id(), host());
        // Only messages depend on the content.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{who}"));
        return Ok((Lock { file: Some(file) }, true));
    }
}

/// The name of this machine.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
