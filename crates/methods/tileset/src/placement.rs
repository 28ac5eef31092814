//! Where each tile's first voxel lies in the mosaic.

use hooke_core::LayoutRegion;
use serde::{Deserialize, Serialize};

use crate::error::TilesetError;

/// A position nearer than this to an integer is that integer: what µm, float and text leave behind.
const SAME_INTEGER: f64 = 1e-6;
/// Voxels of a mosaic beyond which the positions cannot be right.
const MOST_VOXELS: u128 = 1 << 48;
/// How many times larger than its tiles a mosaic may be.
const MOST_EMPTY: u128 = 1000;
/// Positions and lengths below this leave room for exact arithmetic.
const LARGEST: f64 = (1u64 << 40) as f64;

/// How a fractional position becomes a voxel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// To the nearest voxel, a half upwards.
    #[default]
    Nearest,
    /// To the voxel below, as ExM-Toolbox does.
    Down,
}

/// A tile before it is placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileGeometry {
    /// Where its first voxel lies, voxels over `z, y, x`; any sign, fractions kept.
    pub position_px: [f64; 3],
    /// Lengths over `z, y, x`, at least 1.
    pub shape: [u64; 3],
}

/// Every tile's box in a mosaic whose first voxel is `0, 0, 0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    boxes: Vec<LayoutRegion>,
    volume_shape: [u64; 3],
    origin_px: [f64; 3],
}

impl Placement {
    /// Rounds positions to starts: `p = position - min position`, then nearest or down.
    ///
    /// Values within 1e-6 of an integer count as that integer first. The mosaic ends where the
    /// last tile ends on each axis. Every step uses these starts, so all agree on a voxel.
    ///
    /// # Errors
    /// [`TilesetError::NoTiles`]; [`TilesetError::Position`] and [`TilesetError::Shape`] naming the
    /// tile; [`TilesetError::WrongUnit`] when the mosaic would have more than 2^48 voxels or be
    /// more than 1000 times larger than its tiles together, which a wrong unit does.
    ///
    /// # Examples
    /// ```
    /// use hooke_tileset::placement::{Place, Placement, TileGeometry};
    /// let tile = |y| TileGeometry { position_px: [0.0, y, 2.0], shape: [4, 10, 10] };
    /// let placed = Placement::new(&[tile(-3.2), tile(4.4)], Place::Nearest)?;
    /// assert_eq!(placed.tile(1).start, [0, 8, 0]);
    /// assert_eq!(placed.volume_shape(), [4, 18, 10]);
    /// # Ok::<(), hooke_tileset::TilesetError>(())
    /// ```
    pub fn new(tiles: &[TileGeometry], place: Place) -> Result<Placement, TilesetError> {
        if tiles.is_empty() {
            return Err(TilesetError::NoTiles);
        }
        for (tile, geometry) in tiles.iter().enumerate() {
            check(tile, geometry)?;
        }
        let origin_px: [f64; 3] = std::array::from_fn(|d| {
            tiles.iter().map(|t| t.position_px[d]).fold(f64::INFINITY, f64::min)
        });
        let boxes: Vec<LayoutRegion> = tiles
            .iter()
            .map(|t| LayoutRegion {
                start: std::array::from_fn(|d| to_voxel(t.position_px[d] - origin_px[d], place)),
                shape: t.shape.map(|n| n as i64),
            })
            .collect();
        let volume_shape = std::array::from_fn(|d| {
            boxes.iter().map(|b| b.end()[d] as u64).max().unwrap_or_default()
        });
        check_unit(&boxes, volume_shape)?;
        Ok(Placement { boxes, volume_shape, origin_px })
    }

    /// Places tiles at whole voxels; the smallest start becomes `0, 0, 0`.
    ///
    /// # Errors
    /// As [`Placement::new`], and [`TilesetError::Count`] when the numbers differ.
    pub fn from_starts(
        starts: &[[i64; 3]],
        shapes: &[[u64; 3]],
    ) -> Result<Placement, TilesetError> {
        if starts.len() != shapes.len() {
            return Err(TilesetError::Count { tiles: shapes.len(), positions: starts.len() });
        }
        let tiles: Vec<TileGeometry> = starts
            .iter()
            .zip(shapes)
            .map(|(s, shape)| TileGeometry { position_px: s.map(|v| v as f64), shape: *shape })
            .collect();
        Placement::new(&tiles, Place::Nearest)
    }

