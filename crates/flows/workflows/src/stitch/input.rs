//! From what a user names (an expression, a table, a layout, a container) to a layout.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::meta::Origin;
use hooke_core::{Axis, ImageMeta, ImageSource};
use hooke_io::{ChunkCache, OpenOptions};
use hooke_stitch::layout::{Grid, LayoutVoxelSize, LayoutWarning, TileSource, Vector3};
use hooke_stitch::{Layout, Tile};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::StitchError;
use super::input_grid;
use super::tiles::{absolute, relative};
use crate::options::{Lengths, read_option};

/// What a user said about the input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputOptions {
    /// An expression, a table, a layout, an XML, a container or a folder.
    pub input: String,
    /// Voxel size in µm; overrides the files.
    pub voxel_size: Option<String>,
    /// Nominal overlap, for grids without positions.
    pub overlap: Option<String>,
    /// Index or name of the channel to measure.
    pub channel: String,
    /// `NAME=VALUE` for tags that are no grid axes.
    pub select: Vec<String>,
    /// Grid axes that run against the image axes.
    pub flip: Vec<Axis>,
    /// Whether grid x runs along image y.
    pub swap_xy: bool,
    /// Whether a layout's `position_px` are taken instead of `nominal_px`.
    pub from_positions: bool,
    /// Whether rotations of a BDV XML are dropped.
    pub ignore_rotation: bool,
    /// Whether warnings about files are errors.
    pub strict: bool,
}

/// A tile as found, before it gets an id.
#[derive(Debug, Clone)]
pub struct FoundTile {
    /// The file.
    pub path: PathBuf,
    /// Array inside the container.
    pub dataset: Option<String>,
    /// Index of the image.
    pub series: usize,
    /// Channel of the file that belongs to the tile, when the source names one.
    pub channel: Option<usize>,
    /// Name for people.
    pub name: String,
    /// Place on a grid.
    pub grid: Option<Grid>,
    /// Position of the first voxel.
    pub position: Option<Position>,
}

/// A nominal position over `(z, y, x)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Position {
    /// In voxels.
    Voxels([f64; 3]),
    /// In micrometres.
    Micrometres([f64; 3]),
}

/// Tiles nearer than this part of their size are at the same place.
const SAME_PLACE: f64 = 0.05;

/// What was found in the file of a tile.
struct Opened {
    meta: Option<ImageMeta>,
    error: Option<hooke_io::Error>,
}

/// Makes a layout whose nominal positions are filled and whose paths start at `folder`.
///
/// # Errors
/// When nothing matches, tiles disagree in dtype, voxel size or channels, or positions are missing.
pub fn read_layout(
    options: &InputOptions,
    folder: &Path,
    cache: &Arc<ChunkCache>,
) -> Result<Layout, StitchError> {
    let found = super::input_kinds::find(options)?;
    let (tiles, mut layout) = match found {
        super::input_kinds::Found::Layout(layout, at) => {
            return Ok(moved_to(*layout, &at, folder, options));
        }
        super::input_kinds::Found::Tiles(tiles, warnings) => {
            let mut layout = Layout::new(Vec::new());
            layout.warnings = warnings;
            (tiles, layout)
        }
    };
    let opened: Vec<Opened> = tiles.par_iter().map(|t| open(t, cache)).collect();
    let shared = agree(&tiles, &opened)?;
    report_unreadable(&tiles, &opened, options, &mut layout)?;
    layout.dtype = Some(shared.dtype);
    layout.channels = channel_names(&shared);
    layout.align_channel = channel_index(&options.channel, &layout.channels, &shared, &tiles)?;
    let voxel_size = voxel_size(options, &shared, &mut layout)?;
    layout.voxel_size_um = Some(voxel_size);
    let shapes: Vec<[u64; 3]> = opened.iter().map(|o| shape_or(o, &shared)).collect();
    let nominal =
        input_grid::nominal(options, &tiles, &opened_origins(&opened), &shapes, voxel_size)?;
    layout.tiles = tiles
        .iter()
        .zip(&shapes)
        .zip(&nominal)
        .enumerate()
        .map(|(id, ((tile, shape), nominal))| to_tile(id, tile, *shape, *nominal, folder))
        .collect();
    layout.fill_um().map_err(StitchError::Layout)?;
    let twins = same_place(&layout.tiles);
    layout.warnings.extend(twins);
    Ok(layout)
}

