//! The files of a set's tiles: what is in each, and on what they agree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::{ImageMeta, Origin};
use hooke_io::ChunkCache;
use hooke_tileset::tile_view::strided_shape;
use rayon::prelude::*;

use super::error::SetError;
use super::find::Listed;
use super::options::SetOptions;
use super::set::SetTile;
use crate::open_files::FileKey;
use crate::stitch::StitchError;
use crate::stitch::input::FoundTile;

/// What was found in a file.
pub(super) struct Opened {
    /// Its images, with the chunks of each over `z, y, x`.
    pub images: Vec<(ImageMeta, [u64; 3])>,
    /// `(code, message)`.
    pub warnings: Vec<(String, String)>,
}

/// JPEG 2000 tiles of ExM-Toolbox, known by its table of positions, are stored x, y, z.
pub(super) fn implied_axes(options: &SetOptions, listed: &Listed) -> Option<String> {
    let ends = |p: &Path, suffixes: &[&str]| {
        let suffix = p.extension().and_then(|e| e.to_str()).unwrap_or_default();
        suffixes.contains(&suffix.to_ascii_lowercase().as_str())
    };
    let by_exm = options.positions.as_deref().is_some_and(|p| ends(p, &["npy"]));
    let of_exm = listed.tiles.iter().all(|t| ends(&t.path, &["jp2", "j2k", "jph", "jpx"]));
    (by_exm && of_exm).then(|| "xyz".to_owned())
}

fn key_of(tile: &FoundTile, axes: Option<&str>) -> FileKey {
    FileKey { axes: axes.map(str::to_owned), ..FileKey::new(&tile.path, tile.dataset.as_deref()) }
}

/// Opens every file once.
pub(super) fn open_files(
    tiles: &[FoundTile],
    axes: Option<&str>,
) -> Result<BTreeMap<(PathBuf, Option<String>), Opened>, SetError> {
    let mut keys: Vec<FileKey> = Vec::new();
    for tile in tiles {
        let key = key_of(tile, axes);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let cache = Arc::new(ChunkCache::new(0));
    let open = |key: FileKey| -> Result<_, SetError> {
        let dataset = hooke_io::open(&key.path, &key.how(&cache))?;
        let images = dataset.images().iter().map(|image| {
            let chunk = image.levels().first().map_or([1; 5], |l| l.chunk);
            (image.meta().clone(), [chunk[2], chunk[3], chunk[4]])
        });
        let warnings =
            dataset.problems().iter().map(|p| (p.code.clone(), p.message.clone())).collect();
        Ok(((key.path, key.dataset), Opened { images: images.collect(), warnings }))
    };
    keys.into_par_iter().map(open).collect()
}

pub(super) fn image_of<'a>(
    tile: &FoundTile,
    opened: &'a BTreeMap<(PathBuf, Option<String>), Opened>,
    axes: Option<&str>,
) -> Result<&'a (ImageMeta, [u64; 3]), SetError> {
    let key = key_of(tile, axes);
    let images = opened.get(&(key.path, key.dataset)).map(|o| o.images.as_slice());
    let images = images.unwrap_or_default();
    images.get(tile.series).ok_or_else(|| {
        let (path, n) = (tile.path.clone(), images.len());
        let what = format!("image {}; it has {n}", tile.series);
        hooke_io::Error::NotThere { path, what }.into()
    })
}

pub(super) fn to_tile(
    tile: &FoundTile,
    meta: &ImageMeta,
    chunk: [u64; 3],
    step: [u64; 3],
    axes: Option<&str>,
    options: &SetOptions,
) -> Result<SetTile, SetError> {
    let [t, channels, z, y, x] = meta.shape;
    if options.t >= t {
        let what = format!("{}: no frame {}; it has {t}", tile.path.display(), options.t);
        return Err(SetError::usage(what, "frames count from 0"));
    }
    let channel = match tile.channel {
        Some(channel) => channel as u64,
        None => channel_of(&options.channel, meta)?,
    };
    if channel >= channels {
        let what = format!("{}: no channel {channel}; it has {channels}", tile.path.display());
        return Err(SetError::usage(what, "channels count from 0"));
    }
    let full_shape = [z, y, x];
    Ok(SetTile {
        name: tile.name.clone(),
        file: key_of(tile, axes),
        series: tile.series,
        channel,
        dtype: meta.dtype,
        full_shape,
        shape: strided_shape(full_shape, step.map(|s| s as usize)),
        chunk: std::array::from_fn(|d| chunk[d].div_ceil(step[d]).max(1)),
        position_um: None,
        position_px: None,
    })
}

