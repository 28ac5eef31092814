//! Reads files of blobs of other programs: the first byte chooses the format.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use hooke_io::blobs::peers::{self, BlobFormat};
use libfuzzer_sys::fuzz_target;

/// Some are read from files only; `./x fuzz` puts temporary files in memory.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("hooke-{}.blobs", std::process::id())));

fuzz_target!(|data: &[u8]| {
    let Some((format, content)) = data.split_first() else { return };
    let format = match format % 4 {
        0 => BlobFormat::MagmapNpz,
        1 => BlobFormat::CellfinderXml,
        2 => BlobFormat::ClearmapNpy,
        _ => BlobFormat::MagmapCsv,
    };
    std::fs::write(&*FILE, content).expect("a scratch file can be written");
    let _ = peers::read(&FILE, format, Some([3.0, 1.0, 1.0]));
});