/// Tiles at the same place are mostly channels in files of their own.
fn same_place(tiles: &[Tile]) -> Option<LayoutWarning> {
    let mut order: Vec<&Tile> = tiles.iter().collect();
    order.sort_by(|a, b| a.nominal_px[2].total_cmp(&b.nominal_px[2]));
    let near = |a: &Tile, b: &Tile, d: usize| {
        (a.nominal_px[d] - b.nominal_px[d]).abs() < SAME_PLACE * a.shape[d].max(2) as f64
    };
    let mut twins: Vec<[usize; 2]> = Vec::new();
    for (i, a) in order.iter().enumerate() {
        let along_x = order[i + 1..].iter().take_while(|b| near(a, b, 2));
        let same = along_x.filter(|b| near(a, b, 1) && near(a, b, 0));
        twins.extend(same.map(|b| [a.id.min(b.id), a.id.max(b.id)]));
    }
    twins.sort_unstable();
    let [first, second] = *twins.first()?;
    Some(LayoutWarning {
        code: "same_place".to_owned(),
        tile: None,
        pair: Some([first, second]),
        message: format!(
            "{} pairs of tiles lie at the same place, the first are {first} and {second}; if they \
             are channels, name the files of one by an expression",
            twins.len()
        ),
    })
}

fn open(tile: &FoundTile, cache: &Arc<ChunkCache>) -> Opened {
    let how = OpenOptions {
        dataset: tile.dataset.clone(),
        cache: Some(Arc::clone(cache)),
        ..OpenOptions::default()
    };
    let image = hooke_io::open(&tile.path, &how).and_then(|d| {
        d.images().get(tile.series).cloned().ok_or_else(|| hooke_io::Error::NotThere {
            path: tile.path.clone(),
            what: format!("image {}; it has {}", tile.series, d.images().len()),
        })
    });
    match image {
        Ok(image) => Opened { meta: Some(image.meta().clone()), error: None },
        Err(error) => Opened { meta: None, error: Some(error) },
    }
}

/// The first readable tile decides; the first that differs is an error naming both.
fn agree(tiles: &[FoundTile], opened: &[Opened]) -> Result<ImageMeta, StitchError> {
    let mut readable = tiles.iter().zip(opened).filter_map(|(t, o)| Some((t, o.meta.as_ref()?)));
    let Some((first, meta)) = readable.next() else {
        let error = opened.iter().find_map(|o| o.error.as_ref()).map(ToString::to_string);
        return Err(StitchError::NoReadableTile { why: error.unwrap_or_default() });
    };
    for (tile, other) in readable {
        let differs = |what: &str, a: String, b: String| StitchError::TilesDiffer {
            what: what.to_owned(),
            first: first.path.clone(),
            first_has: a,
            other: tile.path.clone(),
            other_has: b,
        };
        if other.dtype != meta.dtype {
            return Err(differs("sample type", meta.dtype.to_string(), other.dtype.to_string()));
        }
        if other.shape[1] != meta.shape[1] {
            let channels = |n: u64| format!("{n}");
            return Err(differs(
                "number of channels",
                channels(meta.shape[1]),
                channels(other.shape[1]),
            ));
        }
        if !same_size(meta, other) {
            return Err(differs("voxel size", show_size(meta), show_size(other)));
        }
    }
    Ok(meta.clone())
}

fn same_size(a: &ImageMeta, b: &ImageMeta) -> bool {
    a.voxel_size_um.iter().zip(&b.voxel_size_um).all(|(a, b)| match (a.value, b.value) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(b.abs()),
        _ => true,
    })
}

fn show_size(meta: &ImageMeta) -> String {
    let text = |v: Option<f64>| v.map_or("unknown".to_owned(), |v| v.to_string());
    let [z, y, x] = meta.voxel_size_um.map(|v| text(v.value));
    format!("{z} x {y} x {x} µm")
}

fn report_unreadable(
    tiles: &[FoundTile],
    opened: &[Opened],
    options: &InputOptions,
    layout: &mut Layout,
) -> Result<(), StitchError> {
    for (id, (tile, opened)) in tiles.iter().zip(opened).enumerate() {
        let Some(error) = &opened.error else { continue };
        if options.strict {
            return Err(StitchError::UnreadableTile {
                tile: tile.name.clone(),
                why: error.to_string(),
            });
        }
        layout.warnings.push(LayoutWarning {
            code: "unreadable_tile".to_owned(),
            tile: Some(id),
            pair: None,
            message: format!("tile {id} cannot be read: {error}"),
        });
    }
    Ok(())
}

fn channel_names(meta: &ImageMeta) -> Vec<String> {
    let named = |i: usize| meta.channels.get(i).and_then(|c| c.name.clone());
    (0..meta.shape[1] as usize).map(|i| named(i).unwrap_or_else(|| i.to_string())).collect()
}

/// The index of the channel named or numbered by the user.
///
/// When the tag `C` of an expression chose the files, each file's own first channel is measured.
fn channel_index(
    wanted: &str,
    names: &[String],
    meta: &ImageMeta,
    tiles: &[FoundTile],
) -> Result<usize, StitchError> {
    if tiles.iter().any(|t| t.channel.is_some()) {
        return Ok(0);
    }
    let by_name = names.iter().position(|n| n == wanted);
    let by_number = wanted.parse::<usize>().ok().filter(|i| *i < meta.shape[1] as usize);
    by_name
        .or(by_number)
        .ok_or_else(|| StitchError::NoChannel { wanted: wanted.to_owned(), known: names.to_vec() })
}

