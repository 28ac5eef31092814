//! The channels to fuse: each is the layout with files of its own.

use std::path::Path;
use std::sync::Arc;

use hooke_core::Dtype;
use hooke_io::ChunkCache;
use hooke_stitch::Layout;

use super::actions::{Relocation, relocate};
use super::error::StitchError;
use super::fuse_options::FuseOptions;
use super::tiles::TileReader;

/// One channel of the volume.
pub(super) struct FusedChannel {
    /// Its name.
    pub name: String,
    /// Its index in the files.
    pub index: u64,
    /// The layout with the files of this channel.
    pub layout: Layout,
}

/// The layouts of the channels to fuse.
///
/// # Errors
/// When there is no such channel, or the files of another source are missing or differ.
pub(super) fn channels(
    layout: &Layout,
    folder: &Path,
    options: &FuseOptions,
) -> Result<Vec<FusedChannel>, StitchError> {
    if !options.source.is_empty() {
        return options.source.iter().map(|text| other_source(layout, folder, text)).collect();
    }
    let names =
        if layout.channels.is_empty() { vec!["0".to_owned()] } else { layout.channels.clone() };
    let one = |index: usize| FusedChannel {
        name: names[index].clone(),
        index: index as u64,
        layout: layout.clone(),
    };
    let Some(wanted) = &options.channel else {
        return Ok(vec![one(layout.align_channel.min(names.len() - 1))]);
    };
    if wanted == "all" {
        return Ok((0..names.len()).map(one).collect());
    }
    let find = |name: &str| {
        let by_name = names.iter().position(|n| n == name);
        let by_number = || name.parse::<usize>().ok().filter(|i| *i < names.len());
        by_name
            .or_else(by_number)
            .map(one)
            .ok_or_else(|| StitchError::NoChannel { wanted: name.to_owned(), known: names.clone() })
    };
    wanted.split(',').map(|name| find(name.trim())).collect()
}

fn other_source(layout: &Layout, folder: &Path, text: &str) -> Result<FusedChannel, StitchError> {
    let Some((old, new)) = text.split_once('=') else {
        return Err(StitchError::usage(
            format!("--source `{text}` has no `=`"),
            "write MATCH=REPLACE, like 'c0_<Y>_<X>.tif=c1_<Y>_<X>.tif'",
        ));
    };
    let mut moved = layout.clone();
    let how = Relocation::Expressions { old: old.to_owned(), new: new.to_owned() };
    relocate(&mut moved, folder, &how)?;
    Ok(FusedChannel { name: new.to_owned(), index: 0, layout: moved })
}

/// Opens every tile, so that an unreadable one is known before anything is written.
///
/// # Errors
/// When a tile cannot be read, or its sample type is another.
pub(super) fn check_tiles(channels: &[FusedChannel], folder: &Path) -> Result<Dtype, StitchError> {
    use rayon::prelude::*;
    let mut dtype = None;
    for channel in channels {
        let cache = Arc::new(ChunkCache::new(0));
        let reader = TileReader::new(&channel.layout, folder, channel.index, cache);
        let found: Result<Vec<(usize, Dtype)>, _> = channel
            .layout
            .tiles
            .par_iter()
            .map(|t| reader.image(t.id).map(|i| (t.id, i.meta().dtype)))
            .collect();
        for (id, found) in found? {
            let expected = *dtype.get_or_insert(found);
            if expected != found {
                let path = |id: usize| reader.path(id).unwrap_or(Path::new("")).to_owned();
                let first = channel.layout.tiles.first().map_or(0, |t| t.id);
                return Err(StitchError::TilesDiffer {
                    what: "sample type".to_owned(),
                    first: path(first),
                    first_has: expected.to_string(),
                    other: path(id),
                    other_has: found.to_string(),
                });
            }
        }
    }
    dtype.ok_or(StitchError::NoTiles)
}
