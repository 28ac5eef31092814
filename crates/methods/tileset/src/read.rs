//! Reading boxes of tiles in blocks of bounded size.

use hooke_core::{LayoutRegion, TilePixels};

use crate::error::TilesetError;

/// Voxels read at once: two buffers of 32-bit labels stay in the second-level cache.
pub(crate) const BLOCK_VOXELS: i64 = 1 << 18;

/// Reads a box, local to the tile, and checks that the reader gave all of it.
pub(crate) fn read_box<T>(
    pixels: &dyn TilePixels<T>,
    tile: usize,
    region: &LayoutRegion,
    out: &mut Vec<T>,
) -> Result<(), TilesetError> {
    let start = region.start.map(|n| n as usize);
    let shape = region.shape.map(|n| n as usize);
    pixels.read(tile, start, shape, out)?;
    let expected = shape.iter().product();
    if out.len() != expected {
        return Err(TilesetError::ShortRead { tile, expected, found: out.len() });
    }
    Ok(())
}

/// Cuts a box into blocks of about [`BLOCK_VOXELS`]: whole planes, or rows of a plane.
pub(crate) fn blocks(region: &LayoutRegion) -> Vec<LayoutRegion> {
    region.slabs((BLOCK_VOXELS / region.shape[2].max(1)).max(1))
}
