//! Current positions, bounds and boxes of tiles, in voxels and µm.

use super::error::LayoutError;
use super::model::{Layout, Tile};
use super::vector::Vector3;
use crate::region::LayoutRegion;

impl Tile {
    /// The position after placing, or the stage position before, `(z, y, x)` in voxels.
    pub fn current_px(&self) -> [f64; 3] {
        self.position_px.unwrap_or(self.nominal_px).0
    }

    /// The voxels the tile covers at its current position, rounded half to even.
    pub fn region(&self) -> LayoutRegion {
        LayoutRegion::new(
            self.current_px().map(|p| p.round_ties_even() as i64),
            self.shape.map(|s| s as i64),
        )
    }

    /// Turns a coordinate local to the tile into one of the layout.
    pub fn to_layout(&self, local: [f64; 3]) -> [f64; 3] {
        let p = self.current_px();
        std::array::from_fn(|d| local[d] + p[d])
    }

    /// Turns a coordinate of the layout into one local to the tile.
    pub fn to_local(&self, at: [f64; 3]) -> [f64; 3] {
        let p = self.current_px();
        std::array::from_fn(|d| at[d] - p[d])
    }
}

impl Layout {
    /// The smallest current position per axis, `(z, y, x)`; `None` without tiles.
    pub fn lower(&self) -> Option<[f64; 3]> {
        let positions = self.tiles.iter().map(Tile::current_px);
        positions.reduce(|a, b| std::array::from_fn(|d| a[d].min(b[d])))
    }

    /// One past the last voxel per axis: the largest position plus shape; `None` without tiles.
    pub fn upper(&self) -> Option<[f64; 3]> {
        let ends = self.tiles.iter().map(|t| t.to_layout(t.shape.map(|s| s as f64)));
        ends.reduce(|a, b| std::array::from_fn(|d| a[d].max(b[d])))
    }

    /// `upper - lower`, which is not an integer for fractional positions; zeros without tiles.
    pub fn shape(&self) -> [f64; 3] {
        let (lower, upper) = (self.lower().unwrap_or([0.0; 3]), self.upper().unwrap_or([0.0; 3]));
        std::array::from_fn(|d| upper[d] - lower[d])
    }

    /// Fills `nominal_um` and `position_um` from the positions in voxels.
    ///
    /// # Errors
    /// [`LayoutError::NoVoxelSize`].
    pub fn fill_um(&mut self) -> Result<(), LayoutError> {
        let size = self.voxel_size_um.ok_or(LayoutError::NoVoxelSize)?.zyx();
        let to_um = |p: Vector3| Vector3(std::array::from_fn(|d| p[d] * size[d]));
        for tile in &mut self.tiles {
            tile.nominal_um = Some(to_um(tile.nominal_px));
            tile.position_um = tile.position_px.map(to_um);
        }
        Ok(())
    }

    /// Fills `nominal_px` from `nominal_um` for the tiles that have it; others keep theirs.
    ///
    /// # Errors
    /// [`LayoutError::NoVoxelSize`].
    pub fn nominal_from_um(&mut self) -> Result<(), LayoutError> {
        let size = self.voxel_size_um.ok_or(LayoutError::NoVoxelSize)?.zyx();
        for tile in &mut self.tiles {
            if let Some(um) = tile.nominal_um {
                tile.nominal_px = Vector3(std::array::from_fn(|d| um[d] / size[d]));
            }
        }
        Ok(())
    }

    /// Sets `position_um` from `position_px` where the voxel size is known.
    pub(crate) fn refresh_position_um(&mut self) {
        let size = self.voxel_size_um.map(|v| v.zyx());
        for tile in &mut self.tiles {
            tile.position_um = tile
                .position_px
                .and_then(|p| size.map(|s| Vector3(std::array::from_fn(|d| p[d] * s[d]))));
        }
    }
}
