//! An XML as a list of tiles, and a list of placed tiles as an XML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hooke_core::Problem;

use super::read::{pixels_path, read_xml, resolve};
use super::{Affine, FileMapping, Loader, NamedAffine, Setup, SpimData, ViewKey, VoxelSize, emit};
use crate::{Error, Result};

/// One tile of a BigDataViewer XML: all setups of one `tile` attribute, or one setup.
#[derive(Debug, Clone, PartialEq)]
pub struct BdvTile {
    /// The tile's number: its attribute, or the setup's id.
    pub tile: u64,
    /// Its first setup, whose position counts.
    pub setup: u64,
    /// The timepoint of that position.
    pub timepoint: u64,
    /// The map from voxels to the world of that setup at that timepoint.
    pub affine: Affine,
    /// Its name.
    pub name: String,
    /// Lengths over `(z, y, x)`, where the XML gives them.
    pub shape: Option<[u64; 3]>,
    /// Size of a voxel in µm over `(z, y, x)`.
    pub voxel_size_um: Option<[f64; 3]>,
    /// Position of the centre of the first voxel over `(z, y, x)`, in voxels.
    pub position_px: [f64; 3],
    /// Where its channels are, by channel attribute.
    pub sources: BTreeMap<u64, BdvTileSource>,
}

/// Where one channel of a tile is.
#[derive(Debug, Clone, PartialEq)]
pub struct BdvTileSource {
    /// The file to open: the XML itself, or an image file it lists.
    pub path: PathBuf,
    /// Index of the image in that file.
    pub series: usize,
    /// Channel of that image, where it holds several.
    pub channel: Option<usize>,
}

/// Reads the tiles of a BigDataViewer XML with their positions at the first timepoint.
///
/// With several setups of one `tile` attribute (channels), the first one's position counts.
///
/// # Errors
/// See [`super::parse`]; [`Error::MetadataInvalid`] naming the setup that is rotated or sheared,
/// unless `ignore_rotation` (then it is reported), and one that has no position;
/// [`Error::Unsupported`] for pixel formats that Hooke does not read.
pub fn read_tiles(xml: &Path, ignore_rotation: bool) -> Result<(Vec<BdvTile>, Vec<Problem>)> {
    let data = read_xml(xml)?;
    if let Loader::Other(format) = &data.loader {
        return Err(Error::unsupported(xml, format!("pixels in the format `{format}`"), ""));
    }
    // Two setups of one tile, channel, angle and illumination would be one image twice.
    let tiled = data.setups.values().all(|s| s.attributes.contains_key("tile"));
    let mut seen = BTreeMap::new();
    let mut distinct = true;
    for id in data.setups.keys() {
        let view = data.view(*id);
        distinct &= seen.insert((view.tile, view.channel), *id).is_none();
    }
    let mut tiles: BTreeMap<u64, BdvTile> = BTreeMap::new();
    let mut problems = Vec::new();
    for (series, (id, setup)) in data.setups.iter().enumerate() {
        let number = if tiled && distinct { data.view(*id).tile } else { *id };
        let source = source_of(xml, &data, *id, series)?;
        let channel = data.view(*id).channel;
        if let Some(tile) = tiles.get_mut(&number) {
            tile.sources.insert(channel, source);
            continue;
        }
        let (timepoint, affine) = model_of(xml, &data, *id)?;
        let position_px = position(xml, *id, &affine, ignore_rotation, &mut problems)?;
        tiles.insert(
            number,
            BdvTile {
                tile: number,
                setup: *id,
                timepoint,
                affine,
                name: tile_name(&data, *id, setup),
                shape: setup.size.map(|[x, y, z]| [z, y, x]),
                voxel_size_um: setup.voxel_size_um(),
                position_px,
                sources: BTreeMap::from([(channel, source)]),
            },
        );
    }
    Ok((tiles.into_values().collect(), problems))
}

