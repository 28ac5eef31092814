//! The page of a mosaic or of unique labels: a plane, where the tiles lie, what was merged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use hooke_core::dispatch;
use hooke_io::ChunkCache;
use hooke_io::tables::read_table;
use hooke_tileset::Placement;
use hooke_tileset::overlap;
use hooke_tileset::placement::Place;
use hooke_tileset::slice::{SliceOverlap, slice};
use ndarray::Array2;
use serde_json::Value;

use super::dedup::DedupOptions;
use super::error::SetError;
use super::options::SetOptions;
use super::pixels::{SetReader, Taking};
use super::plane::{Rgb, usual_range};
use super::set::TileSet;
use super::slice::outline;
use super::to_global::numbers;
use super::volume::VolumeOptions;
use crate::report::image::add_provenance;
use crate::report::plot::{Axes, PALETTE, histogram, number};
use crate::report::{Page, Table, png_data_uri};
use crate::stitch::sibling;

/// Pictures are at most about this wide and high.
const PICTURE: u64 = 900;
/// Rows of a table in the page.
const ROWS: usize = 200;

/// The verb of `hooke tileset` that made an output, if one of this page's did.
pub fn made_by(provenance: &Value) -> Option<&'static str> {
    let words = provenance["command"].as_array()?;
    let has = |word: &str| words.iter().any(|w| w == word);
    if !has("tileset") {
        return None;
    }
    ["dedup", "volume"].into_iter().find(|verb| has(verb))
}

/// Writes the page of an output beside it and gives its path.
///
/// # Errors
/// When the output has no record, or its inputs are gone.
pub fn write_report(output: &Path) -> Result<PathBuf, SetError> {
    let record = sibling(output, "hooke.json");
    let text = std::fs::read(&record).map_err(|e| hooke_io::Error::io(&record, "read", e))?;
    let provenance: Value = serde_json::from_slice(&text)
        .map_err(|e| hooke_io::Error::metadata(&record, format!("not a record: {e}")))?;
    let verb = made_by(&provenance).unwrap_or("volume");
    let html = page(output, verb, &provenance)?;
    let path = sibling(output, "report.html");
    hooke_io::atomic::write_file(&path, &[html.as_bytes()])?;
    Ok(path)
}

/// Makes the page from the output, its record and its inputs.
///
/// # Errors
/// When one of them cannot be read.
pub fn page(output: &Path, verb: &str, provenance: &Value) -> Result<String, SetError> {
    let record = sibling(output, "hooke.json");
    let bad =
        |e: serde_json::Error| hooke_io::Error::metadata(&record, format!("not a record: {e}"));
    let parameters = provenance["parameters"].clone();
    match verb {
        "dedup" => {
            labels_page(output, &serde_json::from_value(parameters).map_err(bad)?, provenance)
        }
        _ => mosaic_page(output, &serde_json::from_value(parameters).map_err(bad)?, provenance),
    }
}

