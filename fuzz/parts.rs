//! What the targets of whole files share.

use std::path::Path;

use hooke_core::{Dataset, ImageSource, Pixels, Region};
use hooke_io::{OpenOptions, Result};

/// Voxels of a region that are read; more only takes time.
const MOST: [u64; 5] = [2, 3, 2, 600, 600];

/// Opens bytes as a file, strictly and to rescue, and reads a bounded part of some images.
///
/// Pixels are read from files only; `./x fuzz` puts temporary files in memory.
#[allow(dead_code, reason = "TIFF is read from bytes")]
pub fn open_and_read<D: Dataset>(
    suffix: &str,
    data: &[u8],
    open: impl Fn(&Path, &OpenOptions) -> Result<D>,
) {
    let path = std::env::temp_dir().join(format!("hooke-{}.{suffix}", std::process::id()));
    std::fs::write(&path, data).expect("a scratch file can be written");
    for rescue in [false, true] {
        let how = OpenOptions { rescue, ..OpenOptions::default() };
        let Ok(dataset) = open(&path, &how) else { continue };
        for image in dataset.images().iter().take(4) {
            read_parts(image.as_ref());
        }
    }
}

/// Reads the first and the last voxels of some levels.
pub fn read_parts(image: &dyn ImageSource) {
    let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
    for (l, level) in image.levels().iter().enumerate().take(3) {
        let first = Region::new([0; 5], std::array::from_fn(|d| level.shape[d].min(MOST[d])));
        let start = std::array::from_fn(|d| level.shape[d] - first.shape[d]);
        let _ = image.read(l, &first, &mut pixels);
        let _ = image.read(l, &Region::new(start, first.shape), &mut pixels);
    }
}
