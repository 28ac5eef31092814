//! Where the shared test data lies. Only tests and benchmarks depend on this crate.

use std::path::{Path, PathBuf};

/// The folder of shared test data (`conformance/`, `data/`), or `None` when it is not here.
///
/// It is `$HOOKE_SHARED`, or `shared` beside the checkout that holds `crate_dir`
/// (pass `env!("CARGO_MANIFEST_DIR")`). A test that finds `None` prints `SKIPPED: ...` and returns.
pub fn shared(crate_dir: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("HOOKE_SHARED") {
        return Some(PathBuf::from(folder)).filter(|f| f.is_dir());
    }
    let root = Path::new(crate_dir).ancestors().find(|f| f.join("Cargo.lock").is_file())?;
    Some(root.parent()?.join("shared")).filter(|f| f.is_dir())
}
