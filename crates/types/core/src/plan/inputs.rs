//! Stamps of input files, specifications of outputs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::hash::canonical;
use crate::axes::Axes;
use crate::dtype::Dtype;

/// What an input was when the plan was made: enough to notice that it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputStamp {
    /// Absolute path.
    #[serde(with = "crate::path_text")]
    pub path: PathBuf,
    /// Size of the file; of a container, of its metadata files.
    pub size_bytes: u64,
    /// Last change, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// SHA-256 of files below 1 MiB.
    pub digest: Option<String>,
    /// The name of its format, where the workflow opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl InputStamp {
    /// What of the stamp decides whether it is the same input: the digest where there is one,
    /// else the time of the last change.
    pub(super) fn identity(&self) -> Value {
        let mtime = if self.digest.is_some() { 0 } else { self.mtime_ns };
        json!({
            "path": self.path.to_string_lossy(),
            "size_bytes": self.size_bytes,
            "mtime_ns": mtime,
            "digest": self.digest,
        })
    }

    /// Whether both stamps are of the same content, as far as stamps can tell.
    pub fn is_same(&self, other: &InputStamp) -> bool {
        canonical(&self.identity()) == canonical(&other.identity())
    }
}

/// What a run will write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// Absolute path of the finished output.
    #[serde(with = "crate::path_text")]
    pub path: PathBuf,
    /// Axes of `shape` and `write_unit`; empty for what is not an image.
    pub axes: Axes,
    /// Lengths.
    pub shape: Vec<u64>,
    /// Sample type, where it is an image.
    pub dtype: Option<Dtype>,
    /// The unit of independent writes of level 0; empty where there is none.
    pub write_unit: Vec<u64>,
    /// Estimated bytes on disk, pyramid included.
    pub bytes: u64,
}

impl OutputSpec {
    /// An output that is no single image: a table, a page, a set, a folder.
    pub fn file(path: PathBuf, bytes: u64) -> OutputSpec {
        let (axes, shape, write_unit) = (Axes::of(&[]), Vec::new(), Vec::new());
        OutputSpec { path, axes, shape, dtype: None, write_unit, bytes }
    }
}
