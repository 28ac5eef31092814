//! Faults on purpose, for tests: `HOOKE_FAULT=kind:stage:id[,...]`, only with feature `faults`.
//!
//! | kind | the block |
//! |---|---|
//! | `die` | kills its process (SIGKILL) after it wrote its data, before its marker |
//! | `die_once` | the same, once per work folder |
//! | `transient` | meets ESTALE on its first attempt |
//! | `transient_always` | meets ESTALE on every attempt |
//! | `permanent` | fails for good |
//! | `panic` | panics |
//! | `enospc` | finds the disk full |
//! | `slow` | takes 300 ms longer, and does not look whether it should stop |
//! | `endless` | goes on until it is told to stop |

use std::io;
use std::path::Path;
use std::time::Duration;

use super::workflow::{BlockContext, BlockError};

/// Which faults a block shall meet.
pub(crate) fn of(stage: &str, id: u64) -> Vec<String> {
    let faults = std::env::var("HOOKE_FAULT").unwrap_or_default();
    let meant = |fault: &str| {
        let mut parts = fault.split(':');
        let kind = parts.next()?;
        (parts.next()? == stage && parts.next()?.parse() == Ok(id)).then(|| kind.to_owned())
    };
    faults.split(',').filter_map(meant).collect()
}

/// Faults before the block does anything.
pub(crate) fn before(faults: &[String], cx: &BlockContext<'_>) -> Result<(), BlockError> {
    for fault in faults {
        match fault.as_str() {
            "transient" if cx.attempt == 1 => Err(io::Error::from_raw_os_error(116))?,
            "transient_always" => Err(io::Error::from_raw_os_error(116))?,
            "permanent" => Err("a fault on purpose")?,
            "panic" => panic!("a panic on purpose"),
            "enospc" => Err(io::Error::from_raw_os_error(28))?,
            "slow" => std::thread::sleep(Duration::from_millis(300)),
            "endless" => {
                while !cx.progress.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(10));
                }
                return Err(BlockError::Cancelled);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Faults between the data and the marker.
pub(crate) fn after(faults: &[String], work: &Path, stage: &str, id: u64) {
    let die = || {
        let me = rustix::process::getpid();
        // Nothing to do if it fails: the test then sees a finished run.
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        std::thread::sleep(Duration::from_secs(60));
    };
    for fault in faults {
        match fault.as_str() {
            "die" => die(),
            "die_once" => {
                let mark = work.join("work").join(format!("died-{stage}-{id}"));
                let folder = std::fs::create_dir_all(work.join("work"));
                if folder.is_ok() && std::fs::File::create_new(mark).is_ok() {
                    die();
                }
            }
            _ => {}
        }
    }
}
