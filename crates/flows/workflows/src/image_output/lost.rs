//! What of an image's metadata a format cannot hold.

use hooke_core::{Channel, ImageMeta};
use hooke_io::{netcdf, tiff};

use super::format::OutputFormat;

const SIZE_Z: &str = "voxel size along z";
const SIZE_YX: &str = "voxel size along y and x";
const ORIGIN: &str = "origin";
const TURN: &str = "rotation or shear";
const CHANNELS: &str = "channels";
const WAVELENGTHS: &str = "wavelengths";
const INTERVAL: &str = "frame interval";
const TIMES: &str = "frame times";
const SIGNIFICANT_BITS: &str = "significant bits";
const LABELS: &str = "labels";

/// What is known about an image, by name.
fn known_items(meta: &ImageMeta) -> impl Iterator<Item = &'static str> + use<> {
    let sized = meta.voxel_size_um.map(|s| s.value.is_some());
    let named = |c: &Channel| c.name.is_some() || c.color.is_some();
    let waves = |c: &Channel| c.excitation_nm.is_some() || c.emission_nm.is_some();
    let items = [
        (SIZE_Z, sized[0]),
        (SIZE_YX, sized[1] || sized[2]),
        (ORIGIN, meta.origin_um.iter().any(|o| o.value.is_some())),
        (TURN, meta.is_turned()),
        (CHANNELS, meta.channels.iter().any(named)),
        (WAVELENGTHS, meta.channels.iter().any(waves)),
        (INTERVAL, meta.frame_interval_s.is_some()),
        (TIMES, meta.frame_times_s.is_some()),
        (SIGNIFICANT_BITS, meta.significant_bits < 8 * meta.dtype.size() as u32),
        (LABELS, meta.labels),
    ];
    items.into_iter().filter_map(|(name, known)| known.then_some(name))
}

impl OutputFormat {
    /// What the format cannot hold of any of these images, as a warning.
    pub(super) fn lost_of(self, metas: &[ImageMeta]) -> Option<(String, String)> {
        let mut lost: Vec<&str> = Vec::new();
        for item in metas.iter().flat_map(|meta| self.lost(meta)) {
            if !lost.contains(&item) {
                lost.push(item);
            }
        }
        let what = format!("{} does not hold {}", self.name(), lost.join(", "));
        (!lost.is_empty()).then(|| ("not-stored".to_owned(), what))
    }

    /// What of the metadata the format cannot hold.
    fn lost(self, meta: &ImageMeta) -> Vec<&'static str> {
        let keeps: &[&str] = match self {
            OutputFormat::Tiff(kind) => return tiff::lost_items(meta, kind),
            OutputFormat::Netcdf => return netcdf::lost_items(meta),
            OutputFormat::Npy => return Vec::new(),
            OutputFormat::OmeZarr | OutputFormat::N5 => &[
                SIZE_Z,
                SIZE_YX,
                ORIGIN,
                CHANNELS,
                WAVELENGTHS,
                INTERVAL,
                TIMES,
                SIGNIFICANT_BITS,
                LABELS,
            ],
            OutputFormat::Hdf5 => &[SIZE_Z, SIZE_YX, ORIGIN, CHANNELS, INTERVAL],
            OutputFormat::Bdv | OutputFormat::BdvN5 | OutputFormat::BdvZarr => {
                &[SIZE_Z, SIZE_YX, ORIGIN, CHANNELS, INTERVAL]
            }
            OutputFormat::Npz => &[SIZE_Z, SIZE_YX],
            OutputFormat::Png | OutputFormat::Mp4 => &[],
            // Files of a folder keep the sizes within their plane.
            OutputFormat::ImageFolder => &[SIZE_YX],
        };
        known_items(meta).filter(|item| !keeps.contains(item)).collect()
    }
}

#[cfg(test)]
mod tests {
    use hooke_core::{Axes, Dtype, Sourced};

    use super::*;

    #[test]
    fn what_a_format_does_not_hold_is_named() {
        let mut meta = ImageMeta::new("a", Axes::TCZYX, [2, 1, 1, 4, 4], Dtype::Uint16);
        let lost = |meta: &ImageMeta, format: OutputFormat| format.lost(meta);
        for format in
            [OutputFormat::OmeZarr, OutputFormat::Hdf5, OutputFormat::Bdv, OutputFormat::Png]
        {
            assert!(lost(&meta, format).is_empty(), "{format:?}");
        }
        meta.voxel_size_um = [Sourced::file(0.5); 3];
        meta.frame_times_s = Some(vec![0.0, 1.5]);
        meta.significant_bits = 12;
        meta.channels = vec![Channel { emission_nm: Some(520.0), ..Channel::default() }];
        // A calibrated affine says nothing that the sizes do not; a turned one does.
        meta.affine = Some([0.5, 0.0, 0.0, 3.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.5, 0.0]);
        assert!(lost(&meta, OutputFormat::OmeZarr).is_empty());
        assert_eq!(lost(&meta, OutputFormat::Hdf5), [WAVELENGTHS, TIMES, SIGNIFICANT_BITS]);
        assert_eq!(lost(&meta, OutputFormat::ImageFolder)[0], SIZE_Z);
        assert_eq!(lost(&meta, OutputFormat::Png)[..2], [SIZE_Z, SIZE_YX]);
        meta.affine = Some([0.5, 0.1, 0.0, 3.0, -0.1, 0.5, 0.0, 1.0, 0.0, 0.0, 0.5, 0.0]);
        assert_eq!(lost(&meta, OutputFormat::OmeZarr), [TURN]);
    }
}
