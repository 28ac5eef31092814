//! How overlapping tiles become one value.

use serde::{Deserialize, Serialize};

use crate::error::TilesetError;

/// Which tile a voxel of the mosaic is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blend {
    /// The last tile, in the order of pasting.
    #[default]
    Last,
    /// The first tile.
    First,
    /// The largest value; of equal ones the first tile.
    Max,
    /// The mean of all tiles there, zeros counted.
    Mean,
}

/// What a 0 in a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zeros {
    /// Nothing: another tile shows through.
    #[default]
    Transparent,
    /// A value like any other.
    Opaque,
}

/// Settings of the mosaic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasteParams {
    /// Which tile a voxel is taken from.
    pub blend: Blend,
    /// What a 0 is; `mean` counts zeros either way.
    pub zeros: Zeros,
    /// The order of pasting, every tile once; by default the order of the tiles.
    pub order: Option<Vec<usize>>,
}

impl PasteParams {
    /// The order of `tiles` tiles.
    ///
    /// # Errors
    /// [`TilesetError::Order`] when the order does not name every tile once.
    pub fn order_of(&self, tiles: usize) -> Result<Vec<usize>, TilesetError> {
        let Some(order) = &self.order else { return Ok((0..tiles).collect()) };
        let error = |why| TilesetError::Order { tiles, names: order.len(), why };
        let mut seen = vec![false; tiles];
        for &tile in order {
            match seen.get_mut(tile) {
                None => return Err(error(format!("tile {tile}, which there is not"))),
                Some(true) => return Err(error(format!("tile {tile} twice"))),
                Some(seen) => *seen = true,
            }
        }
        match seen.iter().position(|s| !s) {
            Some(tile) => Err(error(format!("tile {tile} not at all"))),
            None => Ok(order.clone()),
        }
    }
}
