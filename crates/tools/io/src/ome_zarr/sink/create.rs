//! Making the arrays of an image, and finding them again.

use std::path::Path;

use hooke_core::{Axes, Axis, ImageMeta, Level};
use serde_json::{Map, json};

use super::{OmeZarrSink, Pending, write_group, write_json};
use crate::atomic;
use crate::error::{Error, Result};
use crate::ome_zarr::options::{Compression, Ngff, WriteOptions};
use crate::ome_zarr::{PENDING, describe, layout};

const FORMAT: &str = "hooke.zarr-in-progress.1";

/// The levels that [`create`] would make, without making them: lengths, chunks, shards, factors.
///
/// # Errors
/// [`Error::Unsupported`] for options that contradict each other.
pub fn plan_levels(path: &Path, meta: &ImageMeta, how: &WriteOptions) -> Result<Vec<Level>> {
    let level = |l: layout::LevelLayout| Level {
        shape: l.shape,
        factors: l.factors.map(|f| f as f64),
        chunk: l.chunk,
        shard: l.shard,
        codec: String::new(),
    };
    Ok(layout::levels(path, meta, how)?.into_iter().map(level).collect())
}

/// Creates the arrays of an image; the folder `path` must not exist or be empty.
///
/// Voxel size, origin, channels, frame interval and name are taken from `meta`; what is unknown is
/// written without a unit.
///
/// # Errors
/// [`Error::Exists`], [`Error::Unsupported`] for options that contradict each other, [`Error::Io`].
pub fn create(path: &Path, meta: &ImageMeta, how: &WriteOptions) -> Result<OmeZarrSink> {
    create_image(path, meta, how, None)
}

/// Creates the arrays of a label image of a container; `finish` lists it there.
///
/// # Errors
/// As [`create`]; [`Error::Unsupported`] for a name that is not one plain path element or for samples
/// that are no integers.
pub fn create_label(
    container: &Path,
    name: &str,
    meta: &ImageMeta,
    how: &WriteOptions,
) -> Result<OmeZarrSink> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(Error::unsupported(container, format!("a label image called `{name}`"), ""));
    }
    if meta.dtype.is_float() {
        let what = format!("labels of type {}", meta.dtype);
        return Err(Error::unsupported(container, what, "labels are integers"));
    }
    let mut meta = meta.clone();
    meta.labels = true;
    name.clone_into(&mut meta.name);
    let path = container.join("labels").join(name);
    create_image(&path, &meta, how, Some(name.to_owned()))
}

fn create_image(
    path: &Path,
    meta: &ImageMeta,
    how: &WriteOptions,
    label: Option<String>,
) -> Result<OmeZarrSink> {
    let levels = layout::levels(path, meta, how)?;
    let bad_size =
        meta.voxel_size_um.iter().filter_map(|v| v.value).find(|v| !(v.is_finite() && *v > 0.0));
    let bad_place = meta.origin_um.iter().filter_map(|v| v.value).find(|v| !v.is_finite());
    if let Some(bad) = bad_size.or(bad_place) {
        return Err(Error::metadata(path, format!("a voxel size or position of {bad} µm")));
    }
    let compression = how.compression.unwrap_or(match how.ngff {
        Ngff::V04 => Compression::BloscLz4(5),
        Ngff::V05 => Compression::Zstd(3),
    });
    let axes = if how.pad_5d { Axes::TCZYX } else { meta.axes };
    let list: Vec<Axis> = axes.iter().collect();
    if (0..5).any(|d| meta.shape[d] != 1 && !axes.has(Axis::ALL[d])) || list.is_empty() {
        let what = format!("a shape of {:?} with axes `{axes}`", meta.shape);
        return Err(Error::unsupported(path, what, ""));
    }
    let downsample = layout::method(meta, how);
    let attributes = describe::image(meta, &list, &levels, downsample, how);
    let pending = Pending {
        format: FORMAT.to_owned(),
        ngff: how.ngff,
        axes,
        dtype: meta.dtype,
        compression,
        downsample,
        levels,
        label,
        attributes,
    };
    make_folder(path)?;
    for (n, level) in pending.levels.iter().enumerate() {
        let folder = path.join(n.to_string());
        make_folder(&folder)?;
        let name = if how.ngff == Ngff::V04 { ".zarray" } else { "zarr.json" };
        let document = describe::array(level, &list, meta.dtype, compression, how.ngff);
        write_json(&folder.join(name), &document)?;
        atomic::sync_folder(&folder)?;
    }
    let text = serde_json::to_value(&pending).map_err(|e| Error::metadata(path, e.to_string()))?;
    write_json(&path.join(PENDING), &text)?;
    atomic::sync_folder(path)?;
    OmeZarrSink::new(path, pending)
}

/// Opens an image that is being written, to go on with it: a worker, or a run that was stopped.
///
/// # Errors
/// [`Error::NotThere`] when nothing is being written there; [`Error::MetadataInvalid`].
pub fn open_for_write(path: &Path) -> Result<OmeZarrSink> {
    let file = path.join(PENDING);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let what = "OME-Zarr image in progress; it is finished or was never begun".to_owned();
            return Err(Error::NotThere { path: path.to_owned(), what });
        }
        Err(e) => return Err(Error::io(file, "read", e)),
    };
    let pending: Pending =
        serde_json::from_slice(&text).map_err(|e| Error::metadata(&file, e.to_string()))?;
    if pending.format != FORMAT {
        let what = format!("written as `{}`, this Hooke goes on with `{FORMAT}`", pending.format);
        return Err(Error::metadata(file, what));
    }
    OmeZarrSink::new(path, pending)
}

/// Makes a folder of finished images `0`, `1`, … a collection (`bioformats2raw.layout` 3).
///
/// # Errors
/// [`Error::Io`].
pub fn finish_collection(path: &Path, version: Ngff) -> Result<()> {
    let layout = json!(3);
    let files = match version {
        Ngff::V04 => vec![
            (".zgroup", json!({"zarr_format": 2})),
            (".zattrs", json!({"bioformats2raw.layout": layout})),
        ],
        Ngff::V05 => {
            let mut ome = Map::new();
            ome.insert("version".to_owned(), json!(version.version()));
            ome.insert("bioformats2raw.layout".to_owned(), layout);
            describe::group(ome, version)
        }
    };
    write_group(path, &files)
}

/// Makes a folder of finished images with names of their own a Zarr 3 group.
///
/// # Errors
/// [`Error::Io`].
pub fn finish_group(path: &Path) -> Result<()> {
    let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {}});
    write_group(path, &[("zarr.json", group)])
}

fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| Error::io(path, "create", e))?;
    let mut entries = std::fs::read_dir(path).map_err(|e| Error::io(path, "list", e))?;
    if entries.next().is_some() {
        return Err(Error::Exists { path: path.to_owned() });
    }
    Ok(())
}
