//! What `attributes.json` says of an array, checked. Lists are turned: slowest dimension first.

use std::path::Path;

use hooke_core::Dtype;
use serde_json::{Map, Value};

use super::block::Packing;
use crate::ome_zarr::read_small;
use crate::{Error, Result};

/// The name of the metadata of every group and array.
pub(crate) const FILE: &str = "attributes.json";
/// The most bytes of metadata that are read.
const LONGEST: u64 = 64 << 20;
/// The most bytes that a block may unpack to.
const LARGEST_BLOCK: u64 = 1 << 32;
/// The most dimensions an array may have.
const MOST_DIMENSIONS: usize = 16;

/// An array as its metadata describe it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attributes {
    pub lengths: Vec<u64>,
    pub block: Vec<u64>,
    pub dtype: Dtype,
    pub packing: Packing,
}

/// The metadata of a folder, or `None` when it has none.
///
/// # Errors
/// [`Error::MetadataInvalid`] for what is no JSON object; [`Error::Io`].
pub(crate) fn read(folder: &Path) -> Result<Option<Map<String, Value>>> {
    let path = folder.join(FILE);
    let Some(text) = read_small(&path, LONGEST)? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) => Err(Error::metadata(path, "it is not a JSON object")),
        Err(e) => Err(Error::metadata(path, e.to_string())),
    }
}

/// Whether metadata are those of an array.
pub(crate) fn is_array(map: &Map<String, Value>) -> bool {
    map.contains_key("dimensions") && map.contains_key("dataType")
}

impl Attributes {
    /// Reads the metadata of an array.
    ///
    /// # Errors
    /// A sentence about what is wrong, and whether it is only not supported.
    pub fn parse(map: &Map<String, Value>) -> std::result::Result<Attributes, (String, bool)> {
        let wrong = |what: String| (what, false);
        let lengths = |key: &str| -> std::result::Result<Vec<u64>, (String, bool)> {
            let list = map.get(key).and_then(Value::as_array);
            let numbers = list.and_then(|l| l.iter().rev().map(Value::as_u64).collect());
            numbers.ok_or_else(|| wrong(format!("`{key}` is not a list of lengths")))
        };
        let (dimensions, block) = (lengths("dimensions")?, lengths("blockSize")?);
        if dimensions.is_empty() || dimensions.len() > MOST_DIMENSIONS {
            return Err((format!("{} dimensions", dimensions.len()), true));
        }
        let name = map.get("dataType").and_then(Value::as_str).unwrap_or_default();
        let dtype = Dtype::parse(name).filter(|d| d.name() == name);
        let dtype = dtype.ok_or_else(|| (format!("samples of type `{name}`"), true))?;
        let size = dtype.size() as u64;
        let product = |l: &[u64]| l.iter().try_fold(size, |n, s| n.checked_mul(*s));
        let empty = dimensions.contains(&0) || block.contains(&0);
        if empty || block.len() != dimensions.len() || product(&dimensions).is_none() {
            return Err(wrong(format!("dimensions {dimensions:?} in blocks of {block:?}")));
        }
        if product(&block).is_none_or(|b| b > LARGEST_BLOCK) {
            return Err(wrong(format!(
                "blocks of {block:?} are larger than {LARGEST_BLOCK} bytes"
            )));
        }
        // Version 1 wrote the name alone.
        let (kind, settings) = match map.get("compression").or(map.get("compressionType")) {
            Some(Value::String(name)) => (name.as_str(), None),
            Some(Value::Object(settings)) => {
                (settings.get("type").and_then(Value::as_str).unwrap_or_default(), Some(settings))
            }
            _ => return Err(wrong("no `compression`".to_owned())),
        };
        let zlib = settings.and_then(|s| s.get("useZlib")).and_then(Value::as_bool);
        let packing = match kind {
            "raw" => Packing::Raw,
            "gzip" if zlib == Some(true) => Packing::Zlib,
            "gzip" => Packing::Gzip,
            "bzip2" => Packing::Bzip2,
            "lz4" => Packing::Lz4,
            "zstd" => Packing::Zstd,
            "blosc" => Packing::Blosc,
            other => return Err((format!("compression `{other}`"), true)),
        };
        Ok(Attributes { lengths: dimensions, block, dtype, packing })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> std::result::Result<Attributes, (String, bool)> {
        Attributes::parse(value.as_object().unwrap())
    }

    #[test]
    fn lists_are_turned_and_old_and_new_compressions_are_read() {
        let mut map = json!({"dimensions": [30, 20, 10], "blockSize": [8, 8, 4],
            "dataType": "uint16", "compression": {"type": "gzip", "useZlib": true}});
        let found = parse(map.clone()).unwrap();
        assert_eq!((found.lengths, found.block), (vec![10, 20, 30], vec![4, 8, 8]));
        assert_eq!((found.dtype, found.packing), (Dtype::Uint16, Packing::Zlib));
        map["compression"] = json!("raw");
        assert_eq!(parse(map.clone()).unwrap().packing, Packing::Raw);
        map["compression"] = json!({"type": "xz"});
        assert_eq!(parse(map).unwrap_err(), ("compression `xz`".to_owned(), true));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let with = |key: &str, value: Value| {
            let mut map = json!({"dimensions": [30, 20], "blockSize": [8, 8],
                "dataType": "uint16", "compression": {"type": "raw"}});
            map[key] = value;
            parse(map).unwrap_err().0
        };
        assert!(with("dimensions", json!([0, 20])).contains("dimensions"));
        assert!(with("dimensions", json!([-3, 20])).contains("dimensions"));
        assert!(with("blockSize", json!([8, 8, 8])).contains("blocks"));
        assert!(with("blockSize", json!([1u64 << 40, 1 << 20])).contains("blocks"));
        assert!(with("dataType", json!("object")).contains("object"));
    }
}
