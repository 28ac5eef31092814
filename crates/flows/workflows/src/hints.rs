//! What the reader of an error can do, found anywhere in its chain of causes.

use std::error::Error;

use hooke_stitch::TileError;
use hooke_stitch::fuse::FuseError;

use crate::convert::ConvertError;
use crate::stitch::StitchError;

/// The ways on that an error and its causes know, each once, outermost first.
pub fn hints_of(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let hint = hint_of(error);
        hints.extend(hint.filter(|h| !hints.contains(h)));
        next = error.source();
    }
    hints
}

fn hint_of(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<StitchError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<ConvertError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<TileError>() {
        return Some(without_tile(error.tile));
    }
    if let Some(FuseError::Tile(error)) = error.downcast_ref::<FuseError>() {
        return Some(without_tile(error.tile));
    }
    if let Some(bad) = error.downcast_ref::<crate::options::BadValue>() {
        return Some(bad.hint());
    }
    error.downcast_ref::<hooke_io::Error>()?.hint()
}

/// How to go on without a tile that cannot be read.
pub(crate) fn without_tile(tile: usize) -> String {
    format!(
        "to go on without the tile: hooke stitch layout remove LAYOUT --tile {tile} -o without.json"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_below_a_tile_are_found() {
        let io = std::io::Error::from(std::io::ErrorKind::NotFound);
        let source = hooke_io::Error::io("a.tif", "open", io).into();
        let error: Box<dyn Error + Send + Sync> = Box::new(TileError { tile: 3, source });
        let hints = hints_of(error.as_ref());
        assert!(hints[0].contains("--tile 3") && hints[1].contains("spelling"), "{hints:?}");
    }
}