/// The map of the first timepoint that has one.
fn model_of(xml: &Path, data: &SpimData, setup: u64) -> Result<(u64, Affine)> {
    let of = |t: &u64| Some((*t, data.model(ViewKey { timepoint: *t, setup })?));
    data.timepoints
        .iter()
        .find_map(of)
        .ok_or_else(|| Error::metadata(xml, format!("setup {setup} has no registration")))
}

fn position(
    xml: &Path,
    id: u64,
    model: &Affine,
    ignore_rotation: bool,
    problems: &mut Vec<Problem>,
) -> Result<[f64; 3]> {
    if model.has_rotation() {
        let degrees = model.rotation_degrees();
        let text =
            format!("setup {id} is rotated or sheared (by {degrees:.3} degrees), not only shifted");
        if !ignore_rotation {
            return Err(Error::metadata(xml, text));
        }
        problems.push(Problem::warning("rotation-ignored", text));
    }
    let offset = model.offset_px();
    match offset.iter().all(|o| o.is_finite()) {
        true => Ok(offset),
        false => Err(Error::metadata(xml, format!("setup {id} is scaled by 0"))),
    }
}

fn tile_name(data: &SpimData, id: u64, setup: &Setup) -> String {
    let tile = data.view(id).tile;
    match (setup.name.as_str(), data.names.get("tile").and_then(|names| names.get(&tile))) {
        ("", Some(name)) if !name.is_empty() => name.clone(),
        ("", _) => format!("setup {id}"),
        (name, _) => name.to_owned(),
    }
}

fn source_of(xml: &Path, data: &SpimData, id: u64, series: usize) -> Result<BdvTileSource> {
    let Loader::Files(files) = &data.loader else {
        return Ok(BdvTileSource { path: xml.to_owned(), series, channel: None });
    };
    let file = files
        .iter()
        .find(|f| f.view.setup == id)
        .ok_or_else(|| Error::metadata(xml, format!("setup {id} has no file")))?;
    let path = resolve(xml, data, &file.path, file.relative);
    Ok(BdvTileSource { path, series: file.series, channel: Some(file.channel) })
}

/// A tile with its final position.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedTile {
    /// Its name.
    pub name: String,
    /// The image file, or the BigDataViewer XML it came from.
    pub path: PathBuf,
    /// Index of the image in the file.
    pub series: usize,
    /// Channel of the file.
    pub channel: usize,
    /// Lengths over `(z, y, x)`.
    pub shape: [u64; 3],
    /// Position of the centre of the first voxel over `(z, y, x)`, in voxels.
    pub position_px: [f64; 3],
}

/// Writes placed tiles as an XML that BigStitcher opens.
///
/// Tiles that all came from one BigDataViewer HDF5 file keep that file, all their channels and
/// timepoints, and get new positions. Other tiles are listed as image files. The world is in µm, or
/// in voxels when the voxel size (over `(z, y, x)`) is not known.
///
/// # Errors
/// [`Error::NotThere`] without tiles; [`Error::Io`] when the file cannot be written; what reading
/// the XML of the tiles answers.
pub fn export_tiles(
    target: &Path,
    tiles: &[PlacedTile],
    voxel_size_um: Option<[f64; 3]>,
) -> Result<()> {
    let text = placed_xml(target, tiles, voxel_size_um)?;
    crate::atomic::write_file(target, &[text.as_bytes()])?;
    Ok(())
}

/// The text that [`export_tiles`] writes, whose paths count from the folder of `target`.
///
/// # Errors
/// As [`export_tiles`], but for writing.
pub fn placed_xml(
    target: &Path,
    tiles: &[PlacedTile],
    voxel_size_um: Option<[f64; 3]>,
) -> Result<String> {
    let Some(first) = tiles.first() else {
        return Err(Error::NotThere { path: target.to_owned(), what: "tile to write".to_owned() });
    };
    let is_xml = |p: &Path| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml"));
    let of_one = tiles.iter().all(|t| t.path == first.path) && is_xml(&first.path);
    let data = match of_one {
        true => moved(target, &first.path, tiles, voxel_size_um)?,
        false => listed(target, tiles, voxel_size_um),
    };
    Ok(emit(&data))
}

