//! How a method asks for the voxels of a tile, without knowing where they lie.

use thiserror::Error;

/// A tile that could not be read, with the reader's own words.
#[derive(Debug, Error)]
#[error("tile {tile}: {source}")]
pub struct TileError {
    /// The tile's id.
    pub tile: usize,
    /// What the reader said.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The voxels of all tiles of a layout, read box by box from many threads at once.
///
/// `T` is the sample type asked for: `f32` for measuring, the tiles' own type for fusing.
pub trait TilePixels<T>: Sync {
    /// Reads the box `start..start + shape` (local to the tile, `z, y, x`, inside it) of tile
    /// `tile` in C order into `out`, which is resized and whose buffer is reused.
    ///
    /// # Errors
    /// [`TileError`] when the tile cannot be read.
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError>;
}

/// Tiles that lie in memory as C-ordered `(z, y, x)` arrays; for tests, Python and small data.
pub struct TilesInMemory<'a, T> {
    /// The tiles, by id.
    pub tiles: Vec<ndarray::ArrayView3<'a, T>>,
}

impl<T: Copy + Sync> TilePixels<T> for TilesInMemory<'_, T> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        let view = self.tiles.get(tile).ok_or_else(|| TileError {
            tile,
            source: format!("there are only {} tiles", self.tiles.len()).into(),
        })?;
        if (0..3).any(|d| start[d] + shape[d] > view.shape()[d]) {
            let have = view.shape();
            let source = format!("box {start:?} + {shape:?} does not fit {have:?}").into();
            return Err(TileError { tile, source });
        }
        let [z, y, x] = [0, 1, 2].map(|d| start[d]..start[d] + shape[d]);
        out.clear();
        out.reserve_exact(shape.iter().product());
        for row in view.slice(ndarray::s![z, y, x]).rows() {
            match row.as_slice() {
                Some(row) => out.extend_from_slice(row),
                None => out.extend(row.iter().copied()),
            }
        }
        Ok(())
    }
}
