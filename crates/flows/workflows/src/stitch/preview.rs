//! `hooke stitch preview`, and the report of a run: overlays, seams, the page.

use std::path::Path;
use std::sync::Arc;

use hooke_core::Axis;
use hooke_core::budget::{SMALLEST_CACHE, show_bytes};
use hooke_io::ChunkCache;
use hooke_stitch::fuse::FuseTile;
use hooke_stitch::layout::{Pair, PairStatus};
use hooke_stitch::overlay::{
    PairView, TilesView, overlap_window, overlay_pair, overlay_tiles, seam_window, union_window,
};
use hooke_stitch::{Layout, Tile};
use ndarray::{Array3, Axis as Dimension, concatenate};
use serde_json::Value;

use super::error::StitchError;
use super::files::{folder_of, open_layout};
use super::place::parse_pair;
use super::report::{Extras, Picture, page};
use super::tiles::{AsFloat, TileReader};
use crate::report::Table;
use crate::report::image::{middle_picture, run_table};
use crate::report::picture::{png_bytes, png_data_uri};

/// Overlays are at most this wide and high.
const PICTURE: f64 = 900.0;
/// Side of a seam's crop, voxels.
const SEAM: i64 = 160;
/// How many seams are shown.
const SEAMS: usize = 12;
/// How many inputs are listed.
const INPUTS: usize = 20;

/// What to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewOptions {
    /// Stage positions.
    pub nominal: bool,
    /// Layout coordinate of the plane; the middle when missing.
    pub coordinate: Option<f64>,
    /// Axis across the picture.
    pub axis: Axis,
    /// Percentile at full scale.
    pub percentile: f64,
    /// `#RRGGBB`, used in turn.
    pub colors: Vec<String>,
    /// Only these tiles.
    pub tiles: Vec<usize>,
    /// Only this pair, `I,J`.
    pub pair: Option<String>,
    /// With a pair: the projection along its axis.
    pub projection: bool,
    /// With a pair: the overlap alone.
    pub overlap_only: bool,
}

impl Default for PreviewOptions {
    fn default() -> PreviewOptions {
        PreviewOptions {
            nominal: false,
            coordinate: None,
            axis: Axis::Z,
            percentile: 98.0,
            colors: Vec::new(),
            tiles: Vec::new(),
            pair: None,
            projection: false,
            overlap_only: false,
        }
    }
}

/// Draws a layout: an HTML page, or a PNG when the output ends in `.png`.
///
/// # Errors
/// When the layout or its tiles cannot be read, or the output exists and `overwrite` is off.
pub fn preview_file(
    input: &Path,
    output: &Path,
    options: &PreviewOptions,
    overwrite: bool,
) -> Result<(), StitchError> {
    if output.exists() && !overwrite {
        return Err(hooke_io::Error::Exists { path: output.to_owned() }.into());
    }
    let layout = open_layout(input)?;
    let drawing = Drawing::new(&layout, &folder_of(input));
    let is_png = output.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
    let bytes = match (is_png, &options.pair) {
        (true, Some(pair)) => png(&drawing.pair(&parse_pair(pair)?, options)?)?,
        (true, None) => png(&drawing.tiles(options)?)?,
        (false, _) => {
            let mut extras = drawing.extras(options);
            extras.run_toml = settings_of(&layout);
            let name = input.file_name().unwrap_or_default().to_string_lossy();
            page(&name, &layout, &extras).into_bytes()
        }
    };
    hooke_io::atomic::write_file(output, &[&bytes])?;
    Ok(())
}

