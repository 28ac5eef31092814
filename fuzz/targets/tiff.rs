//! Opens bytes as a TIFF file and reads a bounded part of every image and level.
#![no_main]

#[path = "../parts.rs"]
mod parts;

use std::path::Path;

use hooke_core::Dataset;
use hooke_io::{OpenOptions, tiff};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for rescue in [false, true] {
        let how = OpenOptions { rescue, ..OpenOptions::default() };
        // A folder that is not there, so that no file of a set is found.
        let Ok(dataset) = tiff::open_bytes(data.to_vec(), Path::new("/nowhere/a.tif"), &how) else {
            continue;
        };
        for image in dataset.images().iter().take(4) {
            parts::read_parts(image.as_ref());
        }
    }
});
