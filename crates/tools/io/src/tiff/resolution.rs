//! Pixel sizes from the resolution tags.

use hooke_core::Sourced;

use super::file::TiffFile;
use super::ifd::Ifd;
use super::tag;
use crate::Result;

/// Densities in dots per inch that programs write for printers and screens, not from a microscope.
const PRINT_DPI: [f64; 5] = [72.0, 96.0, 150.0, 300.0, 600.0];

/// The length of a pixel along y and x in the file's unit, `None` where absent, zero or not finite.
///
/// What a person typed comes back: see [`typed_length`].
///
/// # Errors
/// When a tag is damaged.
pub fn pixel_lengths(file: &TiffFile, ifd: &Ifd, unit: f64) -> Result<[Option<f64>; 2]> {
    let read = |tag| -> Result<Option<f64>> {
        if let Some((top, bottom)) = file.rational(ifd, tag)? {
            return Ok((top > 0 && bottom > 0).then(|| typed_length(top, bottom, unit)));
        }
        Ok(file.real(ifd, tag)?.filter(|v| v.is_finite() && *v > 0.0).map(|v| unit / v))
    };
    Ok([read(tag::Y_RESOLUTION)?, read(tag::X_RESOLUTION)?])
}

/// The length of a pixel for `top / bottom` pixels per `unit`.
///
/// ImageJ writes 0.65 µm as 1538462 / 1000000 pixels per µm, which is 0.6499998. Where the
/// denominator shows that the numerator was rounded, the shortest decimal within that rounding is
/// taken, if it is so short that it cannot be there by chance; else the quotient to 15 digits.
fn typed_length(top: u32, bottom: u32, unit: f64) -> f64 {
    let (p, q) = (f64::from(top), f64::from(bottom));
    let exact = unit * q / p;
    let rounding = match bottom {
        1_000 | 10_000 | 100_000 | 1_000_000 | 10_000_000 | 100_000_000 | 1_000_000_000 => 0.5 / p,
        // Programs that scale a single-precision number by a power of two.
        b if b >= 1024 && b.is_power_of_two() => (0.5 / p).max(6e-8),
        _ => 0.0,
    };
    let digits = |n: usize| format!("{exact:.*e}", n - 1).parse().unwrap_or(exact);
    let first = exact.log10().floor();
    for n in 1..15 {
        let step = 10f64.powf(first + 1.0 - n as f64) / exact;
        if step < 20.0 * rounding {
            break;
        }
        let short: f64 = digits(n);
        if (short - exact).abs() <= rounding * exact {
            return short;
        }
    }
    digits(15)
}

/// Pixel sizes in µm over `z, y, x`, z unknown, from the resolution tags and their own unit.
///
/// Resolutions without a unit say nothing. Those of a printer (72, 96, 150, 300 or 600 dots per
/// inch) are taken as unknown, since hardly any are a calibration.
///
/// # Errors
/// When a tag is damaged.
pub fn voxel_size_um(file: &TiffFile, ifd: &Ifd) -> Result<[Sourced<f64>; 3]> {
    let mut sizes = [Sourced::unknown(); 3];
    let unit_um = match file.uint(ifd, tag::RESOLUTION_UNIT)?.unwrap_or(2) {
        2 => 25_400.0,
        3 => 10_000.0,
        _ => return Ok(sizes),
    };
    let is_print = |size: &f64| PRINT_DPI.iter().any(|p| (p - unit_um / size).abs() < 1e-6);
    for (size, length) in sizes[1..].iter_mut().zip(pixel_lengths(file, ifd, unit_um)?) {
        if let Some(length) = length.filter(|l| unit_um < 20_000.0 || !is_print(l)) {
            *size = Sourced::file(length);
        }
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::typed_length;

    #[test]
    fn a_typed_pixel_size_comes_back() {
        // ImageJ: pixels per µm in millionths.
        assert_eq!(typed_length(1_538_462, 1_000_000, 1.0), 0.65);
        assert_eq!(typed_length(9_229_349, 1_000_000, 1.0), 0.10835);
        // Ours: the simplest fraction; in float arithmetic 1 / (20 / 13) is 0.6499999999999999.
        assert_eq!(typed_length(20, 13, 1.0), 0.65);
        assert_eq!(typed_length(200_000, 13, 1e4), 0.65);
        // Pixels per centimetre in thousandths.
        assert_eq!(typed_length(7_316_359, 1_000, 1e4), 1.3668);
        assert_eq!(typed_length(2, 1, 1.0), 0.5);
    }

    #[test]
    fn what_is_no_short_decimal_is_left_alone() {
        let third = typed_length(3, 1, 1.0);
        assert!((third - 1.0 / 3.0).abs() < 1e-15, "{third}");
        // 6.5 / 60 µm is known to seven digits only, and no shorter number is meant.
        let size = typed_length(9_230_769, 1_000_000, 1.0);
        assert!((size - 6.5 / 60.0).abs() < 1e-8 && size != 0.10833, "{size}");
    }
}
