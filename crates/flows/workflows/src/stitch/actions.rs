//! `hooke stitch layout ...`: look at, cut and edit a layout.

use std::path::{Path, PathBuf};

use hooke_core::Axis;
use hooke_io::expression::{Expression, TagValue};
use hooke_stitch::layout::{MinQuality, TileSource};
use hooke_stitch::{Layout, LayoutRegion, Tile};
use serde_json::{Value, json};

use super::error::StitchError;
use super::input::mtime_ns;
use super::tiles::{absolute, open_image, relative};
use crate::options::{Lengths, Spans, read_option};

/// How tiles find their new sources.
#[derive(Debug, Clone)]
pub enum Relocation {
    /// Values of the tags of one expression fill another.
    Expressions {
        /// What the old paths look like.
        old: String,
        /// What the new ones look like.
        new: String,
    },
    /// A plain part of the path is replaced.
    Text {
        /// The old part.
        old: String,
        /// The new part.
        new: String,
    },
    /// One tag of the expression that made the layout gets another value.
    Set {
        /// The expression that the paths match.
        expression: String,
        /// `(tag, value)`.
        values: Vec<(String, String)>,
    },
}

/// The layout with its tiles pointing elsewhere. Every new file must exist with the same shape.
///
/// # Errors
/// When a path does not match, or new files are missing or differ; all missing ones are listed.
pub fn relocate(layout: &mut Layout, folder: &Path, how: &Relocation) -> Result<(), StitchError> {
    let cache = std::sync::Arc::new(hooke_io::ChunkCache::new(0));
    let mut missing = Vec::new();
    layout.relocate(|tile| -> Result<TileSource, StitchError> {
        let old = tile.source.path.clone();
        let path = PathBuf::from(new_path(&old, how)?);
        let full = absolute(folder, &path.to_string_lossy());
        let Ok(info) = std::fs::metadata(&full) else {
            missing.push(full.display().to_string());
            return Ok(tile.source.clone());
        };
        check_shape(tile, &full, &cache)?;
        Ok(TileSource {
            path: relative(folder, &full),
            size_bytes: info.len(),
            mtime_ns: mtime_ns(&info),
            ..tile.source.clone()
        })
    })?;
    if missing.is_empty() {
        return Ok(());
    }
    let shown = missing.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    let more = if missing.len() > 10 {
        format!(" and {} more", missing.len() - 10)
    } else {
        String::new()
    };
    Err(StitchError::Io(hooke_io::Error::NotThere {
        path: folder.to_owned(),
        what: format!("such files: {shown}{more}"),
    }))
}

/// The expression that a layout was made from, as seen from the layout's folder or whole.
pub fn expression_of(layout: &Layout) -> Option<String> {
    let parameters = layout.provenance.as_ref()?.get("parameters")?;
    let input = parameters.get("input")?.as_str()?;
    let expression: Expression = input.parse().ok()?;
    let path = &layout.tiles.first()?.source.path;
    // Paths of a layout start at its folder; the plan's expression is whole.
    let parts: Vec<&str> = input.split('/').collect();
    let below = |skip: usize| parts[skip..].join("/");
    let fits = |text: &String| text.parse::<Expression>().is_ok_and(|e| e.matches(path).is_some());
    if expression.matches(path).is_some() {
        return Some(input.to_owned());
    }
    (1..parts.len()).map(below).find(fits)
}

fn check_shape(
    tile: &Tile,
    path: &Path,
    cache: &std::sync::Arc<hooke_io::ChunkCache>,
) -> Result<(), StitchError> {
    let image = open_image(path, tile.source.dataset.as_deref(), tile.source.series, cache)?;
    let shape = image.meta().shape;
    let shape = [shape[2], shape[3], shape[4]];
    if shape == tile.shape {
        return Ok(());
    }
    Err(StitchError::Parameters(format!(
        "{}: has shape {shape:?}, the layout says {:?}",
        path.display(),
        tile.shape
    )))
}

