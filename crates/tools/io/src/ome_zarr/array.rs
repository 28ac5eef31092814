//! The metadata of one Zarr array, version 2 or 3, in stored order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::Pixels;
use serde_json::{Map, Value};
use zarrs::array::{Array, ArrayMetadata, ArrayMetadataV2, ArrayMetadataV3};

use super::codec::Chain;
use super::sample::Stored;
use super::store;
use crate::error::{Error, Result};

/// The most bytes a decoded chunk may have; more is taken for damaged metadata.
const LARGEST_CHUNK: u64 = 1 << 32;
/// The most bytes a metadata file may have.
const LARGEST_METADATA: u64 = 64 << 20;
/// The most dimensions an array may have.
const MOST_DIMENSIONS: usize = 16;

/// A node of a Zarr hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Group,
}

/// What the metadata files of a node say.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Array or group.
    pub kind: Kind,
    /// Zarr version, 2 or 3.
    pub version: u8,
    /// `zarr.json` or `.zarray` as JSON; null for a group of version 2.
    pub document: Value,
    /// The user's attributes.
    pub attributes: Map<String, Value>,
}

impl Node {
    /// Reads the metadata of a folder, or `None` when it is not a node.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for files that are not what Zarr prescribes.
    pub fn read(folder: &Path) -> Result<Option<Node>> {
        if let Some(mut document) = read_json(&folder.join("zarr.json"))? {
            let kind = match document["node_type"].as_str() {
                Some("array") => Kind::Array,
                Some("group") => Kind::Group,
                other => {
                    let what = format!("zarr.json: node_type is {other:?}, not array or group");
                    return Err(Error::metadata(folder, what));
                }
            };
            if document["zarr_format"] != 3 {
                let what = format!("zarr.json: zarr_format is {}, not 3", document["zarr_format"]);
                return Err(Error::metadata(folder, what));
            }
            let attributes = document.as_object_mut().and_then(|d| d.remove("attributes"));
            let attributes = object(attributes, folder, "zarr.json: attributes")?;
            return Ok(Some(Node { kind, version: 3, document, attributes }));
        }
        let attributes = read_json(&folder.join(".zattrs"))?;
        let array = read_json(&folder.join(".zarray"))?;
        let kind = if array.is_some() { Kind::Array } else { Kind::Group };
        if array.is_none()
            && attributes.is_none()
            && store::read_small(&folder.join(".zgroup"), LARGEST_METADATA)?.is_none()
        {
            return Ok(None);
        }
        let attributes = object(attributes, folder, ".zattrs")?;
        Ok(Some(Node { kind, version: 2, document: array.unwrap_or_default(), attributes }))
    }
}

/// Reads a JSON file, or `None` when it is not there.
fn read_json(path: &Path) -> Result<Option<Value>> {
    let Some(text) = store::read_small(path, LARGEST_METADATA)? else { return Ok(None) };
    let value = serde_json::from_slice(&text).map_err(|e| Error::metadata(path, e.to_string()))?;
    Ok(Some(value))
}

fn object(value: Option<Value>, folder: &Path, name: &str) -> Result<Map<String, Value>> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(Error::metadata(folder, format!("{name} is not a JSON object"))),
    }
}

/// An array: where its chunks are and how they are stored. All lists are in stored order.
#[derive(Debug)]
pub(super) struct ZarrArray {
    /// The container that errors name.
    pub root: PathBuf,
    /// The array's path inside the container, with `/`; empty for the container itself.
    pub node: String,
    /// The array's folder.
    pub folder: PathBuf,
    /// Lengths.
    pub shape: Vec<u64>,
    /// Lengths of a box of the chunk grid: the chunk, or the shard.
    pub grid: Vec<u64>,
    /// Codecs of chunks and shards.
    pub chain: Chain,
    /// One sample: the value of voxels that are not stored.
    pub fill: Pixels,
    /// Names of the dimensions, where the array has them.
    pub dimension_names: Option<Vec<String>>,
    keys: Array<()>,
}

impl ZarrArray {
    /// Reads the array at `node` inside the container `root`.
    ///
    /// # Errors
    /// [`Error::MetadataInvalid`] for contradictions, [`Error::Unsupported`] for legal features that
    /// are not read.
    pub fn open(root: &Path, node: &str) -> Result<ZarrArray> {
        let folder = if node.is_empty() { root.to_owned() } else { root.join(node) };
        match Node::read(&folder)? {
            Some(found) if found.kind == Kind::Array => ZarrArray::new(root, node, &found),
            _ => Err(Error::metadata(root, format!("there is no array `{node}`"))),
        }
    }

