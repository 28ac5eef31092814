//! The images that blocks of a set are written into.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hooke_core::Region;
use hooke_core::plan::Block;
use hooke_io::ome_zarr::{self, OmeZarrSink};

/// The images that blocks are written into, opened when first asked for.
pub struct TileSinks {
    pub(super) tiles: Vec<(PathBuf, String)>,
    /// The number that the frames of each tile begin with.
    pub(super) starts: Vec<u64>,
    pub(super) open: Mutex<HashMap<usize, Arc<OmeZarrSink>>>,
}

impl TileSinks {
    /// The tile that a block belongs to, and its box in it.
    pub fn tile_of(&self, block: &Block) -> (usize, Region) {
        let mut region = block.write;
        let tile = self.starts.partition_point(|s| *s <= region.start[0]).saturating_sub(1);
        region.start[0] -= self.starts[tile];
        (tile, region)
    }

    /// The image of a tile.
    ///
    /// # Errors
    /// When it was not created.
    pub fn tile(&self, tile: usize) -> Result<Arc<OmeZarrSink>, hooke_io::Error> {
        let lock = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = lock().get(&tile) {
            return Ok(Arc::clone(sink));
        }
        let sink = Arc::new(ome_zarr::open_for_write(&self.tiles[tile].0)?);
        lock().insert(tile, Arc::clone(&sink));
        Ok(sink)
    }

    /// The path of a tile's blocks as markers name it.
    pub fn container(&self, tile: usize) -> &str {
        &self.tiles[tile].1
    }
}
