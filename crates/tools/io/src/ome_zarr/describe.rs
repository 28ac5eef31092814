//! The metadata of an image that is written, as JSON.

use hooke_core::{Axis, Channel, Downsample, Dtype, ImageMeta};
use serde_json::{Map, Value, json};

use super::layout::LevelLayout;
use super::options::{Compression, Ngff, WriteOptions};
use crate::kept::Kept;

/// The metadata of one array: `zarr.json` or `.zarray`.
pub(super) fn array(
    level: &LevelLayout,
    axes: &[Axis],
    dtype: Dtype,
    compression: Compression,
    ngff: Ngff,
) -> Value {
    let pick = |full: [u64; 5]| axes.iter().map(|a| full[a.index()]).collect::<Vec<_>>();
    let fill = if dtype.is_float() { json!(0.0) } else { json!(0) };
    if ngff == Ngff::V04 {
        return json!({
            "zarr_format": 2,
            "shape": pick(level.shape),
            "chunks": pick(level.chunk),
            "dtype": numpy_code(dtype),
            "compressor": compressor(compression, dtype),
            "fill_value": fill,
            "order": "C",
            "filters": null,
            "dimension_separator": "/",
        });
    }
    let mut codecs = vec![json!({"name": "bytes", "configuration": {"endian": "little"}})];
    if dtype.size() == 1 {
        codecs = vec![json!({"name": "bytes"})];
    }
    codecs.extend(codec(compression, dtype));
    if level.shard.is_some() {
        codecs = vec![json!({"name": "sharding_indexed", "configuration": {
            "chunk_shape": pick(level.chunk),
            "codecs": codecs,
            "index_codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
            ],
            "index_location": "end",
        }})];
    }
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": pick(level.shape),
        "data_type": dtype.name(),
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": pick(level.shard.unwrap_or(level.chunk))},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": codecs,
        "attributes": {},
        "dimension_names": axes.iter().map(|a| a.to_string()).collect::<Vec<_>>(),
    })
}

/// numpy's name with byte order, as Zarr 2 has it.
fn numpy_code(dtype: Dtype) -> String {
    let kind = match dtype {
        d if d.is_float() => 'f',
        d if d.is_signed() => 'i',
        _ => 'u',
    };
    let order = if dtype.size() == 1 { '|' } else { '<' };
    format!("{order}{kind}{}", dtype.size())
}

/// The codec after `bytes` in Zarr 3.
fn codec(compression: Compression, dtype: Dtype) -> Option<Value> {
    let blosc = |cname: &str, level: u8| {
        let shuffle = if dtype.size() > 1 { "shuffle" } else { "noshuffle" };
        json!({"name": "blosc", "configuration": {
            "cname": cname, "clevel": level, "shuffle": shuffle,
            "typesize": dtype.size(), "blocksize": 0,
        }})
    };
    match compression {
        Compression::None => None,
        Compression::Zstd(level) => {
            Some(json!({"name": "zstd", "configuration": {"level": level, "checksum": false}}))
        }
        Compression::Gzip(level) => {
            Some(json!({"name": "gzip", "configuration": {"level": level}}))
        }
        Compression::BloscLz4(level) => Some(blosc("lz4", level)),
        Compression::BloscZstd(level) => Some(blosc("zstd", level)),
    }
}

/// The compressor in Zarr 2.
fn compressor(compression: Compression, dtype: Dtype) -> Value {
    let blosc = |cname: &str, level: u8| {
        let shuffle = u8::from(dtype.size() > 1);
        json!({"id": "blosc", "cname": cname, "clevel": level, "shuffle": shuffle, "blocksize": 0})
    };
    match compression {
        Compression::None => Value::Null,
        Compression::Zstd(level) => json!({"id": "zstd", "level": level}),
        Compression::Gzip(level) => json!({"id": "gzip", "level": level}),
        Compression::BloscLz4(level) => blosc("lz4", level),
        Compression::BloscZstd(level) => blosc("zstd", level),
    }
}

/// The NGFF attributes of an image: what stands under `ome` in 0.5, at the top in 0.4.
pub(super) fn image(
    meta: &ImageMeta,
    axes: &[Axis],
    levels: &[LevelLayout],
    method: Downsample,
    how: &WriteOptions,
) -> Map<String, Value> {
    let ngff = how.ngff;
    let mut multiscale = json!({
        "name": meta.name,
        "axes": axes.iter().map(|a| axis(*a, meta)).collect::<Vec<_>>(),
        "datasets": levels
            .iter()
            .enumerate()
            .map(|(n, level)| json!({
                "path": n.to_string(),
                "coordinateTransformations": transformations(meta, axes, level.factors, method),
            }))
            .collect::<Vec<_>>(),
        "type": method.name(),
        "metadata": {
            "method": "hooke",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!("each level is the {} of windows of the level before", method.name()),
        },
    });
    let mut ome = Map::new();
    match ngff {
        Ngff::V04 => multiscale["version"] = json!(ngff.version()),
        Ngff::V05 => {
            ome.insert("version".to_owned(), json!(ngff.version()));
        }
    }
    ome.insert("multiscales".to_owned(), json!([multiscale]));
    if meta.labels {
        let label = match ngff {
            Ngff::V04 => json!({"version": ngff.version(), "source": {"image": "../../"}}),
            Ngff::V05 => json!({"source": {"image": "../../"}}),
        };
        ome.insert("image-label".to_owned(), label);
    }
    if meta.channels.iter().any(|c| *c != Channel::default()) {
        let channels: Vec<_> =
            meta.channels.iter().enumerate().map(|(n, c)| channel(n, c, meta, how)).collect();
        let mut omero = json!({"channels": channels, "rdefs": {"model": "color"}});
        if ngff == Ngff::V04 {
            omero["version"] = json!(ngff.version());
        }
        ome.insert("omero".to_owned(), omero);
    }
    let kept = kept(meta, axes).attributes();
    if !kept.is_empty() {
        ome.insert(OURS.to_owned(), Value::Object(kept));
    }
    ome
}

