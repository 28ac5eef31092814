//! Where the shared test data lies, and a reader of numpy's archives. Only tests and benchmarks depend on this crate.

mod npz;

use std::path::{Path, PathBuf};

pub use npz::{NpzArray, read_npz};

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

#[cfg(test)]
mod tests {
    #[test]
    fn archives_of_numpy_read_with_shape_type_and_values() {
        let Some(shared) = super::shared(env!("CARGO_MANIFEST_DIR")) else {
            println!("SKIPPED: no shared test data here");
            return;
        };
        let arrays = super::read_npz(&shared.join("conformance/stitch/fusion.npz"))
            .expect("the archive is there");
        let weights = &arrays["weights_5x4"];
        assert_eq!((weights.shape.as_slice(), weights.descr.as_str()), (&[5, 4][..], "<i8"));
        assert_eq!(weights.values[..6], [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]);
    }
}