    /// Number of tiles, at least 1.
    pub fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Never: a placement has at least one tile.
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// The box of one tile in the mosaic.
    ///
    /// # Panics
    /// When there is no such tile.
    pub fn tile(&self, tile: usize) -> LayoutRegion {
        self.boxes[tile]
    }

    /// The boxes of all tiles, in their order.
    pub fn tiles(&self) -> &[LayoutRegion] {
        &self.boxes
    }

    /// Lengths of the mosaic over `z, y, x`.
    pub fn volume_shape(&self) -> [u64; 3] {
        self.volume_shape
    }

    /// The whole mosaic.
    pub fn mosaic(&self) -> LayoutRegion {
        LayoutRegion::new([0; 3], self.volume_shape.map(|n| n as i64))
    }

    /// The smallest position per axis, voxels: what was subtracted from every position.
    pub fn origin_px(&self) -> [f64; 3] {
        self.origin_px
    }
}

fn to_voxel(p: f64, place: Place) -> i64 {
    if (p - p.round()).abs() <= SAME_INTEGER {
        return p.round() as i64;
    }
    match place {
        Place::Nearest => (p + 0.5).floor() as i64,
        Place::Down => p.floor() as i64,
    }
}

fn check(tile: usize, geometry: &TileGeometry) -> Result<(), TilesetError> {
    if geometry.shape.iter().any(|n| *n == 0 || *n as f64 > LARGEST) {
        return Err(TilesetError::Shape { tile, shape: geometry.shape });
    }
    let in_range = |p: &f64| p.is_finite() && p.abs() <= LARGEST;
    if !geometry.position_px.iter().all(in_range) {
        return Err(TilesetError::Position { tile, found: geometry.position_px });
    }
    Ok(())
}

fn check_unit(boxes: &[LayoutRegion], shape: [u64; 3]) -> Result<(), TilesetError> {
    // Three lengths below 2^42 each fit in 128 bits.
    let voxels: u128 = shape.iter().map(|n| u128::from(*n)).product();
    let tiles: u128 =
        boxes.iter().map(|b| b.shape.map(|n| n as u128).iter().product::<u128>()).sum();
    if voxels > MOST_VOXELS || voxels > MOST_EMPTY * tiles {
        return Err(TilesetError::WrongUnit { shape, voxels, tiles });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up_and_nearly_whole_numbers_are_whole() {
        let cases = [(2.5, 3, 2), (2.4999, 2, 2), (2.999_999_5, 3, 3), (0.0, 0, 0), (3.6, 4, 3)];
        for (p, nearest, down) in cases {
            assert_eq!(to_voxel(p, Place::Nearest), nearest, "{p}");
            assert_eq!(to_voxel(p, Place::Down), down, "{p}");
        }
    }

    #[test]
    fn a_mosaic_far_larger_than_its_tiles_is_a_wrong_unit() {
        let tile = |x| TileGeometry { position_px: [0.0, 0.0, x], shape: [1, 10, 10] };
        assert!(Placement::new(&[tile(0.0), tile(19_000.0)], Place::Nearest).is_ok());
        let error =
            Placement::new(&[tile(0.0), tile(20_000.0)], Place::Nearest).expect_err("refused");
        assert!(matches!(error, TilesetError::WrongUnit { shape: [1, 10, 20_010], .. }));
    }

    #[test]
    fn unusable_tiles_are_named() {
        let good = TileGeometry { position_px: [0.0; 3], shape: [1, 2, 3] };
        let bad = TileGeometry { position_px: [0.0, f64::NAN, 0.0], ..good };
        let error = Placement::new(&[good, bad], Place::Nearest).expect_err("refused");
        assert!(matches!(error, TilesetError::Position { tile: 1, .. }));
        let bad = TileGeometry { shape: [1, 0, 3], ..good };
        let error = Placement::new(&[bad], Place::Nearest).expect_err("refused");
        assert!(matches!(error, TilesetError::Shape { tile: 0, .. }));
        assert!(matches!(Placement::new(&[], Place::Down), Err(TilesetError::NoTiles)));
    }
}
