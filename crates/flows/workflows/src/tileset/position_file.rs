//! Files of positions: tables, BigDataViewer, ND2, layouts, and the arrays of ExM-Toolbox.

use std::path::Path;
use std::sync::Arc;

use hooke_core::{ImageSource, Pixels, Region, Sample, dispatch};
use hooke_io::tables::TilePosition;
use hooke_io::{ChunkCache, OpenOptions};
use hooke_tileset::TilesetError;
use hooke_tileset::positions::{StageAxes, from_exm_rows, from_rows};

use super::error::SetError;
use super::set::turned;
use crate::stitch::files::open_layout;
use crate::stitch::input::Position;

/// A position per tile, in the order of the tiles.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// All in one unit.
    pub positions: Vec<Position>,
    /// `(code, message)`.
    pub warnings: Vec<(String, String)>,
}

/// Reads the positions of `n` tiles.
///
/// # Errors
/// When the file cannot be read, or does not give every tile one finite position: the row is named.
pub(super) fn read(path: &Path, n: usize, stage: Option<StageAxes>) -> Result<Found, SetError> {
    let suffix = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let mut found = match suffix.as_str() {
        "csv" | "parquet" => table(path, n)?,
        "json" => layout(path)?,
        "xml" => bdv(path)?,
        // Their axes are turned already: ExM-Toolbox reverses x.
        "npy" => return counted(path, n, exm(path)?),
        _ => images(path, stage)?,
    };
    found.positions =
        found.positions.into_iter().map(|p| turned_unless(p, stage, &suffix)).collect();
    counted(path, n, found)
}

/// Positions of images were read along the stage's axes where these were given.
fn turned_unless(position: Position, stage: Option<StageAxes>, suffix: &str) -> Position {
    match suffix {
        "csv" | "parquet" | "json" | "xml" => turned(position, stage),
        _ => position,
    }
}

fn counted(path: &Path, n: usize, found: Found) -> Result<Found, SetError> {
    match found.positions.len() == n {
        true => Ok(found),
        false => {
            let error = TilesetError::Count { tiles: n, positions: found.positions.len() };
            Err(in_file(path, error))
        }
    }
}

pub(super) fn in_file(path: &Path, error: TilesetError) -> SetError {
    SetError::InFile { path: path.display().to_string(), error }
}

fn table(path: &Path, n: usize) -> Result<Found, SetError> {
    let rows = hooke_io::tables::read_positions(path)?;
    let is_um = rows.iter().all(|(_, p)| matches!(p, TilePosition::Um(_)));
    let plain = |(tile, position): &(i64, TilePosition)| match position {
        TilePosition::Px(p) | TilePosition::Um(p) => (*tile, *p),
    };
    let rows: Vec<(i64, [f64; 3])> = rows.iter().map(plain).collect();
    let positions = from_rows(&rows, n).map_err(|e| in_file(path, e))?;
    let unit = if is_um { Position::Micrometres } else { Position::Voxels };
    Ok(Found { positions: positions.into_iter().map(unit).collect(), warnings: Vec::new() })
}

fn layout(path: &Path) -> Result<Found, SetError> {
    let layout = open_layout(path)?;
    let positions = layout.tiles.iter().map(|t| Position::Voxels(t.current_px())).collect();
    Ok(Found { positions, warnings: Vec::new() })
}

fn bdv(path: &Path) -> Result<Found, SetError> {
    let (tiles, problems) = hooke_io::bdv::read_tiles(path, true)?;
    Ok(Found {
        positions: tiles.iter().map(|t| Position::Voxels(t.position_px)).collect(),
        warnings: problems.into_iter().map(|p| (p.code, p.message)).collect(),
    })
}

/// The places of a container's images.
fn images(path: &Path, stage: Option<StageAxes>) -> Result<Found, SetError> {
    let how = OpenOptions { cache: Some(Arc::new(ChunkCache::new(0))), ..OpenOptions::default() };
    let opened = hooke_io::open(path, &how)?;
    let images = opened.images().iter().filter(|i| !i.meta().labels);
    let place = |image: &Arc<dyn ImageSource>| super::set::stage_or_origin(image.meta(), stage);
    let all: Option<Vec<[f64; 3]>> = images.map(place).collect();
    let Some(all) = all else {
        let what = format!("{}: its images have no positions", path.display());
        let hint = "positions are in .csv, .parquet, .xml, .nd2, layout.json and ExM's .npy";
        return Err(SetError::unfit(what, hint));
    };
    Ok(Found {
        positions: all.into_iter().map(Position::Micrometres).collect(),
        warnings: opened.problems().iter().map(|p| (p.code.clone(), p.message.clone())).collect(),
    })
}

fn exm(path: &Path) -> Result<Found, SetError> {
    let rows = npy_rows::<3>(path)?;
    let found = from_exm_rows(&rows).map_err(|e| in_file(path, e))?;
    let positions = found.positions_um.into_iter().map(Position::Micrometres).collect();
    Ok(Found { positions, warnings: Vec::new() })
}

/// The rows of an array of `(n, N)` numbers.
///
/// # Errors
/// When the file is no such array.
pub(super) fn npy_rows<const N: usize>(path: &Path) -> Result<Vec<[f64; N]>, SetError> {
    let how = OpenOptions { axes: Some("yx".to_owned()), ..OpenOptions::default() };
    let opened = hooke_io::npy::open(path, &how)?;
    let image = hooke_core::Dataset::images(&opened).first().cloned();
    let shape = image.as_ref().map_or([0; 5], |i| i.meta().shape);
    let Some(image) = image.filter(|_| shape[4] == N as u64) else {
        let what = format!("an array of {} x {} numbers; wanted n x {N}", shape[3], shape[4]);
        return Err(hooke_io::Error::metadata(path, what).into());
    };
    let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
    image
        .read(0, &Region::whole(shape), &mut pixels)
        .map_err(|e| hooke_io::Error::corrupt(path, e.to_string()))?;
    let values: Vec<f64> = dispatch!(pixels.dtype(), T => {
        pixels.as_slice::<T>().unwrap_or_default().iter().map(|v| v.to_f64()).collect()
    });
    Ok(values.as_chunks::<N>().0.to_vec())
}