/// The two transforms of a tile.
fn transforms(tile: &PlacedTile, voxel_size_um: Option<[f64; 3]>) -> Vec<NamedAffine> {
    let [z, y, x] = voxel_size_um.unwrap_or([1.0; 3]);
    let [pz, py, px] = tile.position_px;
    let named = |name: &str, affine| NamedAffine { name: name.to_owned(), affine };
    vec![
        named("stitched", Affine::translation([px * x, py * y, pz * z])),
        named("calibration", Affine::scaling([x, y, z])),
    ]
}

/// The XML the tiles came from, with new positions.
fn moved(
    target: &Path,
    xml: &Path,
    tiles: &[PlacedTile],
    voxel_size_um: Option<[f64; 3]>,
) -> Result<SpimData> {
    let mut data = read_xml(xml)?;
    let (known, _) = read_tiles(xml, true)?;
    for tile in tiles {
        let of = known.iter().find(|k| k.sources.values().any(|s| s.series == tile.series));
        let Some(of) = of else {
            let what = format!("image {} for tile `{}`", tile.series, tile.name);
            return Err(Error::NotThere { path: xml.to_owned(), what });
        };
        let ids: Vec<u64> = data.setups.keys().copied().collect();
        for source in of.sources.values() {
            for timepoint in data.timepoints.clone() {
                let view = ViewKey { timepoint, setup: ids[source.series] };
                data.registrations.insert(view, transforms(tile, voxel_size_um));
            }
        }
    }
    let written = pixels_path(xml, &data).map(|found| from_folder(target, &found)).ok();
    if let Loader::Hdf5 { path, relative }
    | Loader::N5 { path, relative }
    | Loader::Zarr { path, relative, .. } = &mut data.loader
        && let Some(written) = written
    {
        (*path, *relative) = written;
    }
    data.base_path = ".".to_owned();
    Ok(data)
}

/// Tiles as a list of image files.
fn listed(target: &Path, tiles: &[PlacedTile], voxel_size_um: Option<[f64; 3]>) -> SpimData {
    let mut data =
        SpimData { base_path: ".".to_owned(), timepoints: vec![0], ..SpimData::default() };
    let mut files = Vec::new();
    let zero = || BTreeMap::from([(0, "0".to_owned())]);
    for kind in ["illumination", "angle", "channel"] {
        data.names.insert(kind.to_owned(), zero());
    }
    for (number, tile) in tiles.iter().enumerate() {
        let id = number as u64;
        let view = ViewKey { timepoint: 0, setup: id };
        let [z, y, x] = tile.shape;
        let mut setup = Setup { name: tile.name.clone(), ..Setup::default() };
        setup.size = Some([x, y, z]);
        let (unit, size) = match voxel_size_um {
            Some([z, y, x]) => ("µm", [x, y, z]),
            None => ("pixel", [1.0; 3]),
        };
        setup.voxel_size = Some(VoxelSize { unit: unit.to_owned(), size });
        for (kind, value) in [("illumination", 0), ("channel", 0), ("tile", id), ("angle", 0)] {
            setup.attributes.insert(kind.to_owned(), value);
        }
        data.setups.insert(id, setup);
        data.names.entry("tile".to_owned()).or_default().insert(id, tile.name.clone());
        data.registrations.insert(view, transforms(tile, voxel_size_um));
        let (path, relative) = from_folder(target, &tile.path);
        let (series, channel) = (tile.series, tile.channel);
        files.push(FileMapping { view, series, channel, path, relative });
    }
    data.loader = Loader::Files(files);
    data
}

/// A path as seen from the folder of a file: relative inside it, else absolute.
fn from_folder(target: &Path, path: &Path) -> (String, bool) {
    let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
    let folder = absolute(target).parent().map(Path::to_owned).unwrap_or_default();
    let path = absolute(path);
    match path.strip_prefix(&folder) {
        Ok(inside) => (inside.to_string_lossy().into_owned(), true),
        Err(_) => (path.to_string_lossy().into_owned(), false),
    }
}
