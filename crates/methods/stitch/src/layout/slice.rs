//! A plane of a tile, and the two-dimensional layout of a plane.

use hooke_core::Axis;
use serde_json::json;

use super::error::LayoutError;
use super::model::{Layout, PairStatus, Tile};
use super::vector::Vector3;

/// Where a tile is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SliceAt {
    /// A coordinate of the layout.
    Layout(f64),
    /// A coordinate local to the tile: layout coordinate minus position.
    Local(f64),
}

/// A plane of a tile.
#[derive(Debug, Clone, PartialEq)]
pub struct TileSlice {
    /// Id of the tile.
    pub tile: usize,
    /// The axis that is cut away.
    pub axis: Axis,
    /// The tile's voxel along it.
    pub index: u64,
    /// Lengths over `(z, y, x)`, 1 along the cut axis.
    pub shape: [u64; 3],
    /// Position of the plane over `(z, y, x)`, 0 along the cut axis.
    pub position: [f64; 3],
    /// Position of the plane with all axes kept.
    pub position_unsliced: [f64; 3],
}

impl Tile {
    /// Cuts a plane out of the tile at its current position.
    ///
    /// Between two voxels the nearer one is taken, half to even.
    ///
    /// # Errors
    /// [`LayoutError::OutOfTile`] unless the local coordinate is at least 0 and below the tile's
    /// length; [`LayoutError::NotASpaceAxis`] for time and channel.
    pub fn slice(&self, axis: Axis, at: SliceAt) -> Result<TileSlice, LayoutError> {
        let d = axis.space_index().ok_or(LayoutError::NotASpaceAxis { axis: axis.letter() })?;
        let position = self.current_px();
        let (local, size) = match at {
            SliceAt::Layout(c) => (c - position[d], self.shape[d]),
            SliceAt::Local(l) => (l, self.shape[d]),
        };
        if !(local >= 0.0 && local < size as f64) {
            return Err(LayoutError::OutOfTile { tile: self.id, axis: axis.letter(), local, size });
        }
        let index = (local.round_ties_even() as u64).min(size - 1);
        let along_cut = |d2: usize, cut: f64, kept: f64| if d2 == d { cut } else { kept };
        Ok(TileSlice {
            tile: self.id,
            axis,
            index,
            shape: std::array::from_fn(|k| if k == d { 1 } else { self.shape[k] }),
            position: std::array::from_fn(|k| along_cut(k, 0.0, position[k])),
            position_unsliced: std::array::from_fn(|k| {
                along_cut(k, position[d] + index as f64, position[k])
            }),
        })
    }
}

impl Layout {
    /// The two-dimensional layout of a plane: tiles that contain the layout coordinate `at`
    /// (`0 <= at - position < size`) and the pairs between them.
    ///
    /// The cut axis has length 1, position 0 and displacement 0. The plane is written into each
    /// tile's `source` as the key `slice`: `{"axis": "z", "index": 5}`; a reader of pixels must
    /// honour it. The sliced positions are both nominal and, where placed, final positions.
    /// Islands and the placement of the whole are left out.
    ///
    /// # Errors
    /// [`LayoutError::NotASpaceAxis`].
    pub fn slice(&self, axis: Axis, at: f64) -> Result<Layout, LayoutError> {
        let d = axis.space_index().ok_or(LayoutError::NotASpaceAxis { axis: axis.letter() })?;
        let mut sliced = self.clone();
        sliced.tiles.clear();
        for tile in &self.tiles {
            match tile.slice(axis, SliceAt::Layout(at)) {
                Ok(cut) => sliced.tiles.push(tile_of_slice(tile, &cut, d)),
                Err(LayoutError::OutOfTile { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let index = sliced.index();
        sliced.pairs.retain(|p| index.get(p.pre).is_some() && index.get(p.post).is_some());
        for pair in &mut sliced.pairs {
            let mut vectors = vec![&mut pair.displacement_px, &mut pair.shift_px];
            vectors.extend(pair.candidates.iter_mut().map(|c| &mut c.displacement_px));
            vectors.extend(pair.residual_px.as_mut());
            vectors.extend(pair.sd_px.as_mut());
            vectors.into_iter().for_each(|v| v.0[d] = 0.0);
            if let Some(c) = &mut pair.covariance_px2 {
                (0..3).for_each(|k| (c.0[d][k], c.0[k][d]) = (0.0, 0.0));
            }
            if let Some(overlap) = &mut pair.overlap_px {
                overlap[d] = 1;
            }
            // Verdicts belong to the placement of the whole, which the slice does not keep.
            if matches!(pair.status, PairStatus::Kept | PairStatus::Rejected) {
                (pair.status, pair.reason) = (PairStatus::Measured, None);
            }
        }
        sliced.islands.clear();
        sliced.placement = None;
        sliced.warnings.clear();
        Ok(sliced)
    }
}

fn tile_of_slice(tile: &Tile, cut: &TileSlice, d: usize) -> Tile {
    let mut plane = tile.clone();
    plane.shape = cut.shape;
    for position in [Some(&mut plane.nominal_px), plane.position_px.as_mut()].into_iter().flatten()
    {
        position.0[d] = 0.0;
    }
    for um in [plane.nominal_um.as_mut(), plane.position_um.as_mut()].into_iter().flatten() {
        um.0[d] = 0.0;
    }
    if let Some(Vector3(sd)) = &mut plane.sd_px {
        sd[d] = 0.0;
    }
    (plane.island, plane.status, plane.reason) = (None, None, None);
    let key = json!({"axis": cut.axis.letter().to_string(), "index": cut.index});
    plane.source.extra.insert("slice".to_string(), key);
    plane
}
