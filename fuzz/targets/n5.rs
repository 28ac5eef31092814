//! Lays bytes out as a small N5 container and reads a bounded part of every image and level.
//!
//! The input is the metadata of the group, those of the array and the bytes of its first block, with
//! `\n--\n` between them.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use hooke_core::{Dataset, Pixels, Region};
use hooke_io::{OpenOptions, n5};
use libfuzzer_sys::fuzz_target;

/// Voxels of a region that are read; more only takes time.
const MOST: [u64; 5] = [2, 2, 8, 100, 100];
/// Blocks of more samples only take time.
const LARGEST: u64 = 1 << 20;

/// `./x fuzz` puts temporary files in memory.
static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("hooke-{}.n5", std::process::id())));

fuzz_target!(|data: &[u8]| {
    const MARK: &[u8] = b"\n--\n";
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(MARK.len()).position(|w| w == MARK) {
        parts.push(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    parts.push(rest);
    let root = FOLDER.as_path();
    let _ = std::fs::remove_dir_all(root);
    let names = ["attributes.json", "s0/attributes.json", "s0/0/0/0"];
    for (name, content) in names.into_iter().zip(parts) {
        let path = root.join(name);
        let folder = path.parent().expect("names are inside");
        std::fs::create_dir_all(folder).expect("a scratch folder can be made");
        std::fs::write(path, content).expect("a scratch file can be written");
    }
    for rescue in [false, true] {
        let how = OpenOptions { rescue, ..OpenOptions::default() };
        let Ok(dataset) = n5::open(root, &how) else { continue };
        let image = &dataset.images()[0];
        let mut out = Pixels::zeros(image.meta().dtype, [0; 5]);
        let level = &image.levels()[0];
        if Region::whole(level.chunk).voxels() <= LARGEST {
            let part = std::array::from_fn(|d| level.shape[d].min(MOST[d]));
            let _ = image.read(0, &Region::whole(part), &mut out);
        }
    }
});
