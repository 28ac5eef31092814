//! Opens bytes as a LIF file and reads a bounded part of some images.
#![no_main]

#[path = "../parts.rs"]
mod parts;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| parts::open_and_read("lif", data, hooke_io::lif::open));
