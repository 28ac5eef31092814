//! What a build without the feature `http` answers.

use std::io;
use std::path::Path;

fn refused<T>() -> io::Result<T> {
    let what = "this build of Hooke reads no addresses; build it with --features http";
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

pub(crate) fn get(_: &Path, _: u64) -> io::Result<Option<Vec<u8>>> {
    refused()
}

pub(crate) fn size(_: &Path) -> io::Result<u64> {
    refused()
}

pub(crate) fn read_at(_: &Path, _: u64, _: &mut [u8]) -> io::Result<()> {
    refused()
}
