//! Reads the headers of a JPEG 2000 file, and a bounded part of each of its resolutions.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use hooke_core::{Dataset, Dtype, Pixels, Region};
use hooke_io::{OpenOptions, jpeg2000};
use libfuzzer_sys::fuzz_target;

/// Files of more pixels than this only take time.
const MOST: u64 = 1 << 20;

/// Pixels are read from files only; `./x fuzz` puts temporary files in memory.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("hooke-{}.jp2", std::process::id())));

fuzz_target!(|data: &[u8]| {
    std::fs::write(&*FILE, data).expect("a scratch file can be written");
    for (axes, rescue) in [(None, false), (Some("xyz".to_owned()), true)] {
        let how = OpenOptions { axes, rescue, ..OpenOptions::default() };
        let Ok(dataset) = jpeg2000::open(&FILE, &how) else { continue };
        let image = &dataset.images()[0];
        let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
        for (n, level) in image.levels().iter().enumerate() {
            if Region::whole(level.chunk).voxels() <= MOST {
                let part = std::array::from_fn(|d| level.shape[d].min(40));
                let _ = image.read(n, &Region::whole(part), &mut out);
            }
        }
    }
});
