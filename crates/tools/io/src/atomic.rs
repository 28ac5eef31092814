//! Files that appear complete or not at all, also after a power cut.
//!
//! A file is written as `<name>.tmp-<pid>-<counter>` in the folder of its final name, flushed to
//! disk, then renamed. A reader never sees a torn file, and a rename that survived a crash proves
//! its content.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hooke_core::image::WrittenKey;

use crate::error::{Error, Result};

/// What stands between the final name and the process that writes it.
const MARK: &str = ".tmp-";
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// The size and checksum of a file that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its size.
    pub bytes: u64,
    /// CRC-32C of its content.
    pub crc32c: u32,
}

impl Stamp {
    /// The stamp under a name inside its container, as a block's marker remembers it.
    pub fn named(self, key: impl Into<String>) -> WrittenKey {
        WrittenKey { key: key.into(), bytes: self.bytes, crc32c: self.crc32c }
    }
}

/// A file being written under a temporary name; dropped without [`AtomicFile::commit`], it vanishes.
///
/// It may be sought in and patched; the checksum is then taken from the finished file.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    bytes: u64,
    crc32c: u32,
    sequential: bool,
    committed: bool,
}

impl AtomicFile {
    /// Begins a file that will be called `target`; its folder must exist.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written.
    pub fn create(target: &Path) -> Result<AtomicFile> {
        loop {
            let temporary = temporary_name(target);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    return Ok(AtomicFile {
                        file,
                        temporary,
                        target: target.to_owned(),
                        bytes: 0,
                        crc32c: 0,
                        sequential: true,
                        committed: false,
                    });
                }
                // Left by an earlier process of the same number: take the next counter.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io(target, "create", e)),
            }
        }
    }

    /// The name the file will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The name the file has now, for libraries that open it themselves.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The open file, for positional writes; the checksum is then taken by reading it back.
    pub fn file_mut(&mut self) -> &mut File {
        self.sequential = false;
        &mut self.file
    }

    /// Flushes the file to disk and gives it its final name, replacing an older file of that name.
    ///
    /// The folder is not flushed; see [`sync_folder`], once per block.
    ///
    /// # Errors
    /// [`Error::Io`]; the temporary file is removed.
    pub fn commit(self) -> Result<Stamp> {
        self.close(true)
    }

    fn close(mut self, flush: bool) -> Result<Stamp> {
        let failed = |target: &Path, doing: &str| {
            let (target, doing) = (target.to_owned(), doing.to_owned());
            move |e| Error::io(target, doing, e)
        };
        if !self.sequential {
            let (bytes, crc32c) =
                checksum(&mut self.file).map_err(failed(&self.target, "read back"))?;
            (self.bytes, self.crc32c) = (bytes, crc32c);
        }
        let stamp = Stamp { bytes: self.bytes, crc32c: self.crc32c };
        self.name(flush)?;
        Ok(stamp)
    }

    /// As [`AtomicFile::commit`], without a checksum: a large file that was written out of order
    /// need not be read again for it.
    ///
    /// # Errors
    /// [`Error::Io`]; the temporary file is removed.
    pub fn commit_unstamped(self) -> Result<()> {
        self.name(true)
    }

    fn name(mut self, flush: bool) -> Result<()> {
        let failed = |doing: &'static str| {
            let target = self.target.clone();
            move |e| Error::io(target, doing, e)
        };
        if flush {
            self.file.sync_data().map_err(failed("flush"))?;
        }
        std::fs::rename(&self.temporary, &self.target).map_err(failed("rename"))?;
        self.committed = true;
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buffer)?;
        if self.sequential {
            self.crc32c = crc32c::crc32c_append(self.crc32c, &buffer[..n]);
            self.bytes += n as u64;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Current(0) {
            self.sequential = false;
        }
        self.file.seek(to)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            // Nobody is left to tell; a leftover is removed by `remove_leftovers`.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Writes a whole file from its parts, one after the other, and gives it its name.
///
/// # Errors
/// [`Error::Io`]; an older file of that name then stays as it was.
pub fn write_file(target: &Path, parts: &[&[u8]]) -> Result<Stamp> {
    let mut file = AtomicFile::create(target)?;
    for part in parts {
        file.write_all(part).map_err(|e| Error::io(target, "write", e))?;
    }
    file.commit()
}

/// Writes a whole file as [`write_file`] does, without waiting for the disk: after a kill it is
/// whole or missing, after a power cut it may also be empty. For what can be made again.
///
/// # Errors
/// [`Error::Io`]; an older file of that name then stays as it was.
pub fn write_file_unflushed(target: &Path, content: &[u8]) -> Result<Stamp> {
    let mut file = AtomicFile::create(target)?;
    file.write_all(content).map_err(|e| Error::io(target, "write", e))?;
    file.close(false)
}

/// Flushes a folder's list of names to disk, so that renames in it survive a power cut.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be opened or flushed.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let opened = File::open(folder).map_err(|e| Error::io(folder, "open", e))?;
    match opened.sync_all() {
        // Some network file systems have no flush for folders; their servers order renames.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        other => other.map_err(|e| Error::io(folder, "flush", e)),
    }
}

/// Removes temporary files that killed writers left in a folder and below; returns their number.
///
/// Only names this module makes are touched. The caller knows that nobody else writes there.
///
/// # Errors
/// [`Error::Io`] when a folder cannot be listed or a file cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<u64> {
    let mut removed = 0;
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io(folder, "list", e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(folder, "list", e))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| Error::io(&path, "inspect", e))?;
        if kind.is_dir() {
            removed += remove_leftovers(&path)?;
        } else if is_temporary(&path) {
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io(&path, "remove", e));
                }
                _ => removed += 1,
            }
        }
    }
    Ok(removed)
}

/// Whether a file has a name that [`AtomicFile`] gives while writing.
pub fn is_temporary(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|n| n.to_str()) else { return false };
    let Some((stem, rest)) = name.rsplit_once(MARK) else { return false };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    !stem.is_empty() && rest.split_once('-').is_some_and(|(pid, n)| digits(pid) && digits(n))
}

fn temporary_name(target: &Path) -> PathBuf {
    let mut name = target.file_name().map(ToOwned::to_owned).unwrap_or_default();
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    name.push(format!("{MARK}{}-{counter}", std::process::id()));
    target.with_file_name(name)
}

fn checksum(file: &mut File) -> io::Result<(u64, u32)> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut crc) = (0, 0);
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((bytes, crc));
        }
        bytes += n as u64;
        crc = crc32c::crc32c_append(crc, &buffer[..n]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_abandoned_file_leaves_nothing_and_keeps_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        write_file(&target, &[b"old"]).unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        drop(file);
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
    }

    #[test]
    fn the_stamp_is_that_of_the_content_also_after_patching() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let stamp = write_file(&target, &[b"12345", b"6789"]).unwrap();
        // The check value of CRC-32C.
        assert_eq!(stamp, Stamp { bytes: 9, crc32c: 0xE306_9283 });
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"X23456789").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"1").unwrap();
        assert_eq!(file.commit().unwrap(), stamp);
    }

    #[test]
    fn only_our_own_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("c")).unwrap();
        for name in ["0.tmp-12-3", "a.tmp-x-1", ".tmp-1-1", "b.tmp", "c/1.tmp-4-5"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 2);
        assert_eq!(names(folder.path()), [".tmp-1-1", "a.tmp-x-1", "b.tmp", "c"]);
        assert!(names(&folder.path().join("c")).is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write_file(Path::new("/nowhere/at/all"), &[]).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/at/all: cannot create: no such file or directory");
    }
}