fn voxel_size(
    options: &InputOptions,
    meta: &ImageMeta,
    layout: &mut Layout,
) -> Result<LayoutVoxelSize, StitchError> {
    let mut size = meta.voxel_size_um.map(|v| v.value);
    let mut origin = Origin::File;
    if let Some(text) = &options.voxel_size {
        let lengths: Lengths = read_option("voxel-size", text)?;
        let lengths = lengths.plain().map_err(|e| e.of("voxel-size"))?;
        for (given, size) in lengths.into_iter().zip(&mut size) {
            if given.is_some_and(|g| g <= 0.0) {
                return Err(StitchError::VoxelSize { text: text.clone() });
            }
            *size = given.or(*size);
        }
        origin = Origin::User;
    }
    let flat = meta.shape[2] == 1;
    let unknown = size.iter().enumerate().any(|(d, s)| s.is_none() && !(d == 0 && flat));
    if unknown {
        origin = Origin::Assumed;
        layout.warnings.push(LayoutWarning {
            code: "voxel_size_assumed".to_owned(),
            tile: None,
            pair: None,
            message: "the files do not say the voxel size; 1 µm is used, give --voxel-size"
                .to_owned(),
        });
    }
    let [z, y, x] = size.map(|s| s.unwrap_or(1.0));
    Ok(LayoutVoxelSize { z, y, x, origin })
}

fn shape_or(opened: &Opened, shared: &ImageMeta) -> [u64; 3] {
    let shape = opened.meta.as_ref().unwrap_or(shared).shape;
    [shape[2], shape[3], shape[4]]
}

/// Stage positions that the files themselves hold, µm.
fn opened_origins(opened: &[Opened]) -> Vec<Option<[f64; 3]>> {
    let origin = |o: &Opened| {
        let origin = o.meta.as_ref()?.origin_um;
        let [_, y, x] = origin.map(|v| v.value);
        Some([origin[0].value.unwrap_or(0.0), y?, x?])
    };
    opened.iter().map(origin).collect()
}

fn to_tile(id: usize, tile: &FoundTile, shape: [u64; 3], nominal: [f64; 3], folder: &Path) -> Tile {
    let info = std::fs::metadata(&tile.path).ok();
    let mut made = Tile::new(id, tile.name.clone(), shape, nominal);
    made.grid = tile.grid;
    made.source = TileSource {
        path: relative(folder, &tile.path),
        dataset: tile.dataset.clone(),
        series: tile.series,
        channel: tile.channel,
        size_bytes: info.as_ref().map_or(0, std::fs::Metadata::len),
        mtime_ns: info.as_ref().map_or(0, mtime_ns),
        ..TileSource::default()
    };
    made
}

/// Time of last change in ns since 1970.
pub fn mtime_ns(info: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    info.mtime().saturating_mul(1_000_000_000).saturating_add(info.mtime_nsec())
}

/// A layout read from one folder, with paths as seen from another.
fn moved_to(mut layout: Layout, at: &Path, folder: &Path, options: &InputOptions) -> Layout {
    for tile in &mut layout.tiles {
        tile.source.path = relative(folder, &absolute(at, &tile.source.path));
        if options.from_positions
            && let Some(position) = tile.position_px
        {
            tile.nominal_px = position;
        }
    }
    layout
}

/// What differs between the files now and when the layout was made.
pub fn changed_sources(layout: &Layout, folder: &Path) -> Vec<LayoutWarning> {
    let changed = |tile: &Tile| {
        let info = std::fs::metadata(absolute(folder, &tile.source.path)).ok()?;
        let known = tile.source.size_bytes != 0 || tile.source.mtime_ns != 0;
        let same = info.len() == tile.source.size_bytes && mtime_ns(&info) == tile.source.mtime_ns;
        (known && !same).then(|| LayoutWarning {
            code: "changed_source".to_owned(),
            tile: Some(tile.id),
            pair: None,
            message: format!("{} changed since the layout was made", tile.source.path),
        })
    };
    layout.tiles.iter().filter_map(changed).collect()
}

/// A position that is not known.
pub const NOWHERE: Vector3 = Vector3::UNKNOWN;

/// The image of a layout's tile, for its metadata.
///
/// # Errors
/// [`StitchError::NoTiles`]; [`StitchError::Io`] when the image cannot be opened.
pub fn first_image(
    layout: &Layout,
    folder: &Path,
    cache: &Arc<ChunkCache>,
) -> Result<Arc<dyn ImageSource>, StitchError> {
    let tile = layout.tiles.first().ok_or(StitchError::NoTiles)?;
    let path = absolute(folder, &tile.source.path);
    super::tiles::open_image(&path, tile.source.dataset.as_deref(), tile.source.series, cache)
        .map_err(StitchError::Io)
}
