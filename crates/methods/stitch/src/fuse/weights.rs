//! Blend weights of a tile, axis by axis.

use ndarray::Array3;

/// Weights of the `linear` blend of a whole tile: distance to the nearest border, counted from 1.
///
/// Axes of length 1 do not count (ClearMap counts them, which makes every weight 1), so a
/// `(1, 5, 4)` tile has 1 on its border and 2 inside.
pub fn blend_weights(shape: [usize; 3]) -> Array3<f64> {
    Array3::from_shape_fn(shape, |(z, y, x)| {
        [z, y, x]
            .into_iter()
            .zip(shape)
            .map(|(u, size)| linear(u as f64, size))
            .fold(f64::INFINITY, f64::min)
    })
    .mapv(|w| if w.is_finite() { w } else { 1.0 })
}

/// One axis of the `linear` weight at local coordinate `u`; infinite along axes of length 1.
#[inline]
pub(crate) fn linear(u: f64, size: usize) -> f64 {
    if size > 1 { border(u, size) } else { f64::INFINITY }
}

/// One axis of the `cosine` weight at local coordinate `u`; 1 along axes of length 1.
#[inline]
pub(crate) fn cosine(u: f64, size: usize, ramp: f64) -> f64 {
    if size == 1 {
        return 1.0;
    }
    let angle = std::f64::consts::FRAC_PI_2 * (border(u, size) / (ramp + 1.0)).min(1.0);
    angle.sin().powi(2)
}

/// Distance to the nearer end of the axis, counted from 1.
#[inline]
fn border(u: f64, size: usize) -> f64 {
    u.min((size - 1) as f64 - u) + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_grow_by_one_per_voxel_from_the_border() {
        let w = blend_weights([1, 5, 4]);
        assert_eq!(w.as_slice().expect("C order")[4..8], [1.0, 2.0, 2.0, 1.0]);
        assert_eq!(w.sum(), 14.0 + 2.0 * 6.0);
        assert_eq!(blend_weights([1, 1, 1])[[0, 0, 0]], 1.0);
    }

    #[test]
    fn the_cosine_ramp_ends_at_one_and_is_half_way_in_the_middle() {
        assert_eq!(cosine(9.0, 100, 9.0), 1.0);
        assert!((cosine(4.0, 100, 9.0) - 0.5).abs() < 1e-15);
        assert_eq!(cosine(0.0, 100, 0.0), 1.0);
    }
}
