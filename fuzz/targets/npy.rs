//! Reads the header of an NPY file, and a bounded part of its pixels.
#![no_main]

use std::path::PathBuf;

use hooke_core::{Dataset, Dtype, Pixels, Region};
use hooke_io::{OpenOptions, npy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if npy::Header::read("a.npy".as_ref(), &mut &*data).is_err() {
        return;
    }
    // Pixels are read from files only; this folder is in memory.
    let path = PathBuf::from(format!("/dev/shm/hooke-fuzz-{}.npy", std::process::id()));
    std::fs::write(&path, data).expect("shared memory can be written");
    for axes in [None, Some("xyz".to_owned())] {
        let how = OpenOptions { axes, ..OpenOptions::default() };
        let Ok(dataset) = npy::open(&path, &how) else { continue };
        let image = &dataset.images()[0];
        let shape = image.meta().shape;
        let part = std::array::from_fn(|d| shape[d].min(40));
        let last = Region::new(std::array::from_fn(|d| shape[d] - part[d]), part);
        let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
        let _ = image.read(0, &Region::whole(part), &mut out);
        let _ = image.read(0, &last, &mut out);
    }
});
