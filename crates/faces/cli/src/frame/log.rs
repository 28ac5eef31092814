//! `--log FILE`: what is shown is also kept in a file, with the time before each line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

struct Log {
    file: Mutex<File>,
    started: Instant,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Opens the file; what is in it stays, so that a resumed run goes on where it was.
///
/// # Errors
/// When it cannot be written.
pub fn open(path: &Path, started: Instant) -> Result<(), hooke_io::Error> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|e| hooke_io::Error::io(path, "write", e))?;
    let _ = LOG.set(Log { file: Mutex::new(file), started });
    Ok(())
}

/// Keeps what was shown. A full disk must not stop a night's run: what cannot be kept is dropped.
pub fn keep(text: &str) {
    let Some(log) = LOG.get() else { return };
    let seconds = log.started.elapsed().as_secs_f64();
    let mut file = log.file.lock().unwrap_or_else(PoisonError::into_inner);
    for line in text.lines() {
        let _ = writeln!(file, "{seconds:10.3} s  {line}");
    }
}
