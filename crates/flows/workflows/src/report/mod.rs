//! One self-contained HTML page of a run: pictures first, then numbers, then what made them.
//!
//! No request of any kind leaves the page, it reads without scripts and in print, and equal
//! results give equal bytes except in `<section id="run">`, which holds times and machine.

pub mod image;
pub mod page;
pub mod picture;
pub mod plot;

pub use image::image_page;
pub use page::{Page, Table};
pub use picture::png_data_uri;

use std::path::{Path, PathBuf};

use crate::stitch::{preview, sibling};
use crate::tileset::{SetError, report as of_set};

/// Makes the page of an output from its files: of a stitched volume or a layout the stitching
/// page, of a mosaic or of unique labels that of a tile set, of any other image its planes and
/// metadata. Gives the page's path.
///
/// # Errors
/// When the output cannot be read, or the page exists and `overwrite` is off.
pub fn make_report(path: &Path, page: Option<&Path>, overwrite: bool) -> Result<PathBuf, SetError> {
    let page = page.map_or_else(|| sibling(path, "report.html"), Path::to_path_buf);
    if page.exists() && !overwrite {
        return Err(hooke_io::Error::Exists { path: page }.into());
    }
    let layout = sibling(path, "layout.json");
    if path.extension().is_some_and(|e| e == "json") {
        preview::preview_file(path, &page, &preview::PreviewOptions::default(), overwrite)?;
    } else if layout.exists() {
        preview::write_report(&layout, path, &page, "")?;
    } else {
        let text = std::fs::read_to_string(sibling(path, "hooke.json")).unwrap_or_default();
        let provenance: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let verb = provenance.as_ref().and_then(of_set::made_by);
        let html = match (verb, &provenance) {
            (Some(verb), Some(provenance)) => of_set::page(path, verb, provenance)?,
            _ => image_page(path, provenance.as_ref())?,
        };
        hooke_io::atomic::write_file(&page, &[html.as_bytes()])?;
    }
    Ok(page)
}
