//! Neuroglancer's precomputed annotations: points for blobs, lines for matches.
//!
//! A folder with `info`, one spatial cell `spatial0/0_0_0` and one shard `by_id/0.shard`. Neuroglancer counts
//! from the corner of voxel 0, Hooke from its centre: half a voxel is added.

use std::collections::HashMap;
use std::path::Path;

use hooke_core::{Blob, BlobPair, Review};
use serde_json::{Value, json};

use super::{Export, lost};
use crate::atomic::write_file;
use crate::blobs::{BlobFile, BlobImage, BlobSet, number_in_order};
use crate::tables::TableError;
use crate::{Error, Result};

const HALF: f64 = 0.5;

/// Writes annotations into a folder of their own.
pub(super) fn write(path: &Path, export: &Export<'_>) -> Result<(), TableError> {
    let image = export.image(path)?;
    let annotations = match export.matches {
        true => lines(path, export)?,
        false => points(export.blobs),
    };
    let (lower, upper) = bounds(&annotations);
    let size = |d: usize| json!([image.voxel_size_um[d] * 1e-6, "m"]);
    let chunk: Vec<f64> = (0..3).map(|d| upper[d] - lower[d]).collect();
    let kind = if export.matches { "LINE" } else { "POINT" };
    let info = json!({
        "@type": "neuroglancer_annotations_v1",
        "dimensions": {"x": size(2), "y": size(1), "z": size(0)},
        "lower_bound": lower, "upper_bound": upper,
        "annotation_type": kind,
        "properties": properties(export.matches),
        "relationships": [],
        "by_id": {"key": "by_id", "sharding": {
            "@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 0, "hash": "identity",
            "minishard_bits": 0, "shard_bits": 0,
            "minishard_index_encoding": "raw", "data_encoding": "raw",
        }},
        "spatial": [{
            "key": "spatial0", "grid_shape": [1, 1, 1], "chunk_size": chunk,
            "limit": annotations.len().max(1),
        }],
        "hooke": {"origin_um": image.origin_um},
    });
    for folder in ["spatial0", "by_id"] {
        let folder = path.join(folder);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, "create", e))?;
    }
    let mut cell = (annotations.len() as u64).to_le_bytes().to_vec();
    cell.extend(annotations.iter().flat_map(|a| &a.bytes));
    cell.extend(annotations.iter().flat_map(|a| a.id.to_le_bytes()));
    write_file(&path.join("spatial0").join("0_0_0"), &[&cell])?;
    write_file(&path.join("by_id").join("0.shard"), &[&shard(annotations)])?;
    // Last, for it makes the folder one of annotations.
    write_file(&path.join("info"), &[info.to_string().as_bytes()])?;
    Ok(())
}

struct Annotation {
    id: u64,
    /// Over `x, y, z`.
    ends: Vec<[f64; 3]>,
    bytes: Vec<u8>,
}

/// Numbers of an annotation beside its place: wide ones first, as the format demands.
fn properties(matches: bool) -> Value {
    let number = |id: &str, kind: &str| json!({"id": id, "type": kind});
    match matches {
        false => json!([
            number("radius_um", "float32"),
            number("score", "float32"),
            number("response", "float32"),
            number("t", "uint32"),
            number("channel", "uint16"),
            number("confirmed", "int8"),
        ]),
        true => json!([
            number("distance_um", "float32"),
            number("t", "uint32"),
            number("channel1", "uint16"),
            number("channel2", "uint16"),
        ]),
    }
}

fn corner(position: [f64; 3]) -> [f64; 3] {
    let [z, y, x] = position;
    [x + HALF, y + HALF, z + HALF]
}

fn annotation(id: u64, ends: Vec<[f64; 3]>, properties: &[&[u8]]) -> Annotation {
    let place = ends.iter().flatten().flat_map(|v| (*v as f32).to_le_bytes());
    let mut bytes: Vec<u8> = place.chain(properties.concat()).collect();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Annotation { id, ends, bytes }
}

fn points(blobs: &[Blob]) -> Vec<Annotation> {
    let one = |b: &Blob| {
        annotation(
            b.id,
            vec![corner(b.position)],
            &[
                &b.radius_um.to_le_bytes(),
                &b.score.to_le_bytes(),
                &b.response.to_le_bytes(),
                &b.t.to_le_bytes(),
                &b.channel.to_le_bytes(),
                &b.confirmed.code().to_le_bytes(),
            ],
        )
    };
    blobs.iter().map(one).collect()
}

fn lines(path: &Path, export: &Export<'_>) -> Result<Vec<Annotation>> {
    let place: HashMap<u64, [f64; 3]> = export.blobs.iter().map(|b| (b.id, b.position)).collect();
    let one = |p: &BlobPair| {
        let ends = p.blob_ids.map(|id| place.get(&id).copied().map(corner));
        let [Some(a), Some(b)] = ends else {
            return Err(lost(path, p));
        };
        let [first, second] = p.channels;
        Ok(annotation(
            p.match_id,
            vec![a, b],
            &[
                &(p.distance_um as f32).to_le_bytes(),
                &p.t.to_le_bytes(),
                &first.to_le_bytes(),
                &second.to_le_bytes(),
            ],
        ))
    };
    export.pairs.iter().map(one).collect()
}

