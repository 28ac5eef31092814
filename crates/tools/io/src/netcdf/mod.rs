//! netCDF-4: variables over named dimensions, in an HDF5 file.
//!
//! | module | holds |
//! |---|---|
//! | `file` | a file's variables with their dimensions, values and attributes |
//! | `writer` | a file that is written: dimensions, variables, attributes |
//! | `image` | a variable as an image |
//! | `coordinates` | voxel size, place and times from the values along a dimension |
//! | `sink` | an image being written |
//!
//! Dimensions are HDF5 dimension scales; see Rew et al., "netCDF-4 Format" in the netCDF User's
//! Guide, and the HDF5 Dimension Scale Specification.

mod coordinates;
mod file;
mod image;
mod sink;
mod writer;

use std::path::Path;

use crate::hdf5::Content;

pub use crate::hdf5::Attribute;
pub use file::{Dimension, File, Values, Variable};
pub use image::{NetcdfDataset, open};
pub use sink::{create, lost_items};
pub use writer::Writer;

/// How the name of a dimension without coordinates begins; its place among the file's dimensions
/// follows, padded to ten characters.
const WITHOUT_VARIABLE: &str = "This is a netCDF dimension but not a netCDF variable.";

/// The attribute that netCDF's libraries leave on the file.
const PROPERTIES: &str = "_NCProperties";

/// Whether an HDF5 file is netCDF-4: by the attribute of netCDF's libraries, else by its suffix.
pub(crate) fn recognises(path: &Path, content: &Content) -> bool {
    let suffix = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    content.attributes.iter().any(|name| name == PROPERTIES) || suffix.eq_ignore_ascii_case("nc")
}

/// The last name of a path.
fn last_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The groups above a path.
fn group_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(group, _)| group)
}

/// Checks a path that is to be written.
fn checked_path(path: &str) -> Result<(), String> {
    let legal = path.split('/').all(|name| !name.is_empty() && name != "." && name != "..");
    if legal { Ok(()) } else { Err(format!("`{path}` is not a path of names")) }
}