fn new_path(old: &str, how: &Relocation) -> Result<String, StitchError> {
    match how {
        Relocation::Text { old: part, new } => Ok(old.replace(part.as_str(), new)),
        Relocation::Expressions { old: from, new } => {
            let from: Expression = from.parse()?;
            let to: Expression = new.parse()?;
            let values = from.matches(old).ok_or_else(|| no_match(old, &from))?;
            to.format(&values).map_err(|e| StitchError::Tag(e.to_string()))
        }
        Relocation::Set { expression, values: set } => {
            let expression: Expression = expression.parse()?;
            let mut values = expression.matches(old).ok_or_else(|| no_match(old, &expression))?;
            for (tag, value) in set {
                let new = match values.get(tag) {
                    Some(TagValue::Integer(_)) => {
                        let number = value.parse().map_err(|_| {
                            StitchError::Tag(format!("`{value}` is no number for tag `{tag}`"))
                        })?;
                        TagValue::Integer(number)
                    }
                    Some(TagValue::Text(_)) => TagValue::Text(value.clone()),
                    None => {
                        return Err(StitchError::Tag(format!("the expression has no tag `{tag}`")));
                    }
                };
                values.set(tag, new);
            }
            expression.format(&values).map_err(|e| StitchError::Tag(e.to_string()))
        }
    }
}

fn no_match(path: &str, expression: &Expression) -> StitchError {
    StitchError::Tag(format!("the tile's path `{path}` does not match `{expression}`"))
}

/// `(summary text, JSON)` of a layout: tiles, pairs, islands.
pub fn show(layout: &Layout) -> (String, Value) {
    let mut text = format!(
        "{} tiles, {} pairs, {} islands\n",
        layout.tiles.len(),
        layout.pairs.len(),
        layout.islands.len()
    );
    text += "tile  position z, y, x (px)            sd                  status   name\n";
    for t in &layout.tiles {
        let p = t.current_px();
        let sd = t.sd_px.map_or("-".to_owned(), |s| triple(s.0, 3));
        let status = t.status.map_or("nominal", |s| match s {
            hooke_stitch::layout::TileStatus::Linked => "linked",
            hooke_stitch::layout::TileStatus::Fixed => "fixed",
            hooke_stitch::layout::TileStatus::Stage => "stage",
        });
        text += &format!("{:>4}  {:<32} {sd:<20} {status:<8} {}\n", t.id, triple(p, 2), t.name);
    }
    text += "pre   post  displacement z, y, x (px)       quality  residual            status\n";
    for p in &layout.pairs {
        let quality = p.quality.map_or("-".to_owned(), |q| format!("{q:.3}"));
        let residual = p.residual_px.map_or("-".to_owned(), |r| triple(r.0, 3));
        let status = serde_json::to_value(p.status).ok();
        let status = status.as_ref().and_then(Value::as_str).unwrap_or_default();
        let reason = p.reason.as_deref().map(|r| format!(" ({r})")).unwrap_or_default();
        text += &format!(
            "{:>4}  {:>4}  {:<32} {quality:>7}  {residual:<20} {status}{reason}\n",
            p.pre,
            p.post,
            triple(p.displacement_px.0, 2)
        );
    }
    for w in &layout.warnings {
        text += &format!("warning[{}]: {}\n", w.code, w.message);
    }
    (text, serde_json::to_value(layout).unwrap_or_default())
}

fn triple(v: [f64; 3], digits: usize) -> String {
    let one = |x: f64| if x.is_finite() { format!("{x:.digits$}") } else { "-".to_owned() };
    v.map(one).join(", ")
}

/// Connected components, ids in order of the smallest.
pub fn components(layout: &Layout, min_quality: Option<MinQuality>) -> (String, Value) {
    let all = layout.components(min_quality);
    let line = |ids: &Vec<usize>| {
        let ids: Vec<String> = ids.iter().map(usize::to_string).collect();
        ids.join(" ") + "\n"
    };
    (all.iter().map(line).collect(), json!(all))
}

