//! Lays bytes out as a small Zarr store and reads a bounded part of every image and level.
//!
//! The input is `V\n` (`2` or `3`), the group's metadata, the array's metadata and the bytes of every
//! chunk, with `\n--\n` between them; `seeds.py` makes such inputs.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hooke_core::{Pixels, Region};
use hooke_io::{OpenOptions, ome_zarr};
use libfuzzer_sys::fuzz_target;

/// Voxels of a region that are read; more only takes time.
const MOST: [u64; 5] = [2, 3, 8, 200, 200];

/// Keys of the first chunk of arrays of two, three and five dimensions.
const KEYS: [(&str, [&str; 3]); 2] =
    [("3", ["c/0/0", "c/0/0/0", "c/0/0/0/0/0"]), ("2", ["0.0.0", "0/0/0.0", "0/0/0/0/0"])];

/// `./x fuzz` puts temporary files in memory.
static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("hooke-ngff-{}", std::process::id())));

fuzz_target!(|data: &[u8]| {
    let Some((version, rest)) = data.split_at_checked(2) else { return };
    let version = if version[0] == b'2' { "2" } else { "3" };
    let mut parts = split(rest);
    let (group, array, chunk) = (parts.next(), parts.next(), parts.next());
    let root = FOLDER.as_path();
    let _ = std::fs::remove_dir_all(root);
    std::fs::create_dir_all(root.join("0")).expect("a scratch folder can be made");
    let names =
        if version == "2" { [".zattrs", "0/.zarray"] } else { ["zarr.json", "0/zarr.json"] };
    write(&root.join(names[0]), group.unwrap_or_default());
    write(&root.join(names[1]), array.unwrap_or_default());
    let keys = KEYS.iter().find(|k| k.0 == version).expect("both versions are listed").1;
    for key in keys {
        write(&root.join("0").join(key), chunk.unwrap_or_default());
    }
    for rescue in [false, true] {
        for dataset in [None, Some("0".to_owned())] {
            read(root, &OpenOptions { rescue, dataset, ..OpenOptions::default() });
        }
    }
});

fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    const MARK: &[u8] = b"\n--\n";
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let data = rest?;
        let at = data.windows(MARK.len()).position(|w| w == MARK);
        rest = at.map(|at| &data[at + MARK.len()..]);
        Some(&data[..at.unwrap_or(data.len())])
    })
}

fn write(path: &Path, content: &[u8]) {
    if let Some(parent) = path.parent() {
        // A chunk of another key may already lie where this one needs a folder.
        let _ = std::fs::create_dir_all(parent);
    }
    let _ = std::fs::write(path, content);
}

fn read(root: &Path, how: &OpenOptions) {
    let Ok(dataset) = ome_zarr::open(root, how) else { return };
    for image in dataset.images().iter().take(3) {
        let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
        for (l, level) in image.levels().iter().enumerate().take(2) {
            let part = Region::whole(std::array::from_fn(|d| level.shape[d].min(MOST[d])));
            let _ = image.read(l, &part, &mut pixels);
        }
    }
}
