//! Reads the header of an NPY file, and a bounded part of its pixels.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use hooke_core::{Dataset, Dtype, Pixels, Region};
use hooke_io::{OpenOptions, npy};
use libfuzzer_sys::fuzz_target;

/// Pixels are read from files only; `./x fuzz` puts temporary files in memory.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("hooke-{}.npy", std::process::id())));

fuzz_target!(|data: &[u8]| {
    if npy::Header::read("a.npy".as_ref(), &mut &*data).is_err() {
        return;
    }
    std::fs::write(&*FILE, data).expect("a scratch file can be written");
    for axes in [None, Some("xyz".to_owned())] {
        let how = OpenOptions { axes, ..OpenOptions::default() };
        let Ok(dataset) = npy::open(&FILE, &how) else { continue };
        let image = &dataset.images()[0];
        let shape = image.meta().shape;
        let part = std::array::from_fn(|d| shape[d].min(40));
        let last = Region::new(std::array::from_fn(|d| shape[d] - part[d]), part);
        let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
        let _ = image.read(0, &Region::whole(part), &mut out);
        let _ = image.read(0, &last, &mut out);
    }
});
