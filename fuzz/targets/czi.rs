//! Opens bytes as a CZI file and reads a bounded part of some images.
#![no_main]

#[path = "../parts.rs"]
mod parts;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| parts::open_and_read("czi", data, hooke_io::czi::open));
