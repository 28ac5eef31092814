use super::shift::whole_and_fraction;
use super::taps::{Outputs, Taps, sum_taps};
use crate::Border;
use crate::fir::convolve_symmetric_into;

/// Pole of the cubic B-spline's inverse filter, `sqrt(3) - 2`.
const POLE: f64 = -0.267_949_192_431_122_7;

/// Reach of the inverse filter. It falls by `|POLE|` per pixel: the rest is 1e-7, a rounding error.
const REACH: usize = 12;

/// Computes the cubic B-spline coefficients of a `(z, y, x)` volume; an image has one plane.
///
/// The spline through these coefficients goes through every pixel of `src`, which is mirrored about
/// its edge pixels. Same as `scipy.ndimage.spline_filter(order=3, mode="mirror")` to about 1e-6 of
/// the largest value: the recursive filter is written out as its impulse response
/// `sqrt(3) POLE^|k|`, `|k| <= 12`, which needs no sequential pass along rows.
///
/// NaN spreads up to 12 pixels along each axis. Parallel, same bits for any thread count.
///
/// # Panics
/// If a length does not fit `shape`.
///
/// # Reference
/// Unser (1999), doi:10.1109/79.799930.
pub fn spline_coefficients_into(src: &[f32], shape: [usize; 3], out: &mut [f32]) {
    let mut response = [0.0_f32; REACH + 1];
    for (k, weight) in response.iter_mut().enumerate() {
        *weight = (3.0_f64.sqrt() * POLE.powi(k as i32)) as f32;
    }
    let kernels = [Some(response.as_slice()); 3];
    convolve_symmetric_into(src, shape, kernels, Border::Mirror, out);
}

/// Samples a spline at a region whose first pixel is at `origin`: `out[p] = s(p + origin)`.
///
/// * `coefficients`: from [`spline_coefficients_into`], of `shape`.
/// * `origin`: pixels along z, y, x; outside the volume the spline is mirrored.
///
/// At whole positions this is the source to about 1e-6 of its largest value. An axis of length 1 is
/// constant. Parallel, same bits for any thread count.
///
/// # Panics
/// If a length does not fit its shape, the spline is empty and `out` is not, or `origin` is not finite.
pub fn spline_sample_into(
    coefficients: &[f32],
    shape: [usize; 3],
    origin: [f64; 3],
    out: &mut [f32],
    out_shape: [usize; 3],
) {
    let taps = spline_taps(shape, origin);
    sum_taps(coefficients, shape, taps, Border::Mirror, out_shape, Outputs::Value(out));
}

/// Where [`spline_samples_into`] writes: four arrays of the region's shape.
#[derive(Debug)]
pub struct SplineSamples<'a> {
    /// The spline itself.
    pub value: &'a mut [f32],
    /// Its derivative along z, per pixel.
    pub dz: &'a mut [f32],
    /// Its derivative along y, per pixel.
    pub dy: &'a mut [f32],
    /// Its derivative along x, per pixel.
    pub dx: &'a mut [f32],
}

/// Samples a spline and its gradient at a region whose first pixel is at `origin`.
///
/// As [`spline_sample_into`], with the exact derivatives of the same spline. Along an axis of length
/// 1 the derivative is 0.
///
/// # Panics
/// As [`spline_sample_into`].
pub fn spline_samples_into(
    coefficients: &[f32],
    shape: [usize; 3],
    origin: [f64; 3],
    out: SplineSamples<'_>,
    out_shape: [usize; 3],
) {
    let taps = spline_taps(shape, origin);
    let outputs = Outputs::All([out.value, out.dz, out.dy, out.dx]);
    sum_taps(coefficients, shape, taps, Border::Mirror, out_shape, outputs);
}

fn spline_taps(shape: [usize; 3], origin: [f64; 3]) -> [Taps<4>; 3] {
    std::array::from_fn(|axis| {
        let (whole, t) = whole_and_fraction(origin[axis]);
        if shape[axis] == 1 {
            return Taps { first: 0, value: [1.0, 0.0, 0.0, 0.0], slope: [0.0; 4] };
        }
        Taps {
            first: whole - 1,
            value: b_spline(t).map(|w| w as f32),
            slope: b_spline_slope(t).map(|w| w as f32),
        }
    })
}

/// Cubic B-spline centred on the pixels at -1, 0, 1, 2, at `0 <= t < 1`.
fn b_spline(t: f64) -> [f64; 4] {
    let u = 1.0 - t;
    [
        u * u * u / 6.0,
        (4.0 + t * t * (3.0 * t - 6.0)) / 6.0,
        (4.0 + u * u * (3.0 * u - 6.0)) / 6.0,
        t * t * t / 6.0,
    ]
}

/// Derivative of [`b_spline`] with respect to `t`.
fn b_spline_slope(t: f64) -> [f64; 4] {
    let u = 1.0 - t;
    [-u * u / 2.0, t * (3.0 * t - 4.0) / 2.0, -u * (3.0 * u - 4.0) / 2.0, t * t / 2.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_cubic_b_spline() {
        assert_eq!(b_spline(0.0).map(|w| w * 6.0), [1.0, 4.0, 1.0, 0.0]);
        assert_eq!(b_spline(0.5).map(|w| w * 48.0), [1.0, 23.0, 23.0, 1.0]);
        assert_eq!(b_spline_slope(0.0), [-0.5, 0.0, 0.5, 0.0]);
        assert_eq!(b_spline_slope(0.5), [-0.125, -0.625, 0.625, 0.125]);
    }

    #[test]
    fn coefficients_solve_the_interpolation_of_three_pixels() {
        // Mirrored: (4 a + 2 b) / 6 = 0, (a + 4 b + c) / 6 = 6, (2 b + 4 c) / 6 = 0, so b = 12, a = c = -6.
        let mut out = [0.0; 3];
        spline_coefficients_into(&[0.0, 6.0, 0.0], [1, 1, 3], &mut out);
        for (found, wanted) in out.iter().zip([-6.0, 12.0, -6.0]) {
            assert!((found - wanted).abs() < 5e-6, "{out:?}");
        }
    }

    #[test]
    fn derivatives_of_a_plane_are_its_slopes() {
        let shape = [24, 26, 28];
        let src: Vec<f32> = (0..shape.iter().product())
            .map(|i| {
                let (z, y, x) = (i / (26 * 28), i / 28 % 26, i % 28);
                (3 * z) as f32 - (2 * y) as f32 + 0.5 * x as f32
            })
            .collect();
        let mut coefficients = vec![0.0; src.len()];
        spline_coefficients_into(&src, shape, &mut coefficients);
        let (mut value, mut dz, mut dy, mut dx) = ([0.0; 8], [0.0; 8], [0.0; 8], [0.0; 8]);
        let samples = SplineSamples { value: &mut value, dz: &mut dz, dy: &mut dy, dx: &mut dx };
        // The mirrored edge bends the plane; its middle is straight to |POLE|^11.
        spline_samples_into(&coefficients, shape, [11.25, 11.5, 12.75], samples, [2, 2, 2]);
        let first = 3.0 * 11.25 - 2.0 * 11.5 + 0.5 * 12.75;
        assert!((value[0] - first).abs() < 2e-5, "{value:?}");
        assert!((value[7] - (first + 1.5)).abs() < 2e-5, "{value:?}");
        assert!(dz.iter().all(|d| (d - 3.0).abs() < 2e-5), "{dz:?}");
        assert!(dy.iter().all(|d| (d + 2.0).abs() < 2e-5), "{dy:?}");
        assert!(dx.iter().all(|d| (d - 0.5).abs() < 2e-5), "{dx:?}");
    }
}
