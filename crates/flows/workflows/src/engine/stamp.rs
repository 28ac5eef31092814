//! Stamps of inputs: enough to notice that a file changed between two runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hooke_core::plan::InputStamp;
use hooke_core::plan::hash::sha256;
use hooke_io::image_folder::{is_sequence, sequence_files};

use super::error::{Error, Result};

/// Files below this size are hashed: there a change of the clock is no change of content.
const HASHED_BELOW: u64 = 1 << 20;
/// The files of an image container that say what is in it.
const METADATA: [&str; 6] =
    ["zarr.json", ".zgroup", ".zattrs", ".zarray", ".zmetadata", "attributes.json"];

/// The stamp of a file, or of an image container by its metadata files (of the root and of the
/// folders in it; its chunks are not looked at, since there may be millions).
///
/// # Errors
/// When it cannot be read.
pub fn stamp_input(path: &Path, format: Option<&str>) -> Result<InputStamp> {
    if hooke_io::http::is_url(path) {
        // A server does not say in one word whether anything changed.
        let path = path.to_owned();
        let format = format.map(str::to_owned);
        return Ok(InputStamp { path, size_bytes: 0, mtime_ns: 0, digest: None, format });
    }
    if is_sequence(path) {
        return stamp_sequence(path, format);
    }
    let absolute = std::path::absolute(path).map_err(Error::io(path, "find"))?;
    let meta = fs::metadata(path).map_err(Error::io(path, "read"))?;
    let mut stamp = InputStamp {
        path: absolute,
        size_bytes: meta.len(),
        mtime_ns: mtime(&meta),
        digest: None,
        format: format.map(str::to_owned),
    };
    if meta.is_dir() {
        (stamp.size_bytes, stamp.mtime_ns) = container(path)?;
    } else if meta.len() < HASHED_BELOW {
        let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
        stamp.digest = Some(sha256(&bytes));
    }
    Ok(stamp)
}

/// All files of a sequence in one: how long they are, the last change, and a digest of their names.
fn stamp_sequence(path: &Path, format: Option<&str>) -> Result<InputStamp> {
    let files = sequence_files(path).map_err(Error::Io)?;
    let mut stamp = InputStamp {
        path: std::path::absolute(path).map_err(Error::io(path, "find"))?,
        size_bytes: 0,
        mtime_ns: i64::MIN,
        digest: None,
        format: format.map(str::to_owned),
    };
    let mut names = String::new();
    for file in files {
        let meta = fs::metadata(&file).map_err(Error::io(&file, "read"))?;
        stamp.size_bytes += meta.len();
        stamp.mtime_ns = stamp.mtime_ns.max(mtime(&meta));
        names += &format!("{} {}\n", file.display(), meta.len());
    }
    stamp.digest = Some(sha256(names.as_bytes()));
    Ok(stamp)
}

fn mtime(meta: &fs::Metadata) -> i64 {
    meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())
}

/// Size and last change of the metadata files of a container; of a folder without any, its own.
fn container(root: &Path) -> Result<(u64, i64)> {
    let mut folders = vec![root.to_owned()];
    for entry in fs::read_dir(root).map_err(Error::io(root, "list"))? {
        let entry = entry.map_err(Error::io(root, "list"))?;
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            folders.push(entry.path());
        }
    }
    let files = folders.iter().flat_map(|f| METADATA.map(|name| f.join(name)));
    let found: Vec<fs::Metadata> = files.filter_map(|f| fs::metadata(f).ok()).collect();
    match found.iter().map(mtime).max() {
        Some(last) => Ok((found.iter().map(fs::Metadata::len).sum(), last)),
        None => {
            let meta = fs::metadata(root).map_err(Error::io(root, "read"))?;
            Ok((0, mtime(&meta)))
        }
    }
}