fn channel_of(wanted: &str, meta: &ImageMeta) -> Result<u64, SetError> {
    let named = meta.channels.iter().position(|c| c.name.as_deref() == Some(wanted));
    let number = wanted.parse::<u64>().ok().filter(|c| *c < meta.shape[1]);
    named.map(|c| c as u64).or(number).ok_or_else(|| {
        let name = |i: usize| meta.channels.get(i).and_then(|c| c.name.clone());
        let known = (0..meta.shape[1] as usize).map(|i| name(i).unwrap_or_else(|| i.to_string()));
        StitchError::NoChannel { wanted: wanted.to_owned(), known: known.collect() }.into()
    })
}

/// The voxel size of the files, where it is known on all axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct VoxelSize {
    /// Over `z, y, x`, in µm.
    pub um: Option<[f64; 3]>,
    /// Who says so.
    pub from: Origin,
    /// Whether the one along z only stands in: planes have no depth that anyone measured.
    pub flat: bool,
}

/// The voxel size of the files: the list's, else that on which all tiles agree; the user's first.
pub(super) fn voxel_size(
    options: &SetOptions,
    listed: &Listed,
    metas: &[&(ImageMeta, [u64; 3])],
) -> Result<VoxelSize, SetError> {
    let given = options.given_voxel()?;
    let mut size = match listed.voxel_um {
        Some(size) => size.map(Some),
        // What the files say does not matter then.
        None if given.iter().all(Option::is_some) => [None; 3],
        None => agreed(listed, metas)?,
    };
    let mut from = if size.iter().any(Option::is_some) { Origin::File } else { Origin::Unknown };
    for (given, size) in given.into_iter().zip(&mut size) {
        if given.is_some() {
            (*size, from) = (given, Origin::User);
        }
    }
    let planes = metas.iter().all(|(m, _)| m.shape[2] == 1);
    let flat = planes && size[0].is_none() && size[1].is_some();
    if flat {
        size[0] = Some(1.0);
    }
    Ok(match size {
        [Some(z), Some(y), Some(x)] => VoxelSize { um: Some([z, y, x]), from, flat },
        _ => VoxelSize { um: None, from: Origin::Unknown, flat: false },
    })
}

fn agreed(listed: &Listed, metas: &[&(ImageMeta, [u64; 3])]) -> Result<[Option<f64>; 3], SetError> {
    let size = |m: &ImageMeta| m.voxel_size_um.map(|v| v.value);
    let Some((first, _)) = metas.first() else { return Ok([None; 3]) };
    let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(b.abs()),
        _ => true,
    };
    let differs = metas.iter().position(|(m, _)| (0..3).any(|d| !same(size(m)[d], size(first)[d])));
    if let Some(other) = differs {
        let show = |m: &ImageMeta| {
            let text = size(m).map(|v| v.map_or("unknown".to_owned(), |v| v.to_string()));
            format!("{} µm", text.join(" x "))
        };
        let (a, b) = (&listed.tiles[0].path, &listed.tiles[other].path);
        let (has, other_has) = (show(first), show(&metas[other].0));
        let (a, b) = (a.display(), b.display());
        return Err(SetError::unfit(
            format!("{b}: the voxel size is {other_has}, but {a} has {has}"),
            "give --voxel-size z,y,x; it then holds for all tiles",
        ));
    }
    let known = |d: usize| metas.iter().find_map(|(m, _)| size(m)[d]);
    Ok([known(0), known(1), known(2)])
}
