//! What the reader of an error can do, found anywhere in its chain of causes.

use std::error::Error;
use std::io::ErrorKind;

use hooke_stitch::TileError;
use hooke_stitch::fuse::FuseError;
use hooke_tileset::TilesetError;

use crate::blobs::BlobsError;
use crate::convert::ConvertError;
use crate::events::EventsError;
use crate::stitch::StitchError;
use crate::tileset::SetError;

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
    if let Some(error) = error.downcast_ref::<BlobsError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<EventsError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<SetError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<TilesetError>() {
        return crate::tileset::error::hint_of(error);
    }
    if let Some(error) = error.downcast_ref::<TileError>() {
        return Some(of_tile(error));
    }
    if let Some(FuseError::Tile(error)) = error.downcast_ref::<FuseError>() {
        return Some(of_tile(error));
    }
    if let Some(bad) = error.downcast_ref::<crate::options::BadValue>() {
        return Some(bad.hint());
    }
    error.downcast_ref::<hooke_io::Error>()?.hint()
}

/// How to go on when a tile is gone or cannot be read.
pub(crate) fn of_tile(error: &TileError) -> String {
    let gone = matches!(
        error.source.downcast_ref::<hooke_io::Error>(),
        Some(hooke_io::Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound
    );
    match gone {
        true => "if the tiles were moved: hooke stitch layout relocate LAYOUT --plain --match OLD \
                 --replace NEW -o moved.json"
            .to_owned(),
        false => format!(
            "to go on without the tile: hooke stitch layout remove LAYOUT --tile {} -o without.json",
            error.tile
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_below_a_tile_are_found() {
        let hints = |source: hooke_io::Error| {
            let error: Box<dyn Error + Send + Sync> =
                Box::new(TileError { tile: 3, source: source.into() });
            hints_of(error.as_ref())
        };
        let moved = hints(hooke_io::Error::io("a.tif", "open", ErrorKind::NotFound.into()));
        assert!(moved[0].contains("relocate") && moved[1].contains("spelling"), "{moved:?}");
        let damaged = hints(hooke_io::Error::corrupt("a.tif", "page 3"));
        assert!(damaged[0].contains("--tile 3") && damaged[1].contains("--rescue"), "{damaged:?}");
    }
}
