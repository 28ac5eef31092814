//! Summed-area tables: sums over any box in constant time.

use rayon::prelude::*;

/// Holds, for every corner of a `(z, y, x)` volume, the sum of all voxels before it.
///
/// In `f64`: the sum over a box is off by about 1e-16 of the sum over the whole volume, so a box of
/// nearly nothing in a bright volume has no exact zero. NaN and infinities spoil every box behind them.
///
/// # Reference
/// Crow (1984), doi:10.1145/800031.808600.
///
/// # Examples
/// ```
/// use hooke_filters::integral::IntegralTable;
/// let table = IntegralTable::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 2, 3]);
/// assert_eq!(table.sum([0, 0, 1], [1, 2, 3]), 2.0 + 3.0 + 5.0 + 6.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IntegralTable {
    /// One more than the volume along each axis; the first row, column and plane are 0.
    sums: Vec<f64>,
    shape: [usize; 3],
}

impl IntegralTable {
    /// Sums the voxels of a volume of `shape`; an image has one plane. Parallel over planes.
    ///
    /// # Panics
    /// If `src` does not fit `shape`.
    pub fn new(src: &[f32], shape: [usize; 3]) -> Self {
        Self::of(src, shape, |value| value)
    }

    /// Sums the squares of the voxels. As [`IntegralTable::new`].
    ///
    /// # Panics
    /// If `src` does not fit `shape`.
    pub fn of_squares(src: &[f32], shape: [usize; 3]) -> Self {
        Self::of(src, shape, |value| value * value)
    }

    fn of(src: &[f32], shape: [usize; 3], map: impl Fn(f64) -> f64 + Sync) -> Self {
        let [depth, height, width] = shape;
        assert_eq!(src.len(), depth * height * width, "length of the source");
        let (row, plane) = (width + 1, (width + 1) * (height + 1));
        let mut sums = vec![0.0; (depth + 1) * plane];
        if src.is_empty() {
            return Self { sums, shape };
        }
        sums[plane..].par_chunks_mut(plane).zip(src.par_chunks(height * width)).for_each(
            |(sums, src)| {
                for (y, src) in src.chunks(width).enumerate() {
                    let (above, below) = sums.split_at_mut((y + 1) * row);
                    let above = &above[y * row..];
                    let mut sum = 0.0;
                    for x in 0..width {
                        sum += map(f64::from(src[x]));
                        below[x + 1] = above[x + 1] + sum;
                    }
                }
            },
        );
        for z in 1..depth {
            let (before, after) = sums.split_at_mut((z + 1) * plane);
            let before = &before[z * plane..];
            after[..plane].par_chunks_mut(1 << 14).zip(before.par_chunks(1 << 14)).for_each(
                |(after, before)| {
                    after.iter_mut().zip(before).for_each(|(a, b)| *a += b);
                },
            );
        }
        Self { sums, shape }
    }

    /// Returns the volume's shape.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Returns the sum over the voxels from corner `low` up to, not including, `high`.
    ///
    /// # Panics
    /// If `low` exceeds `high` or `high` the shape along an axis.
    pub fn sum(&self, low: [usize; 3], high: [usize; 3]) -> f64 {
        let [_, height, width] = self.shape;
        assert!(
            (0..3).all(|a| low[a] <= high[a] && high[a] <= self.shape[a]),
            "box {low:?}..{high:?} is not within {:?}",
            self.shape
        );
        let at = |z: usize, y: usize, x: usize| self.sums[(z * (height + 1) + y) * (width + 1) + x];
        let face = |z| {
            at(z, high[1], high[2]) - at(z, low[1], high[2]) - at(z, high[1], low[2])
                + at(z, low[1], low[2])
        };
        face(high[0]) - face(low[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_a_two_by_two_by_two_volume() {
        let src = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let table = IntegralTable::new(&src, [2, 2, 2]);
        assert_eq!(table.sum([0; 3], [2; 3]), 36.0);
        assert_eq!(table.sum([1, 0, 1], [2, 2, 2]), 6.0 + 8.0);
        assert_eq!(table.sum([0, 1, 0], [2, 2, 1]), 3.0 + 7.0);
        assert_eq!(table.sum([1, 1, 1], [1, 2, 2]), 0.0);
        let squares = IntegralTable::of_squares(&src, [2, 2, 2]);
        assert_eq!(squares.sum([1, 1, 0], [2, 2, 2]), 49.0 + 64.0);
    }

    #[test]
    fn an_empty_volume_sums_to_nothing() {
        assert_eq!(IntegralTable::new(&[], [0, 3, 4]).sum([0; 3], [0, 3, 4]), 0.0);
    }
}
