//! What a layout must satisfy before anything is computed from it.

use std::collections::{HashMap, HashSet};

use super::error::LayoutError;
use super::model::{Layout, Pair, Tile};

/// Above this, sums of positions and shapes could leave the integers an f64 holds.
const LARGEST: f64 = (1u64 << 40) as f64;

impl Layout {
    /// Checks the layout: format and version, axes, voxel size, unique tile ids and grid indices,
    /// shapes, finite positions, and that every pair names two different tiles that exist, the
    /// smaller id first.
    ///
    /// # Errors
    /// [`LayoutError`] for the first thing found, in file order; a pair that names an unknown
    /// tile is reported with both its ids.
    pub fn validate(&self) -> Result<(), LayoutError> {
        if self.format != Layout::FORMAT {
            return Err(LayoutError::Format { found: self.format.clone() });
        }
        if self.version != 1 {
            return Err(LayoutError::Version { found: self.version });
        }
        if self.axes != ["z", "y", "x"] {
            return Err(LayoutError::Axes { found: self.axes.clone() });
        }
        if let Some(size) = self.voxel_size_um.map(|v| v.zyx())
            && !size.iter().all(|s| s.is_finite() && *s > 0.0)
        {
            return Err(LayoutError::VoxelSize { found: size });
        }
        let mut ids = HashSet::with_capacity(self.tiles.len());
        let mut places = HashMap::new();
        for tile in &self.tiles {
            if !ids.insert(tile.id) {
                return Err(LayoutError::DuplicateTile { tile: tile.id });
            }
            if let Some(grid) = tile.grid
                && let Some(first) = places.insert(grid, tile.id)
            {
                let at = grid.zyx();
                return Err(LayoutError::DuplicateGrid { first, second: tile.id, at });
            }
            check_tile(tile)?;
        }
        self.pairs.iter().try_for_each(|pair| check_pair(pair, &ids))
    }
}

fn check_tile(tile: &Tile) -> Result<(), LayoutError> {
    if tile.shape.iter().any(|s| *s == 0 || *s as f64 > LARGEST) {
        return Err(LayoutError::Shape { tile: tile.id, shape: tile.shape });
    }
    let positions = [("nominal_px", Some(tile.nominal_px)), ("position_px", tile.position_px)];
    for (what, position) in positions {
        if let Some(p) = position
            && !p.0.iter().all(|v| v.abs() <= LARGEST)
        {
            return Err(LayoutError::Position { tile: tile.id, what, found: p.0 });
        }
    }
    Ok(())
}

fn check_pair(pair: &Pair, ids: &HashSet<usize>) -> Result<(), LayoutError> {
    let (pre, post) = (pair.pre, pair.post);
    if let Some(unknown) = [pre, post].into_iter().find(|id| !ids.contains(id)) {
        return Err(LayoutError::UnknownTileOfPair { pre, post, unknown });
    }
    if pre >= post {
        return Err(LayoutError::PairOrder { pre, post });
    }
    match &pair.axis {
        Some(axis) if !["z", "y", "x"].contains(&axis.as_str()) => {
            Err(LayoutError::PairAxis { pre, post, found: axis.clone() })
        }
        _ => Ok(()),
    }
}
