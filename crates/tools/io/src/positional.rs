//! Reading bytes at a position, without a file cursor and so without a lock.

use std::fs::File;
use std::io;

/// Bytes that can be read at any position from many threads at once.
pub trait ReadAt: Send + Sync {
    /// Number of bytes.
    fn size(&self) -> u64;
    /// Fills `out` from the bytes at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the bytes end before `out` is full; else what the system says.
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()>;
}

/// A file of known length; bytes that are appended later are not seen.
#[derive(Debug)]
pub struct FileBytes {
    file: File,
    size: u64,
}

impl FileBytes {
    /// Takes an open file and notes its length.
    ///
    /// # Errors
    /// When the system does not tell the length.
    pub fn new(file: File) -> io::Result<FileBytes> {
        let size = file.metadata()?.len();
        Ok(FileBytes { file, size })
    }
}

impl ReadAt for FileBytes {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        read_file_at(&self.file, out, offset)
    }
}

/// Fills `out` from the bytes of a file at `offset`.
#[cfg(unix)]
pub fn read_file_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

/// Fills `out` from the bytes of a file at `offset`.
#[cfg(windows)]
pub fn read_file_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                out = &mut out[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

/// Writes all bytes at `offset`.
#[cfg(unix)]
pub fn write_file_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Writes all bytes at `offset`.
#[cfg(windows)]
pub fn write_file_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[n..];
        offset += n as u64;
    }
    Ok(())
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok().filter(|s| *s <= self.len());
        let bytes = start.and_then(|s| self.get(s..s.checked_add(out.len())?));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
