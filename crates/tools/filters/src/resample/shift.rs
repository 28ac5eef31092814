use super::taps::{Outputs, Taps, sum_taps};
use crate::Border;

/// Samples a region of `src` whose first pixel is at `origin`, by linear interpolation.
///
/// `out[p] = src(p + origin)` for every pixel `p` of `out_shape`; so translating an image by `d` is
/// sampling it at `-d`. Whole-numbered components of `origin` copy pixels exactly.
///
/// * `src`: `(z, y, x)` of `shape`; an image has one plane.
/// * `origin`: pixels along z, y, x, may be negative or lie outside.
///
/// Outside `src`, its edge pixel goes on. NaN spreads to the samples that touch it. Precision about
/// 1e-7 of the largest value. Parallel in the current rayon pool, same bits for any thread count.
///
/// # Panics
/// If a length does not fit its shape, `src` is empty and `out` is not, or `origin` is not finite.
///
/// # Examples
/// ```
/// use hooke_filters::resample::shift_linear_into;
/// let mut out = [0.0; 3];
/// shift_linear_into(&[0.0, 4.0, 8.0], [1, 1, 3], [0.0, 0.0, 0.25], &mut out, [1, 1, 3]);
/// assert_eq!(out, [1.0, 5.0, 8.0]);
/// ```
pub fn shift_linear_into(
    src: &[f32],
    shape: [usize; 3],
    origin: [f64; 3],
    out: &mut [f32],
    out_shape: [usize; 3],
) {
    let taps = origin.map(|origin| {
        let (first, fraction) = whole_and_fraction(origin);
        Taps { first, value: [1.0 - fraction, fraction].map(|w| w as f32), slope: [0.0; 2] }
    });
    sum_taps(src, shape, taps, Border::Nearest, out_shape, Outputs::Value(out));
}

/// Samples a region of `src` whose first pixel is at `origin`, by Catmull-Rom interpolation.
///
/// As [`shift_linear_into`] with a smoother curve through the pixels that blurs less: the cubic
/// convolution of Keys (1981) with `a = -0.5`, exact for quadratics away from the edges. May
/// overshoot next to sharp steps, by up to 1/8 of a step per axis.
///
/// # Panics
/// As [`shift_linear_into`].
///
/// # Reference
/// Keys (1981), doi:10.1109/TASSP.1981.1163711.
pub fn shift_cubic_into(
    src: &[f32],
    shape: [usize; 3],
    origin: [f64; 3],
    out: &mut [f32],
    out_shape: [usize; 3],
) {
    let taps = origin.map(|origin| {
        let (whole, t) = whole_and_fraction(origin);
        Taps { first: whole - 1, value: catmull_rom(t).map(|w| w as f32), slope: [0.0; 4] }
    });
    sum_taps(src, shape, taps, Border::Nearest, out_shape, Outputs::Value(out));
}

/// Weights of the pixels at -1, 0, 1, 2 for a sample at `0 <= t < 1`.
fn catmull_rom(t: f64) -> [f64; 4] {
    [
        ((2.0 - t) * t - 1.0) * t / 2.0,
        ((3.0 * t - 5.0) * t * t + 2.0) / 2.0,
        ((4.0 - 3.0 * t) * t + 1.0) * t / 2.0,
        (t - 1.0) * t * t / 2.0,
    ]
}

/// Splits a position into the pixel at or before it and the distance from there, `0 <= d < 1`.
pub(super) fn whole_and_fraction(position: f64) -> (isize, f64) {
    assert!(position.abs() < 1e15, "a position of {position} pixels is not on any image");
    let whole = position.floor();
    (whole as isize, position - whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catmull_rom_weights_are_those_of_keys() {
        assert_eq!(catmull_rom(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(catmull_rom(0.5), [-0.0625, 0.5625, 0.5625, -0.0625]);
        // At 1/4: -9/128, 111/128, 29/128, -3/128
        let quarter = catmull_rom(0.25).map(|w| w * 128.0);
        assert_eq!(quarter, [-9.0, 111.0, 29.0, -3.0]);
    }

    #[test]
    fn linear_is_bilinear_in_two_axes() {
        let src = [0.0, 10.0, 20.0, 30.0];
        let mut out = [0.0; 1];
        shift_linear_into(&src, [1, 2, 2], [0.0, 0.25, 0.5], &mut out, [1, 1, 1]);
        // (0 + 10) / 2 * 3/4 + (20 + 30) / 2 / 4
        assert_eq!(out, [10.0]);
    }

    #[test]
    fn cubic_reproduces_a_parabola_inside() {
        let src: Vec<f32> = (0..8).map(|x| (x * x) as f32).collect();
        let mut out = [0.0; 5];
        shift_cubic_into(&src, [1, 1, 8], [0.0, 0.0, 1.5], &mut out, [1, 1, 5]);
        assert_eq!(out, [2.25, 6.25, 12.25, 20.25, 30.25]);
    }

    #[test]
    fn a_region_far_outside_shows_the_edge() {
        let src: Vec<f32> = (0..6).map(|x| x as f32).collect();
        let mut out = [0.0; 4];
        for shift in [shift_linear_into, shift_cubic_into] {
            shift(&src, [1, 2, 3], [0.0, 0.0, -70.5], &mut out, [1, 2, 2]);
            assert_eq!(out, [0.0, 0.0, 3.0, 3.0]);
            shift(&src, [1, 2, 3], [5.5, 9.0, 70.5], &mut out, [1, 2, 2]);
            assert_eq!(out, [5.0; 4]);
        }
    }
}