    /// The array that a node describes.
    ///
    /// # Errors
    /// As [`ZarrArray::open`].
    pub fn new(root: &Path, node: &str, found: &Node) -> Result<ZarrArray> {
        let label = if node.is_empty() { "the array" } else { node };
        let invalid = |what: String| Error::metadata(root, format!("{label}: {what}"));
        let unsupported = |what: String| Error::unsupported(root, format!("{label}: {what}"), "");
        check_dimensions(&found.document).map_err(invalid)?;
        let metadata = parse(found).map_err(|e| invalid(e.to_string()))?;
        let array = Array::new_with_metadata(Arc::new(()), "/", metadata)
            .map_err(|e| unsupported(e.to_string()))?;
        if found.document["storage_transformers"].as_array().is_some_and(|t| !t.is_empty()) {
            return Err(unsupported("a storage transformer".to_owned()));
        }
        let stored = array
            .data_type()
            .name_v3()
            .and_then(|name| Stored::parse(&name))
            .ok_or_else(|| unsupported(format!("samples of type {:?}", array.data_type())))?;
        let shape = array.shape().to_vec();
        let grid =
            grid_shape(found).ok_or_else(|| unsupported("an irregular chunk grid".to_owned()))?;
        if grid.len() != shape.len() || grid.contains(&0) {
            return Err(invalid(format!("chunks of {grid:?} for a shape of {shape:?}")));
        }
        let chain = Chain::new(&array.codecs(), stored, shape.len()).map_err(unsupported)?;
        let chunk = chain.sharding.as_ref().map_or(&grid, |s| &s.chunk_shape);
        if chunk.len() != grid.len()
            || (0..chunk.len()).any(|d| chunk[d] == 0 || grid[d] % chunk[d] != 0)
        {
            return Err(invalid(format!("a shard of {grid:?} is not made of chunks of {chunk:?}")));
        }
        let bytes = chunk.iter().try_fold(stored.size() as u64, |n, c| n.checked_mul(*c));
        if bytes.is_none_or(|b| b > LARGEST_CHUNK) {
            return Err(invalid(format!(
                "a chunk of {chunk:?} is larger than {LARGEST_CHUNK} bytes"
            )));
        }
        let mut fill = Pixels::zeros(stored.dtype(), [1; 5]);
        let value = array.fill_value().as_ne_bytes();
        if value.len() != stored.size() {
            return Err(invalid("a fill value of another type".to_owned()));
        }
        stored.widen(value, &mut fill);
        let folder = if node.is_empty() { root.to_owned() } else { root.join(node) };
        Ok(ZarrArray {
            root: root.to_owned(),
            node: node.to_owned(),
            folder,
            shape,
            grid,
            chain,
            fill,
            dimension_names: dimension_names(found),
            keys: array,
        })
    }

    /// The stored sample type.
    pub fn stored(&self) -> Stored {
        self.chain.chunk.stored
    }

    /// Lengths of a chunk (an inner chunk, if sharded).
    pub fn chunk(&self) -> &[u64] {
        self.chain.sharding.as_ref().map_or(&self.grid, |s| &s.chunk_shape)
    }

    /// The name of a box of the chunk grid inside the array's folder, e.g. `c/0/1/2`.
    pub fn key(&self, index: &[u64]) -> String {
        self.keys.chunk_key_encoding().encode(index).as_str().to_owned()
    }

    /// The same, inside the container.
    pub fn full_key(&self, key: &str) -> String {
        if self.node.is_empty() { key.to_owned() } else { format!("{}/{key}", self.node) }
    }
}

fn parse(found: &Node) -> serde_json::Result<ArrayMetadata> {
    match found.version {
        2 => {
            serde_json::from_value::<ArrayMetadataV2>(found.document.clone()).map(ArrayMetadata::V2)
        }
        _ => {
            serde_json::from_value::<ArrayMetadataV3>(found.document.clone()).map(ArrayMetadata::V3)
        }
    }
}

/// Refuses numbers of dimensions that no image has, before anything is made of them.
fn check_dimensions(document: &Value) -> std::result::Result<(), String> {
    let shape = document["shape"].as_array().ok_or("no shape")?;
    if shape.is_empty() || shape.len() > MOST_DIMENSIONS {
        return Err(format!("{} dimensions", shape.len()));
    }
    let lengths: Option<Vec<u64>> = shape.iter().map(Value::as_u64).collect();
    let voxels = lengths.ok_or("a length that is not a number")?;
    let bytes = voxels.iter().try_fold(8u64, |n, s| n.checked_mul(*s));
    if bytes.is_none_or(|b| b > i64::MAX as u64) {
        return Err(format!("a shape of {voxels:?} has more voxels than can be counted"));
    }
    Ok(())
}

fn grid_shape(found: &Node) -> Option<Vec<u64>> {
    let list = match found.version {
        2 => &found.document["chunks"],
        _ if found.document["chunk_grid"]["name"] == "regular" => {
            &found.document["chunk_grid"]["configuration"]["chunk_shape"]
        }
        _ => return None,
    };
    list.as_array()?.iter().map(Value::as_u64).collect()
}

/// The dimension names of version 3, or those xarray leaves in version 2.
fn dimension_names(found: &Node) -> Option<Vec<String>> {
    let list = match found.version {
        2 => found.attributes.get("_ARRAY_DIMENSIONS")?,
        _ => &found.document["dimension_names"],
    };
    list.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect()
}
