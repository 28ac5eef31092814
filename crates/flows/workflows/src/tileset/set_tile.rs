//! `hooke tileset set-tile`: the pixels of one view of a BigDataViewer set replaced.

use std::path::Path;
use std::sync::Arc;

use hooke_core::pixels::Typed;
use hooke_core::{Pixels, Progress, Region, Sample, dispatch};
use hooke_io::ChunkCache;
use hooke_io::bdv::{read_tiles, replace_view};
use serde_json::{Value, json};

use super::error::SetError;
use super::options::SetOptions;
use super::pixels::{SetReader, Taking};
use super::set::TileSet;

/// Replaces the pixels of tile `tile` of `xml` by the image that the options name.
///
/// # Errors
/// When there is no such tile, the image is not one, has another shape or type, or cannot be read;
/// the set is then as it was.
pub fn set_tile(
    xml: &Path,
    tile: usize,
    image: &SetOptions,
    progress: &dyn Progress,
) -> Result<Value, SetError> {
    if !xml.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml")) {
        let what = format!("{}: no XML of a BigDataViewer set", xml.display());
        return Err(SetError::usage(what, "name the .xml; its pixels are found beside it"));
    }
    let (tiles, _) = read_tiles(xml, true)?;
    let Some(view) = tiles.get(tile) else {
        let what = format!("{}: no tile {tile}; it has {}", xml.display(), tiles.len());
        return Err(SetError::usage(what, "tiles count from 0"));
    };
    let set = TileSet::open(image)?;
    if set.tiles.len() != 1 {
        let what = format!("{} images where one is wanted", set.tiles.len());
        return Err(SetError::unfit(what, "choose one with --tiles N"));
    }
    let meta = set.meta(0, set.tiles[0].dtype);
    let reader = SetReader::new(&set, Arc::new(ChunkCache::new(32 << 20)));
    let source = |region: &Region, out: &mut Pixels| dispatch!(meta.dtype, T => read::<T>(&reader, region, out));
    replace_view(xml, [view.timepoint, view.setup], &meta, &source, progress)
        .map_err(|e| of_reader(xml, e))?;
    Ok(json!({"tile": tile, "setup": view.setup, "timepoint": view.timepoint}))
}

fn read<T: Sample + Typed>(
    reader: &SetReader<'_>,
    region: &Region,
    out: &mut Pixels,
) -> Result<(), hooke_core::image::SourceError> {
    let mut values: Vec<T> = Vec::new();
    reader.tiles(Taking::Exact).load(0, region, &mut values)?;
    *out = Pixels::from_vec(region.shape, values);
    Ok(())
}

fn of_reader(xml: &Path, error: hooke_core::image::SourceError) -> SetError {
    match error.downcast::<hooke_io::Error>() {
        Ok(error) => SetError::Io(*error),
        Err(error) => match error.downcast::<hooke_tileset::TilesetError>() {
            Ok(error) => SetError::Method(*error),
            Err(error) => hooke_io::Error::corrupt(xml, error.to_string()).into(),
        },
    }
}
