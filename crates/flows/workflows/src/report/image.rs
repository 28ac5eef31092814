//! The page of an image: its middle planes, grey levels, what is known about it, what made it.

use std::path::Path;
use std::sync::Arc;

use hooke_core::budget::show_bytes;
use hooke_core::{ImageSource, Pixels, Region};
use hooke_io::{ChunkCache, Error, OpenOptions};
use serde_json::Value;

use super::page::{Page, Table};
use super::plot::{histogram, number as number_text};
use super::png_data_uri;

/// Pictures are at most this wide and high.
const PICTURE: u64 = 640;
/// Grey levels of a picture run between these quantiles.
const DARK: f64 = 0.01;
const BRIGHT: f64 = 0.998;

/// Makes the page of an image container, with its provenance where there is one.
///
/// # Errors
/// When the image cannot be opened or read.
pub fn image_page(path: &Path, provenance: Option<&Value>) -> Result<String, Error> {
    let cache = Arc::new(ChunkCache::new(hooke_core::budget::SMALLEST_CACHE));
    let how = OpenOptions { cache: Some(cache), ..OpenOptions::default() };
    let opened = hooke_io::open(path, &how)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let images = opened.images();
    let verdict = match opened.problems() {
        [] => format!("{} image(s), nothing to complain about.", images.len()),
        some => format!("{} image(s); {}", images.len(), some[0].message),
    };
    let mut page = Page::new(&name, &verdict, opened.problems().is_empty());
    for image in images.iter().take(4) {
        page.section(&image.meta().name);
        for channel in 0..image.meta().shape[1].min(4) {
            let (plane, width, height) = middle_plane(path, image.as_ref(), channel)?;
            let rgb = grey(&plane);
            let label = image.meta().channels.get(channel as usize).and_then(|c| c.name.clone());
            let label = label.unwrap_or_else(|| format!("channel {channel}"));
            if let Ok(uri) = png_data_uri(&rgb, width, height) {
                page.picture(
                    &uri,
                    &format!("{label}: the middle plane, 1 to 99.8 % of its grey levels"),
                );
            }
            let values: Vec<f64> = plane.iter().map(|v| f64::from(*v)).collect();
            page.plot(
                &histogram(&values, 48, "grey level", "voxels"),
                "Grey levels of that plane.",
            );
        }
    }
    let described = crate::info::inspect(path, &crate::info::InfoOptions::default(), &());
    page.section("What is known about it").code(&crate::info::to_text(&described.json));
    if let Some(provenance) = provenance {
        add_provenance(&mut page, provenance);
    }
    Ok(page.finish())
}

/// Settings, inputs, and in a section of its own what differs from run to run.
pub(crate) fn add_provenance(page: &mut Page, provenance: &Value) {
    let mut settings = Table::new(&["setting", "value", "from"]);
    for (key, value) in provenance["parameters"].as_object().into_iter().flatten() {
        let from = provenance["parameters_from"][key].as_str().unwrap_or("");
        settings.row(vec![key.clone(), value.to_string(), from.to_owned()]);
    }
    page.section("Settings").table(&settings);
    page.run_section(&run_table(provenance));
}

/// Times, memory and machine of a run.
pub fn run_table(provenance: &Value) -> Table {
    let mut run = Table::new(&["", ""]);
    let mut show = |name: &str, key: &str, unit: &str| {
        let value = &provenance[key];
        let text = match (value.as_str(), value.as_f64()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(bytes)) if unit == "B" => show_bytes(bytes as u64),
            (None, Some(number)) => format!("{}{unit}", number_text(number)),
            (None, None) => return,
        };
        run.row(vec![name.to_owned(), text]);
    };
    show("Hooke", "hooke", "");
    show("commit", "commit", "");
    show("started", "started", "");
    show("took", "seconds", " s");
    show("processor time", "cpu_seconds", " s");
    show("memory at its peak", "peak_rss_bytes", "B");
    show("runs until complete", "runs", "");
    for stage in provenance["stages"].as_array().into_iter().flatten() {
        let name = stage["name"].as_str().unwrap_or_default();
        run.row(vec![
            format!("step {name}"),
            format!(
                "{} block(s), {:.2} s",
                stage["blocks"],
                stage["seconds"].as_f64().unwrap_or(0.0)
            ),
        ]);
    }
    run
}

/// The middle plane of the first image of a container, as a picture.
///
/// # Errors
/// When the image cannot be opened or read.
pub fn middle_picture(path: &Path) -> Result<Option<String>, Error> {
    let cache = Arc::new(ChunkCache::new(hooke_core::budget::SMALLEST_CACHE));
    let how = OpenOptions { cache: Some(cache), ..OpenOptions::default() };
    let opened = hooke_io::open(path, &how)?;
    let Some(image) = opened.images().first() else { return Ok(None) };
    let (plane, width, height) = middle_plane(path, image.as_ref(), 0)?;
    Ok(png_data_uri(&grey(&plane), width, height).ok())
}

/// The middle plane of the middle frame at a level that fits a picture, as f32.
fn middle_plane(
    path: &Path,
    image: &dyn ImageSource,
    channel: u64,
) -> Result<(Vec<f32>, usize, usize), Error> {
    let levels = image.levels();
    let fits = |l: &hooke_core::Level| l.shape[3] <= PICTURE && l.shape[4] <= PICTURE;
    let level = levels.iter().position(fits).unwrap_or(levels.len().saturating_sub(1));
    let shape = levels[level].shape;
    let step = shape[3].max(shape[4]).div_ceil(PICTURE).max(1);
    let (height, width) = (shape[3] / step, shape[4] / step);
    let mut plane = Vec::with_capacity((height * width) as usize);
    let mut pixels = Pixels::zeros(image.meta().dtype, [0; 5]);
    let mut row = Vec::new();
    for y in 0..height {
        let start = [shape[0] / 2, channel, shape[2] / 2, y * step, 0];
        let region = Region::new(start, [1, 1, 1, 1, shape[4]]);
        image.read(level, &region, &mut pixels).map_err(|e| Error::corrupt(path, e.to_string()))?;
        pixels.to_f32_into(&mut row);
        plane.extend(row.iter().step_by(step as usize).take(width as usize));
    }
    Ok((plane, width as usize, height as usize))
}

fn grey(plane: &[f32]) -> Vec<u8> {
    let mut sorted: Vec<f32> = plane.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |q: f64| {
        sorted.get(((sorted.len().max(1) - 1) as f64 * q) as usize).copied().unwrap_or(0.0)
    };
    let (low, high) = (at(DARK), at(BRIGHT));
    let scale = 255.0 / (high - low).max(f32::MIN_POSITIVE);
    plane.iter().flat_map(|v| [((v - low) * scale).clamp(0.0, 255.0) as u8; 3]).collect()
}
