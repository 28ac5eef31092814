//! Opens bytes as a TIFF file and reads a bounded part of every image and level.
#![no_main]

use std::path::Path;

use hooke_core::{Dataset, ImageSource, Pixels, Region};
use hooke_io::{OpenOptions, tiff};
use libfuzzer_sys::fuzz_target;

/// Voxels of a region that are read; more only takes time.
const MOST: [u64; 5] = [2, 3, 2, 600, 600];

fuzz_target!(|data: &[u8]| {
    for rescue in [false, true] {
        let how = OpenOptions { rescue, ..OpenOptions::default() };
        // A folder that is not there, so that no file of a set is found.
        let Ok(dataset) = tiff::open_bytes(data.to_vec(), Path::new("/nowhere/a.tif"), &how) else {
            continue;
        };
        for image in dataset.images().iter().take(4) {
            read_parts(image.as_ref());
        }
    }
});

fn read_parts(image: &dyn ImageSource) {
    let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
    for (l, level) in image.levels().iter().enumerate().take(3) {
        let first = Region::new([0; 5], std::array::from_fn(|d| level.shape[d].min(MOST[d])));
        let start = std::array::from_fn(|d| level.shape[d] - first.shape[d]);
        let _ = image.read(l, &first, &mut pixels);
        let _ = image.read(l, &Region::new(start, first.shape), &mut pixels);
    }
}
