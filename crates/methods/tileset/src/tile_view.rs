//! Tiles read with axes reversed or voxels skipped.

use hooke_core::{TileError, TilePixels};

/// Tiles with some axes reversed, as a stage or camera mounted the other way gives them.
///
/// Wrap the tiles once and every method sees them reversed.
pub struct Flipped<'a, T> {
    /// The tiles as they lie.
    pub tiles: &'a dyn TilePixels<T>,
    /// Lengths of every tile over `z, y, x`.
    pub shapes: &'a [[u64; 3]],
    /// Which of `z, y, x` to reverse.
    pub axes: [bool; 3],
}

impl<T: Copy> TilePixels<T> for Flipped<'_, T> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        let whole = shape_of(self.shapes, tile, start, shape)?;
        let from = std::array::from_fn(|d| match self.axes[d] {
            true => whole[d] - start[d] - shape[d],
            false => start[d],
        });
        self.tiles.read(tile, from, shape, out)?;
        reverse(out, shape, self.axes);
        Ok(())
    }
}

/// Reverses axes of a C-ordered array in place.
fn reverse<T>(values: &mut [T], shape: [usize; 3], axes: [bool; 3]) {
    // Planes, rows and samples are blocks of one array: swapping blocks end to end reverses an axis.
    for (axis, _) in axes.iter().enumerate().filter(|(_, wanted)| **wanted) {
        let block: usize = shape[axis + 1..].iter().product();
        let group = block * shape[axis];
        if block == 1 {
            values.chunks_mut(group.max(1)).for_each(<[T]>::reverse);
            continue;
        }
        for group in values.chunks_mut(group.max(1)) {
            let n = group.len() / block.max(1);
            for i in 0..n / 2 {
                let (low, high) = group.split_at_mut((n - 1 - i) * block);
                low[i * block..(i + 1) * block].swap_with_slice(&mut high[..block]);
            }
        }
    }
}

/// Tiles of which every `step`-th voxel is kept, from the first: lengths `ceil(n / step)`.
pub struct Strided<'a, T> {
    /// The tiles as they lie.
    pub tiles: &'a dyn TilePixels<T>,
    /// Lengths of every tile before skipping, over `z, y, x`.
    pub shapes: &'a [[u64; 3]],
    /// Steps over `z, y, x`, at least 1.
    pub step: [usize; 3],
}

/// The lengths of a tile of which every `step`-th voxel is kept.
///
/// # Panics
/// When a step is 0.
pub fn strided_shape(shape: [u64; 3], step: [usize; 3]) -> [u64; 3] {
    std::array::from_fn(|d| shape[d].div_ceil(step[d] as u64))
}

impl<T: Copy> TilePixels<T> for Strided<'_, T> {
    fn read(
        &self,
        tile: usize,
        start: [usize; 3],
        shape: [usize; 3],
        out: &mut Vec<T>,
    ) -> Result<(), TileError> {
        let kept: Vec<[u64; 3]> =
            self.shapes.iter().map(|s| strided_shape(*s, self.step)).collect();
        shape_of(&kept, tile, start, shape)?;
        out.clear();
        if shape.contains(&0) {
            return Ok(());
        }
        let [_, y, x] = self.step;
        let plane = [1, (shape[1] - 1) * y + 1, (shape[2] - 1) * x + 1];
        let mut buffer = Vec::new();
        for z in start[0]..start[0] + shape[0] {
            let from = [z * self.step[0], start[1] * y, start[2] * x];
            self.tiles.read(tile, from, plane, &mut buffer)?;
            for row in buffer.chunks(plane[2]).step_by(y) {
                out.extend(row.iter().step_by(x));
            }
        }
        Ok(())
    }
}

fn shape_of(
    shapes: &[[u64; 3]],
    tile: usize,
    start: [usize; 3],
    shape: [usize; 3],
) -> Result<[usize; 3], TileError> {
    let error = |what: String| TileError { tile, source: what.into() };
    let whole = shapes
        .get(tile)
        .ok_or_else(|| error(format!("there are only {} tiles", shapes.len())))?
        .map(|n| n as usize);
    if (0..3).any(|d| start[d] + shape[d] > whole[d]) {
        return Err(error(format!("box {start:?} + {shape:?} does not fit {whole:?}")));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use hooke_core::TilesInMemory;
    use ndarray::{Array3, s};

    use super::*;

    fn read<T: Copy>(tiles: &dyn TilePixels<T>, start: [usize; 3], shape: [usize; 3]) -> Vec<T> {
        let mut out = Vec::new();
        tiles.read(0, start, shape, &mut out).expect("the box fits");
        out
    }

    #[test]
    fn any_box_of_a_reversed_tile_is_the_box_of_the_reversed_array() {
        let array = Array3::from_shape_fn((2, 3, 5), |(z, y, x)| 100 * z + 10 * y + x);
        let tiles = TilesInMemory { tiles: vec![array.view()] };
        for bits in 0..8 {
            let axes = [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0];
            let flipped = Flipped { tiles: &tiles, shapes: &[[2, 3, 5]], axes };
            let step = axes.map(|a| if a { -1 } else { 1 });
            let whole = array.slice(s![..;step[0], ..;step[1], ..;step[2]]);
            let wanted = whole.slice(s![.., 1..3, 1..4]);
            assert_eq!(
                read(&flipped, [0, 1, 1], [2, 2, 3]),
                wanted.iter().copied().collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn skipping_keeps_the_first_voxel_and_rounds_lengths_up() {
        let array = Array3::from_shape_fn((3, 4, 7), |(z, y, x)| 100 * z + 10 * y + x);
        let tiles = TilesInMemory { tiles: vec![array.view()] };
        let strided = Strided { tiles: &tiles, shapes: &[[3, 4, 7]], step: [2, 3, 4] };
        assert_eq!(strided_shape([3, 4, 7], strided.step), [2, 2, 2]);
        assert_eq!(read(&strided, [0; 3], [2, 2, 2]), [0, 4, 30, 34, 200, 204, 230, 234]);
        assert_eq!(read(&strided, [1, 1, 0], [1, 1, 2]), [230, 234]);
        assert!(strided.read(0, [1, 1, 0], [2, 1, 1], &mut Vec::new()).is_err());
    }
}
