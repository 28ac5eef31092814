//! `layout.json` on disk.

use std::path::Path;

use hooke_stitch::Layout;
use hooke_stitch::layout::LayoutWarning;

use super::error::StitchError;
pub use super::input_kinds::{folder_of, open_layout};
use super::tiles::{absolute, relative};

/// Writes a layout whole or not at all.
///
/// # Errors
/// When the file exists and `overwrite` is off, or cannot be written.
pub fn save_layout(path: &Path, layout: &Layout, overwrite: bool) -> Result<(), StitchError> {
    if !overwrite && path.exists() {
        return Err(hooke_io::Error::Exists { path: path.to_owned() }.into());
    }
    hooke_io::atomic::write_file(path, &[layout.to_json().as_bytes()])?;
    Ok(())
}

/// Points relative paths, so far as seen from `from`, to the same files as seen from `to`.
pub fn move_paths(layout: &mut Layout, from: &Path, to: &Path) {
    for tile in &mut layout.tiles {
        tile.source.path = relative(to, &absolute(from, &tile.source.path));
    }
}

/// A warning of a layout as `(code, sentence)`.
pub fn warning_text(warning: &LayoutWarning) -> (String, String) {
    (warning.code.clone(), warning.message.clone())
}
