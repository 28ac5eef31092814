//! OME-Zarr written by us.

mod interrupted;
mod metadata;
mod voxels;

use std::path::{Path, PathBuf};

use hooke_io::ome_zarr::{Ngff, WriteOptions};
use sha2::{Digest, Sha256};

use crate::zarr_conformance::list_files;

/// A folder in memory where there is one: every file is flushed, and disks are slow at that.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn small(ngff: Ngff) -> WriteOptions {
    let shard = (ngff == Ngff::V05).then_some([4, 8, 8]);
    WriteOptions { ngff, chunk: Some([2, 4, 4]), shard, ..WriteOptions::default() }
}

/// All files below a folder with the hash of their content.
fn files(path: &Path) -> Vec<(PathBuf, String)> {
    let mut list = Vec::new();
    list_files(path, &mut list);
    list.into_iter()
        .map(|f| {
            let hash = Sha256::digest(std::fs::read(&f).unwrap());
            (f.strip_prefix(path).unwrap().to_owned(), format!("{hash:x?}"))
        })
        .collect()
}
