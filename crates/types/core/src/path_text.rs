//! Paths in JSON: text, and bytes where a path is not UTF-8. For `#[serde(with = ...)]`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Other { path_bytes: Vec<u8> },
}

/// Writes a path as text, or as `{"path_bytes": [...]}` where it is not UTF-8.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(path: &Path, s: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => s.serialize_str(text),
        None => Text::Other { path_bytes: path.as_os_str().as_bytes().to_vec() }.serialize(s),
    }
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<PathBuf, D::Error> {
    Ok(match Text::deserialize(d)? {
        Text::Utf8(text) => PathBuf::from(text),
        Text::Other { path_bytes } => PathBuf::from(OsString::from_vec(path_bytes)),
    })
}
