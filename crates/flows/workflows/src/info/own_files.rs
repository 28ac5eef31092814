//! Files that Hooke itself leaves and that are no images: what to say about them.

use std::path::Path;

use serde_json::Value;

use crate::engine::plan_status;

/// Only this much of a file that may be a layout is looked at before all of it is parsed.
const MAGIC: usize = 256;

/// `(code, what it is and what to do)` for the work folder of an unfinished run and for a layout.
pub fn about(path: &Path) -> Option<(&'static str, String)> {
    unfinished(path).or_else(|| layout(path))
}

fn unfinished(path: &Path) -> Option<(&'static str, String)> {
    let inside = path.join(".partial");
    let folder = if inside.is_dir() && !path.join("hooke.json").exists() { &inside } else { path };
    if !folder.is_dir() {
        return None;
    }
    let status = plan_status(folder).ok()?;
    let total: u64 = status.stages.iter().map(|s| s.total).sum();
    let done: u64 = status.stages.iter().map(|s| s.done).sum();
    let failed: u64 = status.stages.iter().map(|s| s.failed).sum();
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    Some((
        "incomplete",
        format!(
            "{}: unfinished run of `hooke {}`, {done} of {total} blocks done{failed}; go on with \
             --resume",
            path.display(),
            status.command
        ),
    ))
}

fn layout(path: &Path) -> Option<(&'static str, String)> {
    let text = std::fs::read_to_string(path).ok().filter(|_| path.is_file())?;
    let start: String = text.chars().take(MAGIC).collect();
    if !start.contains("hooke.layout") {
        return None;
    }
    let layout: Value = serde_json::from_str(&text).ok()?;
    let count = |key: &str| layout[key].as_array().map_or(0, Vec::len);
    Some((
        "layout",
        format!(
            "{0}: a layout of {1} tiles and {2} pairs, no image; look at it with `hooke stitch \
             layout show {0}`",
            path.display(),
            count("tiles"),
            count("pairs")
        ),
    ))
}
