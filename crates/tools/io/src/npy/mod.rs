//! NPY: numpy's array files, with what numpy does not keep in a sidecar `NAME.npy.json`.
//!
//! | module | holds |
//! |---|---|
//! | `header`, `literal` | the header of versions 1 to 3 |
//! | `pickle` | values of pickles, without running them |
//! | `small` | whole arrays of numbers, texts, records or one object |
//! | `read` | regions of an array |
//! | `archive` | the arrays of an NPZ file |
//! | `write` | blocks into a preallocated file |
//! | `write_archive` | an image into an NPZ file, as a stream |
//! | `write_arrays` | a few whole arrays into an NPZ file |

mod archive;
mod header;
mod literal;
mod pickle;
mod read;
mod small;
mod write;
mod write_archive;
mod write_arrays;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use archive::{NpzDataset, open_npz, recognises_npz};
pub(crate) use header::write_text;
pub use header::{Header, MAGIC};
pub(crate) use pickle::none_array;
pub use read::{NpyDataset, open};
pub(crate) use small::{Small, SmallData, read_npz_member, read_small};
pub use write::NpySink;
pub use write_archive::NpzSink;
pub(crate) use write_archive::options as member_options;
pub use write_arrays::write_npz;

/// The sidecar of an array file: `a.npy.json` beside `a.npy`.
pub fn sidecar(path: &Path) -> PathBuf {
    with_suffix(path, ".json")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
