//! The files of a container, in a folder or on a web server.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::http;
use crate::natural::natural_order;

/// Groups with numbers for names that are looked for on a server, which cannot list.
const MOST_GROUPS: usize = 10_000;

/// An object of a container whose bytes are wanted.
#[derive(Debug)]
pub(super) enum Object {
    File(File),
    /// On a server: read range by range.
    Remote(PathBuf),
    /// From a server: read whole.
    Whole(Vec<u8>),
}

impl Object {
    /// Opens an object, or `None` when it is not there. With a limit it will be read whole, and may
    /// have so many bytes; without, a remote object is not asked for before it is read.
    ///
    /// # Errors
    /// What the system or the server says.
    pub fn open(path: &Path, whole: Option<u64>) -> io::Result<Option<Object>> {
        if !http::is_url(path) {
            return match File::open(path) {
                Ok(file) => Ok(Some(Object::File(file))),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            };
        }
        match whole {
            Some(limit) => Ok(http::get(path, limit)?.map(Object::Whole)),
            None => Ok(Some(Object::Remote(path.to_owned()))),
        }
    }

    /// Number of bytes.
    ///
    /// # Errors
    /// `NotFound` for a remote object that is not there; else what the system or the server says.
    pub fn size(&self) -> io::Result<u64> {
        match self {
            Object::File(file) => Ok(file.metadata()?.len()),
            Object::Remote(url) => http::size(url),
            Object::Whole(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Fills `out` from the bytes at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the object ends before; else what the system or the server says.
    pub fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Object::File(file) => file.read_exact_at(out, offset),
            Object::Remote(url) => http::read_at(url, offset, out),
            Object::Whole(bytes) => crate::positional::ReadAt::read_at(bytes, out, offset),
        }
    }
}

/// A small file whole, or `None` when it is not there.
///
/// # Errors
/// [`Error::MetadataInvalid`] when it has more than `limit` bytes; [`Error::Io`].
pub(crate) fn read_small(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let too_large = || Error::metadata(path, format!("larger than {limit} bytes"));
    if http::is_url(path) {
        return http::get(path, limit).map_err(|e| match e.kind() {
            ErrorKind::InvalidData => too_large(),
            _ => Error::io(path, "read", e),
        });
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(Error::io(path, "open", e)),
    };
    let mut text = Vec::new();
    file.take(limit + 1).read_to_end(&mut text).map_err(|e| Error::io(path, "read", e))?;
    if text.len() as u64 > limit { Err(too_large()) } else { Ok(Some(text)) }
}

/// Folders below a group, in natural order. A server cannot list: there they are `0`, `1`, ... as long
/// as `is_node` finds them.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be listed; else what `is_node` answers.
pub(super) fn children(
    folder: &Path,
    is_node: impl Fn(&Path) -> Result<bool>,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if http::is_url(folder) {
        for number in 0..MOST_GROUPS {
            let name = number.to_string();
            if !is_node(&folder.join(&name))? {
                break;
            }
            names.push(name);
        }
        return Ok(names);
    }
    let list = std::fs::read_dir(folder).map_err(|e| Error::io(folder, "list", e))?;
    for entry in list {
        let entry = entry.map_err(|e| Error::io(folder, "list", e))?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if !name.is_empty() && !name.starts_with('.') && entry.path().is_dir() {
            names.push(name);
        }
    }
    names.sort_by(|a, b| natural_order(a, b));
    Ok(names)
}
