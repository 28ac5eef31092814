//! `hooke info`: what is in a file, and whether it can be trusted.

mod own_files;
mod pixels;
mod text;

use std::path::Path;
use std::sync::Arc;

use hooke_core::{Dataset, ImageSource, Progress};
use hooke_io::image_entry::ImageEntry;
use hooke_io::{ChunkCache, OpenOptions};
use serde_json::{Value, json};

pub(crate) use pixels::hex;
pub use pixels::{PixelSummary, summarise};
pub use text::to_text;

/// What to find out.
#[derive(Debug, Clone, Default)]
pub struct InfoOptions {
    /// Only this image.
    pub image: Option<usize>,
    /// Statistics of level 0 (reads the pixels).
    pub stats: bool,
    /// SHA-256 of level 0 (reads the pixels).
    pub hash: bool,
    /// The vendor's metadata.
    pub full: bool,
    /// What the stored dimensions are, in stored order.
    pub axes: Option<String>,
    /// Only this member of a container.
    pub dataset: Option<String>,
    /// The axis that the files of a folder follow each other along: `t`, `c` or `z`.
    pub along: Option<String>,
    /// Fill damaged parts instead of refusing them.
    pub rescue: bool,
}

/// The description of one path, as the `files[]` entry of `hooke info --json`.
#[derive(Debug, Clone)]
pub struct FileInfo {
    /// The JSON object.
    pub json: Value,
    /// Whether the path was understood.
    pub understood: bool,
}

/// Describes one path. What cannot be read becomes the object's `error`, never a failure.
pub fn inspect(path: &Path, options: &InfoOptions, progress: &dyn Progress) -> FileInfo {
    match try_inspect(path, options, progress) {
        Ok(json) => FileInfo { json, understood: true },
        Err(error) => {
            let (code, message) = match own_files::about(path) {
                Some(about) => about,
                None => (error.code(), full_message(&error)),
            };
            let json = json!({
                "path": path.to_string_lossy(),
                "format": null,
                "format_version": null,
                "size_bytes": (!hooke_io::http::is_url(path)).then(|| size_of(path)),
                "error": {"code": code, "message": message},
                "images": [],
                "problems": [],
            });
            FileInfo { json, understood: false }
        }
    }
}

fn full_message(error: &hooke_io::Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}. {}", capitalised(&hint)),
        None => error.to_string(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn try_inspect(
    path: &Path,
    options: &InfoOptions,
    progress: &dyn Progress,
) -> Result<Value, hooke_io::Error> {
    let how = OpenOptions {
        axes: options.axes.clone(),
        dataset: options.dataset.clone(),
        along: options.along.as_deref().and_then(crate::options::axis),
        rescue: options.rescue,
        cache: Some(Arc::new(ChunkCache::new(hooke_core::budget::SMALLEST_CACHE))),
    };
    let dataset = hooke_io::open(path, &how)?;
    let images = chosen(path, dataset.as_ref(), options.image)?;
    let mut described = Vec::new();
    for (index, image) in images {
        let summary = match options.stats || options.hash {
            true => Some(summarise(path, image.as_ref(), options.hash, progress)?),
            false => None,
        };
        let mut entry = ImageEntry::new(index, image.meta(), image.levels());
        entry.stats = summary.as_ref().filter(|_| options.stats).map(PixelSummary::to_json);
        entry.sha256 = summary.and_then(|s| s.sha256);
        entry.metadata = image.meta().vendor.clone().filter(|_| options.full);
        described.push(entry);
    }
    let problems: Vec<Value> = dataset
        .problems()
        .iter()
        .map(|p| json!({"severity": p.severity, "code": p.code, "message": p.message}))
        .collect();
    Ok(json!({
        "path": path.to_string_lossy(),
        "format": dataset.format(),
        "format_version": dataset.format_version(),
        "size_bytes": (!hooke_io::http::is_url(path)).then(|| size_of(path)),
        "error": null,
        "images": described,
        "problems": problems,
    }))
}

fn chosen(
    path: &Path,
    dataset: &dyn Dataset,
    image: Option<usize>,
) -> Result<Vec<(usize, Arc<dyn ImageSource>)>, hooke_io::Error> {
    let all = dataset.images().iter().cloned().enumerate();
    let Some(index) = image else { return Ok(all.collect()) };
    match all.clone().nth(index) {
        Some(one) => Ok(vec![one]),
        None => Err(hooke_io::Error::NotThere {
            path: path.to_owned(),
            what: format!("image {index}; it has {} images, counted from 0", all.len()),
        }),
    }
}

/// Bytes on disk: of the file, or of all files below a folder.
pub fn size_of(path: &Path) -> u64 {
    let Ok(info) = std::fs::symlink_metadata(path) else { return 0 };
    if !info.is_dir() {
        return std::fs::metadata(path).map_or(info.len(), |m| m.len());
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|e| size_of(&e.path())).sum()
}
