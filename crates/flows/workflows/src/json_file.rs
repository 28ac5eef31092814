//! Small files that the stages of a run leave for each other.

use std::path::Path;

use hooke_core::image::SourceError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::BlockError;

/// Writes a value, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), BlockError> {
    let text = serde_json::to_vec(value).map_err(std::io::Error::from)?;
    hooke_io::atomic::write_file(path, &[&text])?;
    Ok(())
}

/// Reads a value.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, SourceError> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}