/// Writes the report of a stitched volume.
///
/// # Errors
/// When the layout cannot be read or the page not written.
pub fn write_report(
    layout: &Path,
    volume: &Path,
    report: &Path,
    run_toml: &str,
) -> Result<(), StitchError> {
    let placed = open_layout(layout)?;
    let drawing = Drawing::new(&placed, &folder_of(layout));
    let mut extras = drawing.extras(&PreviewOptions::default());
    let settings = super::sibling(volume, "run.toml");
    let beside = std::fs::read_to_string(&settings).unwrap_or_default();
    extras.run_toml = if run_toml.is_empty() { beside } else { run_toml.to_owned() };
    extras.volume = middle_picture(volume).ok().flatten().map(|uri| Picture {
        uri,
        caption: "The middle plane of the volume, 1 to 99.8 % of its grey levels.".to_owned(),
    });
    let provenance =
        std::fs::read_to_string(super::sibling(volume, "hooke.json")).unwrap_or_default();
    if let Ok(provenance) = serde_json::from_str::<Value>(&provenance) {
        extras.run = run_table(&provenance);
        extras.changed = settings_given(&extras.run_toml, &provenance);
        extras.inputs = inputs_table(&provenance);
        extras.blend = provenance["parameters"]["blend"].as_str().map(str::to_owned);
        let command = extras.run_toml.lines().find_map(|l| l.strip_prefix("# hooke "));
        let command = command.unwrap_or("stitch run");
        let name = settings.file_name().unwrap_or_default().to_string_lossy();
        extras.again = format!("hooke {command} --config '{name}' --overwrite");
    }
    let name = volume.file_name().unwrap_or_default().to_string_lossy();
    let html = page(&name, &placed, &extras);
    hooke_io::atomic::write_file(report, &[html.as_bytes()])?;
    Ok(())
}

/// The settings that were not left at their defaults, with where they came from.
fn settings_given(run_toml: &str, provenance: &Value) -> Table {
    let mut table = Table::new(&["setting", "value", "from"]);
    for line in run_toml.lines().filter(|l| !l.starts_with('#')) {
        let Some((key, value)) = line.split_once(" = ") else { continue };
        match provenance["parameters_from"][key].as_str() {
            Some("default") | None => {}
            Some(from) => {
                table.row(vec![key.to_owned(), value.to_owned(), from.to_owned()]);
            }
        }
    }
    table
}

/// The first files that were read, and how many there were.
fn inputs_table(provenance: &Value) -> Table {
    let mut table = Table::new(&["file", "size"]);
    let inputs = provenance["inputs"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    for input in inputs.iter().take(INPUTS) {
        let size = show_bytes(input["size_bytes"].as_u64().unwrap_or(0));
        table.row(vec![input["path"].as_str().unwrap_or_default().to_owned(), size]);
    }
    if inputs.len() > INPUTS {
        table.row(vec![format!("and {} more", inputs.len() - INPUTS), String::new()]);
    }
    table
}

fn settings_of(layout: &Layout) -> String {
    let parameters = layout.provenance.as_ref().map(|p| &p["parameters"]);
    parameters.and_then(|p| serde_json::to_string_pretty(p).ok()).unwrap_or_default()
}

/// Draws the tiles of one layout.
struct Drawing<'a> {
    layout: &'a Layout,
    reader: TileReader,
}