/// The key of what NGFF has no place for; in 0.5 beside `ome`, for its schemas allow nothing else within.
pub(super) const OURS: &str = "hooke";

fn kept(meta: &ImageMeta, axes: &[Axis]) -> Kept {
    let mut kept = Kept::times_and_bits(meta);
    for axis in [Axis::Z, Axis::Y, Axis::X] {
        let d = axis.index() - 2;
        if !axes.contains(&axis) {
            kept.voxel_size_um[d] = meta.voxel_size_um[d].value;
        }
        if !axes.contains(&axis) || meta.voxel_size_um[d].value.is_none() {
            kept.origin_um[d] = meta.origin_um[d].value;
        }
    }
    kept
}

/// A group with these NGFF attributes: file names and their content.
pub(super) fn group(mut ome: Map<String, Value>, ngff: Ngff) -> Vec<(&'static str, Value)> {
    match ngff {
        Ngff::V04 => {
            vec![(".zgroup", json!({"zarr_format": 2})), (".zattrs", Value::Object(ome))]
        }
        Ngff::V05 => {
            let ours = ome.shift_remove(OURS);
            let mut attributes = json!({"ome": ome});
            if let Some(ours) = ours {
                attributes[OURS] = ours;
            }
            let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
            vec![("zarr.json", group)]
        }
    }
}

fn axis(axis: Axis, meta: &ImageMeta) -> Value {
    let mut entry = json!({"name": axis.to_string()});
    let unit = match axis {
        Axis::T => meta.frame_interval_s.map(|_| "second"),
        Axis::C => None,
        _ => size(meta, axis).map(|_| "micrometer"),
    };
    entry["type"] = json!(match axis {
        Axis::T => "time",
        Axis::C => "channel",
        _ => "space",
    });
    if let Some(unit) = unit {
        entry["unit"] = json!(unit);
    }
    entry
}

fn size(meta: &ImageMeta, axis: Axis) -> Option<f64> {
    axis.space_index().and_then(|s| meta.voxel_size_um[s].value)
}

/// Scale and, where there is a position or an offset of the level, translation.
fn transformations(
    meta: &ImageMeta,
    axes: &[Axis],
    factors: [u64; 3],
    method: Downsample,
) -> Vec<Value> {
    let factor = |a: Axis| a.space_index().map_or(1.0, |s| factors[s] as f64);
    let scale: Vec<f64> = axes
        .iter()
        .map(|a| match a {
            Axis::T => meta.frame_interval_s.unwrap_or(1.0),
            Axis::C => 1.0,
            a => size(meta, *a).unwrap_or(1.0) * factor(*a),
        })
        .collect();
    let translation: Vec<f64> = axes
        .iter()
        .map(|a| {
            // A position in µm has no meaning on an axis whose voxel size nobody knows.
            let known = size(meta, *a);
            let origin =
                a.space_index().and_then(|s| meta.origin_um[s].value).filter(|_| known.is_some());
            origin.unwrap_or(0.0) + method.offset(factor(*a)) * known.unwrap_or(1.0)
        })
        .collect();
    let mut list = vec![json!({"type": "scale", "scale": scale})];
    let placed = meta.origin_um.iter().any(|o| o.value.is_some());
    if placed || translation.iter().any(|t| *t != 0.0) {
        list.push(json!({"type": "translation", "translation": translation}));
    }
    list
}

/// One channel of `omero`; the format demands a colour, so that an unknown one is white.
fn channel(n: usize, channel: &Channel, meta: &ImageMeta, how: &WriteOptions) -> Value {
    let [low, high] = range(meta.dtype);
    let [start, end] = how.windows.get(n).copied().unwrap_or([low, high]);
    let color = channel.color.as_deref().unwrap_or("#FFFFFF").trim_start_matches('#');
    let mut entry = json!({
        "color": color,
        "window": {"min": low, "max": high, "start": start, "end": end},
        "active": true,
    });
    if let Some(name) = &channel.name {
        entry["label"] = json!(name);
    }
    for (key, nm) in
        [("excitationWave", channel.excitation_nm), ("emissionWave", channel.emission_nm)]
    {
        if let Some(nm) = nm {
            entry[key] = json!(nm);
        }
    }
    entry
}

fn range(dtype: Dtype) -> [f64; 2] {
    match dtype {
        Dtype::Uint8 => [0.0, f64::from(u8::MAX)],
        Dtype::Uint16 => [0.0, f64::from(u16::MAX)],
        Dtype::Uint32 => [0.0, f64::from(u32::MAX)],
        Dtype::Uint64 => [0.0, u64::MAX as f64],
        Dtype::Int8 => [f64::from(i8::MIN), f64::from(i8::MAX)],
        Dtype::Int16 => [f64::from(i16::MIN), f64::from(i16::MAX)],
        Dtype::Int32 => [f64::from(i32::MIN), f64::from(i32::MAX)],
        Dtype::Int64 => [i64::MIN as f64, i64::MAX as f64],
        Dtype::Float32 | Dtype::Float64 => [0.0, 1.0],
    }
}
