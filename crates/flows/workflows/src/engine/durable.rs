//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// The name under which a file is written before its rename: `<name>.tmp-<pid>-<counter>`.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".tmp-{}-{counter}", std::process::id()));
    path.with_file_name(name)
}

/// Writes a file through a temporary name in the same folder. With `sync` it survives a power
/// cut; without, it is either whole or missing after a kill.
pub fn write(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let temporary = temporary(path);
    let result = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        file.write_all(bytes)?;
        if sync {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    })();
    if result.is_err() {
        // The first error is the one to tell; the leftover is also removed at `--resume`.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Makes renames within a folder survive a power cut.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot sync folders.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// Whether a file name is a temporary one of ours.
pub fn is_temporary(name: &str) -> bool {
    let Some((_, tail)) = name.rsplit_once(".tmp-") else { return false };
    let mut numbers = tail.split('-');
    let number = |part: Option<&str>| {
        part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    };
    number(numbers.next()) && number(numbers.next()) && numbers.next().is_none()
}

/// Removes temporary files below a folder that nobody else is writing; returns how many.
pub fn remove_leftovers(folder: &Path) -> io::Result<u64> {
    let mut removed = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_str().is_some_and(is_temporary) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_our_own_temporary_names_are_recognised() {
        assert!(is_temporary("0.tmp-12-0"));
        assert!(is_temporary("a.json.tmp-1-22"));
        assert!(!is_temporary("a.json"));
        assert!(!is_temporary("a.tmp-1"));
        assert!(!is_temporary("a.tmp-x-1"));
        assert!(!is_temporary("a.tmp-1-2-3"));
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("taken")).unwrap();
        fs::write(folder.path().join("taken/file"), "x").unwrap();
        assert!(write(&folder.path().join("taken"), b"new", true).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
