//! 3x4 maps from voxels `(x, y, z)` to the world.

use serde::{Deserialize, Serialize};

/// Entries off the diagonal up to this part of the largest one count as rounding.
const ROUNDING: f64 = 1e-6;

/// A map `world = M (x, y, z, 1)`, row-major, rows of four.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Affine(pub [f64; 12]);

impl Affine {
    /// The map that changes nothing.
    pub const IDENTITY: Affine =
        Affine([1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);

    /// A shift over `(x, y, z)`.
    pub fn translation([x, y, z]: [f64; 3]) -> Affine {
        Affine([1.0, 0.0, 0.0, x, 0.0, 1.0, 0.0, y, 0.0, 0.0, 1.0, z])
    }

    /// A scaling over `(x, y, z)`.
    pub fn scaling([x, y, z]: [f64; 3]) -> Affine {
        Affine([x, 0.0, 0.0, 0.0, 0.0, y, 0.0, 0.0, 0.0, 0.0, z, 0.0])
    }

    /// The map that applies `inner` first and this one after it: the matrix product.
    pub fn after(&self, inner: &Affine) -> Affine {
        let (a, b) = (&self.0, &inner.0);
        Affine(std::array::from_fn(|i| {
            let (row, column) = (i / 4, i % 4);
            let sum: f64 = (0..3).map(|k| a[4 * row + k] * b[4 * k + column]).sum();
            if column == 3 { sum + a[4 * row + 3] } else { sum }
        }))
    }

    /// Whether there is more than scaling and shift: rotation or shear.
    pub fn has_rotation(&self) -> bool {
        let entry = |row: usize, column: usize| self.0[4 * row + column].abs();
        let largest = (0..3).map(|d| entry(d, d)).fold(0.0, f64::max);
        (0..3).any(|r| (0..3).any(|c| r != c && entry(r, c) > ROUNDING * largest))
    }

    /// The angle of the rotation in degrees, its axes' lengths and the shift left out.
    pub fn rotation_degrees(&self) -> f64 {
        let entry = |row: usize, column: usize| self.0[4 * row + column];
        let length = |c: usize| (0..3).map(|r| entry(r, c).powi(2)).sum::<f64>().sqrt();
        let trace: f64 = (0..3).map(|d| entry(d, d) / length(d)).sum();
        ((trace - 1.0) / 2.0).clamp(-1.0, 1.0).acos().to_degrees()
    }

    /// Position of voxel (0, 0, 0) in voxels over `(z, y, x)`: the shift divided by the scaling.
    ///
    /// Not finite along an axis whose scaling is 0.
    pub fn offset_px(&self) -> [f64; 3] {
        [2, 1, 0].map(|d| self.0[4 * d + 3] / self.0[5 * d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_map_of_a_product_applies_last() {
        let shift = Affine::translation([8.0, 0.0, -2.0]);
        let scale = Affine::scaling([2.0, 1.0, 4.0]);
        let both = shift.after(&scale);
        assert_eq!(both.offset_px(), [-0.5, 0.0, 4.0]);
        assert_eq!(scale.after(&shift).offset_px(), [-2.0, 0.0, 8.0]);
        assert_eq!(Affine::IDENTITY.after(&both), both);
    }

    #[test]
    fn rounding_is_no_rotation() {
        let mut a = Affine::scaling([1.0, 1.0, 4.0]);
        a.0[1] = 3e-6;
        assert!(!a.has_rotation());
        a.0[1] = 5e-6;
        assert!(a.has_rotation());
        let (sin, cos) = 3f64.to_radians().sin_cos();
        let turn = Affine([cos, -sin, 0.0, 5.0, sin, cos, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let degrees = turn.after(&Affine::scaling([0.2, 0.2, 4.0])).rotation_degrees();
        assert!((degrees - 3.0).abs() < 1e-9, "{degrees}");
    }
}