impl<'a> Drawing<'a> {
    fn new(layout: &'a Layout, folder: &Path) -> Drawing<'a> {
        let cache = Arc::new(ChunkCache::new(SMALLEST_CACHE));
        let reader = TileReader::new(layout, folder, layout.align_channel as u64, cache);
        Drawing { layout, reader }
    }

    /// Overlays and seams; a picture that cannot be drawn is left out, the page still made.
    fn extras(&self, options: &PreviewOptions) -> Extras {
        let mut overlays = Vec::new();
        let placed = self.layout.tiles.iter().any(|t| t.position_px.is_some()) && !options.nominal;
        for (nominal, what) in [(true, "where the stage says"), (false, "as placed")] {
            if !nominal && !placed {
                continue;
            }
            let view = PreviewOptions { nominal, ..options.clone() };
            if let Some(picture) = self.tiles(&view).ok().and_then(|rgb| picture(&rgb, format!("The plane in the middle, {what}. Every tile has a colour of its own; where tiles show the same the colours add up to one picture."))) {
                overlays.push(picture);
            }
        }
        let seams = self.worst_pairs().into_iter().filter_map(|pair| self.seam(pair)).collect();
        Extras { overlays, seams, ..Extras::default() }
    }

    /// Measured pairs, those to distrust first.
    fn worst_pairs(&self) -> Vec<&'a Pair> {
        let mut pairs: Vec<&Pair> = self
            .layout
            .pairs
            .iter()
            .filter(|p| p.is_measured() && p.displacement_px.is_complete())
            .collect();
        pairs.sort_by(|a, b| {
            let badness = |p: &Pair| (p.status != PairStatus::Rejected, p.quality.unwrap_or(-1.0));
            let (a, b) = (badness(a), badness(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        pairs.truncate(SEAMS);
        pairs
    }

    fn tiles(&self, options: &PreviewOptions) -> Result<Array3<u8>, StitchError> {
        let axis = options.axis.space_index().unwrap_or(0);
        let chosen: Vec<FuseTile> = self
            .layout
            .tiles
            .iter()
            .filter(|t| options.tiles.is_empty() || options.tiles.contains(&t.id))
            .map(|t| to_fuse(t, options.nominal))
            .collect();
        let low = |d: usize| chosen.iter().map(|t| t.position[d]).fold(f64::INFINITY, f64::min);
        let high = |d: usize| {
            let ends = chosen.iter().map(|t| t.position[d] + t.shape[d] as f64);
            ends.fold(f64::NEG_INFINITY, f64::max)
        };
        let largest = (0..3).filter(|d| *d != axis).map(|d| high(d) - low(d)).fold(1.0, f64::max);
        let coordinate = options.coordinate.unwrap_or_else(|| (low(axis) + high(axis)) / 2.0);
        let view = TilesView {
            axis,
            coordinate: Some(coordinate.floor() as i64),
            reduce: (largest / PICTURE).ceil().max(1.0) as usize,
            percentile: options.percentile,
            normalize: true,
            colors: colors(&options.colors)?,
        };
        let overlay = overlay_tiles(&chosen, &AsFloat(&self.reader), &view)
            .map_err(|e| StitchError::Parameters(e.to_string()))?;
        Ok(overlay.rgb)
    }

    fn two(&self, ids: &[usize; 2]) -> Result<(FuseTile, FuseTile, &Pair), StitchError> {
        let unknown =
            || StitchError::Parameters(format!("the layout has no pair {},{}", ids[0], ids[1]));
        let pair = self.layout.pair_between(ids[0], ids[1]).ok_or_else(unknown)?;
        let tile = |id: usize| self.layout.tile(id).map(|t| to_fuse(t, true)).ok_or_else(unknown);
        Ok((tile(pair.pre)?, tile(pair.post)?, pair))
    }

    fn pair(&self, ids: &[usize; 2], options: &PreviewOptions) -> Result<Array3<u8>, StitchError> {
        let (pre, post, pair) = self.two(ids)?;
        let displacement = match options.nominal {
            true => std::array::from_fn(|d| post.position[d] - pre.position[d]),
            false => pair.displacement_px.0.map(|v| if v.is_finite() { v } else { 0.0 }),
        };
        let axis = match options.projection {
            true => pair.projection_axis().unwrap_or(0),
            false => options.axis.space_index().unwrap_or(0),
        };
        let whole = union_window(&pre, &post, displacement);
        let overlap = overlap_window(&pre, &post, displacement);
        let mut window = if options.overlap_only { overlap.unwrap_or(whole) } else { whole };
        if !options.projection {
            let middle = overlap.unwrap_or(whole);
            let local = options.coordinate.map(|c| (c - pre.position[axis]).floor() as i64);
            window.start[axis] = local.unwrap_or(middle.start[axis] + middle.shape[axis] / 2);
            window.shape[axis] = 1;
        }
        let largest = (0..3).filter(|d| *d != axis).map(|d| window.shape[d]).max().unwrap_or(1);
        let reduce = (largest as f64 / PICTURE).ceil().max(1.0) as usize;
        let view = PairView { window, axis, reduce, percentile: options.percentile };
        overlay_pair(&pre, &post, displacement, &AsFloat(&self.reader), &view)
            .map_err(|e| StitchError::Parameters(e.to_string()))
    }

    /// The seam of a pair at the stage position and as placed, side by side.
    fn seam(&self, pair: &Pair) -> Option<Picture> {
        let (pre, post, _) = self.two(&[pair.pre, pair.post]).ok()?;
        let nominal = std::array::from_fn(|d| post.position[d] - pre.position[d]);
        let placed = match (
            self.layout.tile(pair.pre)?.position_px,
            self.layout.tile(pair.post)?.position_px,
        ) {
            (Some(a), Some(b)) => std::array::from_fn(|d| b[d] - a[d]),
            _ => pair.displacement_px.0,
        };
        let window = seam_window(&pre, &post, placed, 0, SEAM)?;
        let view = PairView { window, axis: 0, reduce: 1, percentile: 99.5 };
        let draw = |displacement| {
            overlay_pair(&pre, &post, displacement, &AsFloat(&self.reader), &view).ok()
        };
        let (before, after) = (draw(nominal)?, draw(placed)?);
        let gap = Array3::from_elem((before.shape()[0], 6, 3), 255u8);
        let both = concatenate(Dimension(1), &[before.view(), gap.view(), after.view()]).ok()?;
        let quality = pair.quality.map_or("none".to_owned(), |q| format!("{q:.2}"));
        let reason = pair.reason.as_deref().map(|r| format!(", {r}")).unwrap_or_default();
        let name = |id: usize| self.layout.tile(id).map_or("", |t| t.name.as_str());
        let by: [f64; 3] =
            std::array::from_fn(|d| ((placed[d] - nominal[d]) * 10.0).round() / 10.0 + 0.0);
        let caption = format!(
            "Tiles {} ({}) and {} ({}): quality {quality}{reason}; moved by z {:.1}, y {:.1}, x {:.1} px \
             against each other",
            pair.pre,
            name(pair.pre),
            pair.post,
            name(pair.post),
            by[0],
            by[1],
            by[2]
        );
        picture(&both, caption)
    }
}

fn to_fuse(tile: &Tile, nominal: bool) -> FuseTile {
    FuseTile {
        id: tile.id,
        position: if nominal { tile.nominal_px.0 } else { tile.current_px() },
        shape: tile.shape.map(|n| n as usize),
    }
}

fn colors(texts: &[String]) -> Result<Option<Vec<[f32; 3]>>, StitchError> {
    if texts.is_empty() {
        return Ok(None);
    }
    let one = |text: &String| {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii());
        let part = |d: &str, i: usize| {
            u8::from_str_radix(&d[i..i + 2], 16).ok().map(|v| f32::from(v) / 255.0)
        };
        digits
            .and_then(|d| Some([part(d, 0)?, part(d, 2)?, part(d, 4)?]))
            .ok_or_else(|| StitchError::Parameters(format!("colour `{text}`: write #RRGGBB")))
    };
    texts.iter().map(one).collect::<Result<_, _>>().map(Some)
}

fn flat(rgb: &Array3<u8>) -> (Vec<u8>, usize, usize) {
    let (height, width) = (rgb.shape()[0], rgb.shape()[1]);
    (rgb.iter().copied().collect(), width, height)
}

fn picture(rgb: &Array3<u8>, caption: String) -> Option<Picture> {
    let (bytes, width, height) = flat(rgb);
    png_data_uri(&bytes, width, height).ok().map(|uri| Picture { uri, caption })
}

fn png(rgb: &Array3<u8>) -> Result<Vec<u8>, StitchError> {
    let (bytes, width, height) = flat(rgb);
    png_bytes(&bytes, width, height)
        .map_err(|e| StitchError::Parameters(format!("no picture: {e}")))
}
