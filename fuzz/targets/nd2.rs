//! Opens bytes as a ND2 file and reads a bounded part of some images.
#![no_main]

#[path = "../parts.rs"]
mod parts;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| parts::open_and_read("nd2", data, hooke_io::nd2::open));
