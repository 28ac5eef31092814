//! Containers on web servers: an address stands where a path stands, and keys are joined to it.
//!
//! Only OME-Zarr and plain Zarr are read so; `client` holds the requests.

#[cfg(feature = "http")]
mod client;
#[cfg(not(feature = "http"))]
#[path = "none.rs"]
mod client;

use std::path::{Path, PathBuf};

pub(crate) use client::{get, read_at, size};

/// Whether a path is an address of a web server, `http://...` or `https://...`.
pub fn is_url(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    text.starts_with(b"http://") || text.starts_with(b"https://")
}

/// A path counted from the root; an address stays as it is.
pub fn absolute(path: &Path) -> PathBuf {
    if is_url(path) {
        return path.to_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
