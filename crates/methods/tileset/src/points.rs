//! Points of tiles in the whole sample, and back.

use crate::error::TilesetError;
use crate::positions::minimum;

/// Where points of tiles lie in the sample: `local + position - min position`.
///
/// # Arguments
/// * `points` — `(tile, point)` over `z, y, x`, in the unit of the positions: µm, or voxels.
/// * `keep_origin` — adds the position as it is, without subtracting the minimum.
///
/// # Errors
/// [`TilesetError::Row`] for a tile there is not; a negative tile is not counted from the end.
///
/// # Examples
/// ```
/// use hooke_tileset::points::to_global;
/// let positions = [[5.0, 0.0, 0.0], [5.0, 0.0, 9.5]];
/// let found = to_global(&[(1, [1.0, 2.0, 3.0])], &positions, false)?;
/// assert_eq!(found, [[1.0, 2.0, 12.5]]);
/// # Ok::<(), hooke_tileset::TilesetError>(())
/// ```
pub fn to_global(
    points: &[(i64, [f64; 3])],
    positions: &[[f64; 3]],
    keep_origin: bool,
) -> Result<Vec<[f64; 3]>, TilesetError> {
    let origin = if keep_origin { [0.0; 3] } else { minimum(positions) };
    let tiles = positions.len();
    let global = |(row, (tile, point)): (usize, &(i64, [f64; 3]))| {
        let position = usize::try_from(*tile).ok().and_then(|t| positions.get(t));
        let position = position.ok_or_else(|| TilesetError::Row {
            row,
            why: format!("tile {tile} is not one of the {tiles} tiles (0 to {})", tiles.max(1) - 1),
        })?;
        Ok(std::array::from_fn(|d| point[d] + position[d] - origin[d]))
    };
    points.iter().enumerate().map(global).collect()
}

/// A point of the sample in one of the tiles that contain it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalPoint {
    /// The point's number in the input.
    pub point: usize,
    /// The tile and the point in it, over `z, y, x`; `None` when no tile contains the point.
    pub place: Option<(usize, [f64; 3])>,
}

/// Finds the tiles that contain each point of the sample, ordered by point, then tile.
///
/// A tile contains what its voxels cover: half a voxel before the centre of its first to half a
/// voxel after the centre of its last, the far end excluded. A point in no tile gives one row.
///
/// # Arguments
/// * `points` — over `z, y, x`, in the unit of the positions.
/// * `shapes` — of the tiles, voxels.
/// * `voxel` — a voxel in that unit: µm, or 1 where the positions are in voxels.
/// * `keep_origin` — the points were made with the position as it is.
///
/// # Errors
/// [`TilesetError::Count`] when the numbers of positions and shapes differ.
pub fn to_local(
    points: &[[f64; 3]],
    positions: &[[f64; 3]],
    shapes: &[[u64; 3]],
    voxel: [f64; 3],
    keep_origin: bool,
) -> Result<Vec<LocalPoint>, TilesetError> {
    if positions.len() != shapes.len() {
        return Err(TilesetError::Count { tiles: shapes.len(), positions: positions.len() });
    }
    let origin = if keep_origin { [0.0; 3] } else { minimum(positions) };
    let mut found = Vec::new();
    for (point, at) in points.iter().enumerate() {
        let before = found.len();
        for (tile, (position, shape)) in positions.iter().zip(shapes).enumerate() {
            let local: [f64; 3] = std::array::from_fn(|d| at[d] + origin[d] - position[d]);
            let covered = |d: usize| {
                let voxels = local[d] / voxel[d];
                -0.5 <= voxels && voxels < shape[d] as f64 - 0.5
            };
            if (0..3).all(covered) {
                found.push(LocalPoint { point, place: Some((tile, local)) });
            }
        }
        if found.len() == before {
            found.push(LocalPoint { point, place: None });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_may_lie_in_two_tiles_or_in_none() {
        let positions = [[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]];
        let found = to_local(
            &[[0.0, 0.0, 4.5], [9.0, 0.0, 0.0], [0.0, 0.0, 12.9]],
            &positions,
            &[[1, 10, 10]; 2],
            [2.0, 1.0, 1.0],
            false,
        )
        .expect("as many shapes");
        let tiles: Vec<_> = found.iter().map(|f| (f.point, f.place.map(|p| p.0))).collect();
        assert_eq!(tiles, [(0, Some(0)), (0, Some(1)), (1, None), (2, Some(1))]);
        assert_eq!(found[1].place, Some((1, [0.0, 0.0, 0.5])));
    }

    #[test]
    fn a_tile_there_is_not_is_an_error_with_its_row() {
        for bad in [-1, 2, i64::MAX] {
            let error = to_global(&[(0, [0.0; 3]), (bad, [0.0; 3])], &[[0.0; 3]; 2], true);
            assert!(error.expect_err("refused").to_string().starts_with("row 1: tile"));
        }
    }
}