/// A box that holds all annotations, at least one voxel wide.
fn bounds(annotations: &[Annotation]) -> ([f64; 3], [f64; 3]) {
    let all = || annotations.iter().flat_map(|a| &a.ends);
    let of =
        |d: usize, first: f64, pick: fn(f64, f64) -> f64| all().map(|e| e[d]).fold(first, pick);
    let lower = std::array::from_fn(|d| match annotations.is_empty() {
        true => 0.0,
        false => of(d, f64::INFINITY, f64::min).floor(),
    });
    let upper = std::array::from_fn(|d| match annotations.is_empty() {
        true => 1.0,
        false => of(d, f64::NEG_INFINITY, f64::max).floor() + 1.0,
    });
    (lower, upper)
}

/// All annotations by id: an index of one minishard, the annotations, and where each one lies.
fn shard(mut annotations: Vec<Annotation>) -> Vec<u8> {
    annotations.sort_by_key(|a| a.id);
    let data: Vec<u8> = annotations.iter().flat_map(|a| &a.bytes).copied().collect();
    let mut index: Vec<u64> = Vec::new();
    let mut last = 0;
    for annotation in &annotations {
        index.push(annotation.id.wrapping_sub(last));
        last = annotation.id;
    }
    // Each begins where the one before it ends.
    index.extend(annotations.iter().map(|_| 0u64));
    index.extend(annotations.iter().map(|a| a.bytes.len() as u64));
    let begin = data.len() as u64;
    let end = begin + 8 * index.len() as u64;
    let mut out = [begin.to_le_bytes(), end.to_le_bytes()].concat();
    out.extend(data);
    out.extend(index.iter().flat_map(|v| v.to_le_bytes()));
    out
}

/// Reads points that were written here.
pub(super) fn read(path: &Path) -> Result<BlobFile, TableError> {
    let info_path = path.join("info");
    let text = std::fs::read(&info_path).map_err(|e| Error::io(&info_path, "read", e))?;
    let info: Value =
        serde_json::from_slice(&text).map_err(|e| Error::metadata(&info_path, e.to_string()))?;
    let points = info["@type"] == "neuroglancer_annotations_v1"
        && info["annotation_type"] == "POINT"
        && info["properties"] == properties(false)
        && info["relationships"].as_array().is_some_and(Vec::is_empty)
        && info["spatial"].as_array().is_some_and(|s| s.len() == 1)
        && info["spatial"][0]["grid_shape"] == json!([1, 1, 1])
        && info["spatial"][0]["key"] == "spatial0";
    if !points {
        let (what, hint) = ("annotations that Hooke did not write as points", "");
        return Err(Error::unsupported(path, what, hint).into());
    }
    let image = image_of(&info)
        .filter(BlobImage::is_usable)
        .ok_or_else(|| Error::metadata(&info_path, "`dimensions` are not lengths in m"))?;
    let cell = path.join("spatial0").join("0_0_0");
    let bytes = std::fs::read(&cell).map_err(|e| Error::io(&cell, "read", e))?;
    let mut blobs =
        decode(&bytes, &image).ok_or_else(|| Error::corrupt(&cell, "annotations are cut"))?;
    number_in_order(&mut blobs, &mut []);
    Ok(BlobSet { blobs, image: Some(image), ..BlobSet::default() }.into())
}

fn image_of(info: &Value) -> Option<BlobImage> {
    let mut size = [0.0; 3];
    for (value, axis) in size.iter_mut().zip(["z", "y", "x"]) {
        let dimension = &info["dimensions"][axis];
        // Metres in binary are not quite the micrometres they were.
        let um = dimension[0].as_f64().filter(|_| dimension[1] == "m")? * 1e6;
        *value = (um * 1e9).round() / 1e9;
    }
    let mut image = BlobImage::of_voxels(size);
    for (d, value) in image.origin_um.iter_mut().enumerate() {
        *value = info["hooke"]["origin_um"][d].as_f64().unwrap_or(0.0);
    }
    Some(image)
}

/// Bytes of a point: three coordinates, four wide properties, one of two bytes, one of one, padding.
const POINT: usize = 12 + 16 + 4;

fn decode(bytes: &[u8], image: &BlobImage) -> Option<Vec<Blob>> {
    let (count, rest) = bytes.split_first_chunk::<8>()?;
    let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    if rest.len() != count.checked_mul(POINT + 8)? {
        return None;
    }
    let (points, ids) = rest.split_at(count * POINT);
    let source = "neuroglancer".into();
    let mut blobs = Vec::with_capacity(count);
    for (point, id) in points.as_chunks::<POINT>().0.iter().zip(ids.as_chunks::<8>().0) {
        let word = |i: usize| [point[4 * i], point[4 * i + 1], point[4 * i + 2], point[4 * i + 3]];
        let float = |i: usize| f32::from_le_bytes(word(i));
        let position = [2, 1, 0].map(|i| f64::from(float(i)) - HALF);
        if !position.iter().all(|v| v.is_finite()) {
            return None;
        }
        let channel = u16::from_le_bytes([point[28], point[29]]);
        let mut blob = Blob::at(channel, position, image.to_um(position), float(3), &source);
        (blob.score, blob.response) = (float(4), float(5));
        blob.t = u32::from_le_bytes(word(6));
        blob.confirmed = Review::from_code(i64::from(point[30] as i8))?;
        blob.id = u64::from_le_bytes(*id);
        blobs.push(blob);
    }
    Some(blobs)
}
