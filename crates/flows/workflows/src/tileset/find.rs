//! From what a user names to a list of tiles and where they are said to lie.

use std::path::{Path, PathBuf};

use hooke_core::Origin;
use hooke_stitch::Layout;

use super::error::SetError;
use super::options::SetOptions;
use crate::stitch::InputOptions;
use crate::stitch::files::folder_of;
use crate::stitch::input::{FoundTile, Position};
use crate::stitch::input_kinds::{self, Found};
use crate::stitch::tiles::absolute;

/// Tiles as listed, before a file of theirs is opened.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// The tiles in their order.
    pub tiles: Vec<FoundTile>,
    /// Voxel size in µm, where the list itself gives it.
    pub voxel_um: Option<[f64; 3]>,
    /// The file that lists them, where there is one.
    pub list: Option<PathBuf>,
    /// `(code, message)`.
    pub warnings: Vec<(String, String)>,
    /// Why a set may not be pasted: what is rotated.
    pub rotated: Option<String>,
}

/// Lists the tiles that the options name.
///
/// # Errors
/// When nothing is named, or it cannot be read.
pub(super) fn list(options: &SetOptions) -> Result<Listed, SetError> {
    match options.input.as_slice() {
        [] => Err(SetError::usage("no tiles are named", "name a container, a table or files")),
        [one] => list_one(&with_xml(one), options),
        several => {
            let mut all = Listed::default();
            for path in several {
                let listed = list_one(path, options)?;
                if listed.tiles.iter().any(|t| t.position.is_some()) {
                    return Err(SetError::usage(
                        format!("{path} is a set of its own among {} inputs", several.len()),
                        "name one set, or a list of image files",
                    ));
                }
                all.tiles.extend(listed.tiles);
                all.warnings.extend(listed.warnings);
            }
            Ok(all)
        }
    }
}

/// The XML beside the HDF5 file of a BigDataViewer set holds its positions.
fn with_xml(input: &str) -> String {
    let path = Path::new(input);
    let is_hdf5 = path.extension().is_some_and(|e| e == "h5" || e == "hdf5");
    let beside = path.with_extension("xml");
    let is_bdv = is_hdf5 && hooke_io::bdv::is_bdv_hdf5(path).unwrap_or(false);
    match is_bdv && beside.is_file() {
        true => beside.to_string_lossy().into_owned(),
        false => input.to_owned(),
    }
}

fn list_one(input: &str, options: &SetOptions) -> Result<Listed, SetError> {
    let how = InputOptions {
        input: input.to_owned(),
        channel: options.channel.clone(),
        ignore_rotation: true,
        ..InputOptions::default()
    };
    let path = Path::new(input);
    match input_kinds::find(&how)? {
        Found::Layout(layout, folder) => Ok(of_layout(&layout, &folder, path)),
        Found::Tiles(tiles, warnings) => {
            let rotated = warnings.iter().find(|w| w.code == "rotation_ignored");
            let listed = tiles.iter().any(|t| t.path != path);
            Ok(Listed {
                rotated: rotated.map(|w| format!("{input}: {}", w.message)),
                list: (listed && path.is_file()).then(|| path.to_owned()),
                warnings: warnings
                    .into_iter()
                    .map(|w| (w.code.replace('_', "-"), w.message))
                    .collect(),
                tiles,
                voxel_um: None,
            })
        }
    }
}

fn of_layout(layout: &Layout, folder: &Path, path: &Path) -> Listed {
    let tile = |tile: &hooke_stitch::Tile| FoundTile {
        path: absolute(folder, &tile.source.path),
        dataset: tile.source.dataset.clone(),
        series: tile.source.series,
        channel: tile.source.channel,
        name: tile.name.clone(),
        grid: tile.grid,
        position: Some(Position::Voxels(tile.current_px())),
    };
    let known = layout.voxel_size_um.filter(|v| v.origin != Origin::Assumed);
    Listed {
        tiles: layout.tiles.iter().map(tile).collect(),
        voxel_um: known.map(|v| v.zyx()),
        list: Some(path.to_owned()),
        ..Listed::default()
    }
}

/// What to give for tiles without positions.
pub(super) fn ways_to_positions(tiles: &[&Path]) -> String {
    let folder = tiles.first().map(|t| folder_of(t)).unwrap_or_default();
    let table = ["tiles.csv", "tiles.parquet"].map(|n| folder.join(n));
    if let Some(table) = table.iter().find(|t| t.is_file()) {
        return format!("name the table {} instead, it has them", table.display());
    }
    "give --positions FILE: a table with the columns tile,z_um,y_um,x_um or tile,z_px,y_px,x_px, a \
     BigDataViewer .xml, an .nd2, a layout.json, or the .npy of ExM-Toolbox"
        .to_owned()
}