fn title(output: &Path) -> String {
    output.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn mosaic_page(
    output: &Path,
    options: &VolumeOptions,
    provenance: &Value,
) -> Result<String, SetError> {
    let set = TileSet::open(&options.set)?.ignoring_rotation(true);
    let placement = set.placement(options.place)?;
    let problems = overlap::problems(&placement);
    let shape = placement.volume_shape().map(|n| n.to_string()).join(" x ");
    let verdict = match problems.first() {
        None => format!("{} tiles in a mosaic of {shape} voxels.", set.tiles.len()),
        Some(first) => {
            format!("{} tiles in a mosaic of {shape} voxels; {}", set.tiles.len(), first.message)
        }
    };
    let mut page = Page::new(&title(output), &verdict, problems.is_empty());
    page.section("The middle plane");
    add_plane(&mut page, &options.set, options.store.labels)?;
    add_map(&mut page, &placement);
    page.section("Overlaps").table(&overlaps_table(&placement));
    add_provenance(&mut page, provenance);
    Ok(page.finish())
}

fn labels_page(
    output: &Path,
    options: &DedupOptions,
    provenance: &Value,
) -> Result<String, SetError> {
    let [ids, overlaps] = options.tables().map(|t| read_table(&t));
    let overlaps = match overlaps {
        Ok(table) => Some(table),
        Err(hooke_io::tables::TableError::Empty { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (labels, objects) = match ids {
        Ok(ids) => (ids.num_rows(), different(&column(&ids, "new_id"))),
        Err(hooke_io::tables::TableError::Empty { .. }) => (0, 0),
        Err(error) => return Err(error.into()),
    };
    let pairs = overlaps.as_ref().map(Pairs::of).unwrap_or_default();
    let with = |reason: &str| pairs.reason.iter().filter(|r| *r == reason).count();
    let (merged, conflicts) = (with("merged"), with("conflict"));
    let verdict = format!(
        "{labels} labels of all tiles are {objects} objects; {merged} pairs were merged, {conflicts} \
         stood in conflict."
    );
    let mut page = Page::new(&title(output), &verdict, true);
    let set = TileSet::open(&options.set)?.ignoring_rotation(true);
    let placement = set.placement(Place::Nearest)?;
    page.section("The middle plane");
    let shown = match options.tables_only {
        true => options.set.clone(),
        false => SetOptions {
            input: vec![output.to_string_lossy().into_owned()],
            ..SetOptions::default()
        },
    };
    add_plane(&mut page, &shown, true)?;
    add_map(&mut page, &placement);
    page.section("What was merged");
    let mut counts = Table::new(&["pairs of labels that share voxels", "number"]);
    for (name, reason) in [
        ("merged", "merged"),
        ("too little of what either covers", "below-iou"),
        ("too few voxels", "below-voxels"),
        ("in conflict with a better pair", "conflict"),
    ] {
        counts.row(vec![name.to_owned(), with(reason).to_string()]);
    }
    page.table(&counts);
    let caption = format!(
        "Intersection over union of all pairs; those from {} on may merge.",
        number(options.params.min_iou)
    );
    page.plot(&histogram(&pairs.iou, 40, "IoU in the overlap", "pairs"), &caption);
    page.section("Seams").table(&seams_table(&pairs));
    add_provenance(&mut page, provenance);
    Ok(page.finish())
}

/// The middle plane of a set, with the borders of its tiles; labels in colours of their own.
fn add_plane(page: &mut Page, options: &SetOptions, labels: bool) -> Result<(), SetError> {
    let set = TileSet::open(options)?.ignoring_rotation(true);
    let whole = set.placement(Place::Nearest)?.volume_shape();
    let factor = whole[1].max(whole[2]).div_ceil(PICTURE).max(1);
    // Labels are skipped over, since their mean is no label.
    let (set, factor) = match labels && factor > 1 {
        true => {
            let step = |d: usize| set.step[d] * factor;
            let downscale = Some(format!("{},{},{}", set.step[0], step(1), step(2)));
            (
                TileSet::open(&SetOptions { downscale, ..options.clone() })?
                    .ignoring_rotation(true),
                1,
            )
        }
        false => (set, factor),
    };
    let placement = set.placement(Place::Nearest)?;
    let z = placement.volume_shape()[0] as i64 / 2;
    let how = if labels { SliceOverlap::Last } else { SliceOverlap::Mean };
    let dtype = set.one_dtype("")?;
    let reader = SetReader::new(&set, Arc::new(ChunkCache::new(32 << 20)));
    let tiles = reader.tiles(Taking::Exact);
    let plane = dispatch!(dtype, T => slice::<T>(&placement, &tiles, z, how, factor))?;
    let mut picture = match labels {
        true => coloured(&plane),
        false => Rgb::grey(&plane, usual_range(&plane)),
    };
    outline(&mut picture, &placement, z, factor);
    if let Ok(uri) = png_data_uri(&picture.bytes, picture.width, picture.height) {
        let of = if labels { "each label has a colour" } else { "1 to 99.8 % of its grey levels" };
        page.picture(&uri, &format!("Plane z = {z}, {of}; borders and numbers of the tiles."));
    }
    Ok(())
}

/// A colour per label, 0 black.
fn coloured(plane: &Array2<f32>) -> Rgb {
    let (height, width) = plane.dim();
    let color = |v: &f32| -> [u8; 3] {
        if *v == 0.0 {
            return [0; 3];
        }
        // Multiplicative hashing spreads neighbours over the colours.
        let hash = (*v as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [56, 40, 24].map(|shift| 64 + ((hash >> shift) as u8) / 4 * 3)
    };
    Rgb { width, height, bytes: plane.iter().flat_map(color).collect() }
}

fn add_map(page: &mut Page, placement: &Placement) {
    let [_, height, width] = placement.volume_shape().map(|n| n as f64);
    let mut axes = Axes::map((0.0, width), (0.0, height), "x (voxels)", "y (voxels)");
    for (tile, region) in placement.tiles().iter().enumerate() {
        let (start, end) = (region.start.map(|v| v as f64), region.end().map(|v| v as f64));
        let color = PALETTE[tile % PALETTE.len()];
        axes.area((start[2], start[1]), (end[2], end[1]), color, &format!("tile {tile}"));
        axes.label(((start[2] + end[2]) / 2.0, (start[1] + end[1]) / 2.0), &tile.to_string());
    }
    page.plot(&axes.finish(), "Where the tiles lie, seen along z.");
}

fn overlaps_table(placement: &Placement) -> Table {
    let mut table = Table::new(&["tile", "tile", "z", "y", "x", "% of the smaller tile"]);
    for pair in overlap::pairs(placement).iter().take(ROWS) {
        let mut row = vec![pair.tile_a.to_string(), pair.tile_b.to_string()];
        row.extend(pair.region.shape.map(|n| n.to_string()));
        row.push(number(100.0 * pair.fraction));
        table.row(row);
    }
    table
}

/// Columns of the table of overlaps.
#[derive(Default)]
struct Pairs {
    tiles: Vec<(u64, u64)>,
    iou: Vec<f64>,
    reason: Vec<String>,
}

impl Pairs {
    fn of(table: &RecordBatch) -> Pairs {
        let (a, b) = (column(table, "tile_a"), column(table, "tile_b"));
        let reasons = table.column_by_name("reason").and_then(|c| c.as_string_opt::<i32>());
        let reason = reasons.map(|r| r.iter().map(|v| v.unwrap_or_default().to_owned()).collect());
        Pairs {
            tiles: a.iter().zip(&b).map(|(a, b)| (*a as u64, *b as u64)).collect(),
            iou: column(table, "iou"),
            reason: reason.unwrap_or_default(),
        }
    }
}

fn column(table: &RecordBatch, name: &str) -> Vec<f64> {
    table.column_by_name(name).and_then(|c| numbers(c.as_ref())).unwrap_or_default()
}

fn different(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}

/// What became of the pairs of each two tiles.
fn seams_table(pairs: &Pairs) -> Table {
    let mut seams: BTreeMap<(u64, u64), [usize; 4]> = BTreeMap::new();
    let mut best: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    for ((tiles, iou), reason) in pairs.tiles.iter().zip(&pairs.iou).zip(&pairs.reason) {
        let kinds = ["merged", "below-iou", "below-voxels", "conflict"];
        if let Some(kind) = kinds.iter().position(|k| k == reason) {
            seams.entry(*tiles).or_default()[kind] += 1;
        }
        if reason == "merged" {
            *best.entry(*tiles).or_default() += iou;
        }
    }
    let mut table = Table::new(&[
        "tile",
        "tile",
        "merged",
        "mean IoU of these",
        "below IoU",
        "below voxels",
        "conflicts",
    ]);
    for ((a, b), counts) in seams.iter().take(ROWS) {
        let mean = best.get(&(*a, *b)).map(|sum| number(sum / counts[0].max(1) as f64));
        let mut row = vec![a.to_string(), b.to_string(), counts[0].to_string()];
        row.push(mean.unwrap_or_default());
        row.extend(counts[1..].iter().map(usize::to_string));
        table.row(row);
    }
    table
}