/// The disjoint boxes of a layout with their tiles.
pub fn regions(layout: &Layout) -> Value {
    let position = layout.lower().unwrap_or([0.0; 3]).map(|p| p.round_ties_even() as i64);
    let upper: [i64; 3] = layout.tiles.iter().fold(position, |u, t| {
        let end = t.region().end();
        std::array::from_fn(|d| u[d].max(end[d]))
    });
    let regions: Vec<Value> = layout
        .regions()
        .iter()
        .map(|r| json!({"lower": r.region.start, "upper": r.region.end(), "tiles": r.tiles}))
        .collect();
    let shape: [i64; 3] = std::array::from_fn(|d| upper[d] - position[d]);
    json!({"position": position, "shape": shape, "regions": regions})
}

/// Only the tiles and pairs that touch a box.
///
/// # Errors
/// When the box is inverted or no tile touches it.
pub fn crop(layout: &Layout, region: &str) -> Result<Layout, StitchError> {
    let spans: Spans = read_option("region", region)?;
    let far = 1i64 << 40;
    let bounds = spans.bounds([(-far, far); 3]);
    let inverted = || StitchError::Parameters(format!("the box `{region}` is empty"));
    let region =
        LayoutRegion::from_bounds(bounds.map(|b| b.0), bounds.map(|b| b.1)).ok_or_else(inverted)?;
    let cropped = layout.crop(&region);
    if cropped.tiles.is_empty() {
        return Err(StitchError::Parameters("no tile touches the box".to_owned()));
    }
    Ok(cropped)
}

/// The two-dimensional layout of one plane.
///
/// # Errors
/// When no tile holds the plane.
pub fn slice(layout: &Layout, axis: Axis, at: f64) -> Result<Layout, StitchError> {
    let sliced = layout.slice(axis, at).map_err(StitchError::Layout)?;
    if sliced.tiles.is_empty() {
        return Err(StitchError::Parameters(format!("no tile holds the plane {axis} = {at}")));
    }
    Ok(sliced)
}

/// New nominal positions from an overlap, for grids.
///
/// # Errors
/// When the layout is not a grid, or the overlap leaves no step.
pub fn set_overlap(layout: &mut Layout, overlap: &str) -> Result<(), StitchError> {
    let lengths: Lengths = read_option("overlap", overlap)?;
    let size = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
    let shape = layout.tiles.first().map_or([1; 3], |t| t.shape);
    let overlaps = lengths.voxels(shape, size).map(|v| v.round() as i64);
    layout.adjust_overlaps(&overlaps).map_err(StitchError::Layout)
}

/// Positions from a table, matched by path, else by name.
///
/// # Errors
/// When a row matches no tile, or has no position.
pub fn set_positions(
    layout: &mut Layout,
    folder: &Path,
    table: &Path,
    update_pairs: bool,
) -> Result<(), StitchError> {
    let size = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
    let mut positions = Vec::new();
    for (number, row) in hooke_io::tables::read_tiles(table)?.into_iter().enumerate() {
        let full = relative(folder, &row.path);
        let by_path = layout.tiles.iter().find(|t| t.source.path == full);
        let by_name = || layout.tiles.iter().find(|t| Some(&t.name) == row.name.as_ref());
        let Some(tile) = by_path.or_else(by_name) else {
            return Err(StitchError::Parameters(format!(
                "{}, row {}: no tile of the layout is `{}`",
                table.display(),
                number + 1,
                row.path.display()
            )));
        };
        let position = match row.position {
            Some(hooke_io::tables::TilePosition::Px(p)) => p,
            Some(hooke_io::tables::TilePosition::Um(p)) => std::array::from_fn(|d| p[d] / size[d]),
            None => {
                return Err(StitchError::Parameters(format!(
                    "{}, row {}: no position",
                    table.display(),
                    number + 1
                )));
            }
        };
        positions.push((tile.id, position));
    }
    layout.set_positions(&positions, update_pairs).map_err(StitchError::Layout)
}
