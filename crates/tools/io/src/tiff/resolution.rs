//! Pixel sizes from the resolution tags.

use hooke_core::Sourced;

use super::file::TiffFile;
use super::ifd::Ifd;
use super::tag;
use crate::Result;

/// Densities in dots per inch that programs write for printers and screens, not from a microscope.
const PRINT_DPI: [f64; 5] = [72.0, 96.0, 150.0, 300.0, 600.0];

/// Pixels per unit along y and x, `None` where absent, zero or not finite.
///
/// # Errors
/// When a tag is damaged.
pub fn pixels_per_unit(file: &TiffFile, ifd: &Ifd) -> Result<[Option<f64>; 2]> {
    let read = |tag| -> Result<Option<f64>> {
        Ok(file.real(ifd, tag)?.filter(|v| v.is_finite() && *v > 0.0))
    };
    Ok([read(tag::Y_RESOLUTION)?, read(tag::X_RESOLUTION)?])
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
    let density = pixels_per_unit(file, ifd)?;
    let is_print = |d: &f64| PRINT_DPI.iter().any(|p| (p - d).abs() < 1e-6);
    for (size, density) in sizes[1..].iter_mut().zip(density) {
        if let Some(density) = density.filter(|d| unit_um < 20_000.0 || !is_print(d)) {
            *size = Sourced::file(unit_um / density);
        }
    }
    Ok(sizes)
}
