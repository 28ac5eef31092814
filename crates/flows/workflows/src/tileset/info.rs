//! `hooke tileset info`: what is in a tile set, where its tiles lie, what is suspicious.

use hooke_core::{LayoutRegion, Origin};
use hooke_tileset::overlap;
use hooke_tileset::placement::Place;
use serde_json::{Value, json};

use super::error::SetError;
use super::options::SetOptions;
use super::set::TileSet;
use crate::report::plot::number;

/// Describes a set: text for people, and the object of `--json`.
///
/// # Errors
/// When the tiles cannot be opened, or their positions make an absurdly large mosaic.
pub fn info(options: &SetOptions) -> Result<(String, Value), SetError> {
    let set = TileSet::open(&options.clone().absolute())?;
    let placement = match set.has_positions() {
        true => match set.placement_of_shifts(Place::Nearest) {
            Err(SetError::Unfit { .. }) => None,
            other => Some(other?),
        },
        false => None,
    };
    let mut problems: Vec<(String, String)> = set.warnings.clone();
    if !set.has_positions() {
        let what = "the tiles have no positions; give --positions";
        problems.push(("positions-missing".to_owned(), what.to_owned()));
    } else if placement.is_none() {
        let what = "positions are in micrometres and the voxel size is not known";
        problems.push(("voxel-size-missing".to_owned(), what.to_owned()));
    }
    let pairs = placement.as_ref().map(overlap::pairs).unwrap_or_default();
    let islands = placement.as_ref().map(overlap::islands).unwrap_or_default();
    let suspicious = placement.as_ref().map(overlap::problems).unwrap_or_default();
    problems.extend(suspicious.into_iter().map(|p| (p.code, p.message)));
    let start = |i: usize| placement.as_ref().map(|p| p.tile(i).start);
    let tiles: Vec<Value> = set
        .tiles
        .iter()
        .enumerate()
        .map(|(i, t)| {
            json!({
                "tile": i, "name": t.name, "path": t.path().to_string_lossy(),
                "dtype": t.dtype.name(), "shape": t.shape, "position_um": t.position_um,
                "position_px": t.position_px, "start": start(i),
            })
        })
        .collect();
    let overlaps: Vec<Value> = pairs
        .iter()
        .map(|p| {
            json!({
                "tile_a": p.tile_a, "tile_b": p.tile_b, "shape": p.region.shape,
                "n_voxels": p.region.voxels(), "fraction": p.fraction,
            })
        })
        .collect();
    let [z, y, x] = set.voxel_size().map(|s| s.value);
    let voxel = set.voxel_um.map(|_| json!({"z": z, "y": y, "x": x}));
    let from = match set.voxel_from {
        Origin::File => "file",
        Origin::User => "user",
        Origin::Assumed => "assumed",
        Origin::Unknown => "unknown",
    };
    let told: Vec<Value> =
        problems.iter().map(|(code, message)| json!({"code": code, "message": message})).collect();
    let result = json!({
        "hooke": env!("CARGO_PKG_VERSION"), "voxel_size_um": voxel, "voxel_size_from": from,
        "tiles": tiles, "volume_shape": placement.as_ref().map(|p| p.volume_shape()),
        "origin_um": set.origin_um(), "overlaps": overlaps, "islands": islands, "problems": told,
    });
    let boxes = placement.as_ref().map(|p| p.tiles().to_vec());
    Ok((text(&set, boxes.as_deref(), &pairs, &islands, &problems), result))
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// At most this many tiles and overlaps are listed as text.
const LISTED: usize = 40;

fn text(
    set: &TileSet,
    boxes: Option<&[LayoutRegion]>,
    pairs: &[overlap::Overlap],
    islands: &[Vec<usize>],
    problems: &[(String, String)],
) -> String {
    let by = |n: [u64; 3]| n.map(|n| n.to_string()).join(" x ");
    let mut text = counted(set.tiles.len(), "tile");
    text += &match set.voxel_size().map(|s| s.value) {
        [Some(z), Some(y), Some(x)] => {
            format!(", voxels of {} um (z, y, x)\n", [z, y, x].map(number).join(" x "))
        }
        [None, Some(y), Some(x)] => {
            format!(", pixels of {} um (y, x)\n", [y, x].map(number).join(" x "))
        }
        _ => ", voxel size not known\n".to_owned(),
    };
    text += &format!(
        "{:>5}  {:<24} {:<8} {:<16} {:<28} {}\n",
        "tile", "name", "type", "shape", "position um", "start"
    );
    for (i, tile) in set.tiles.iter().enumerate().take(LISTED) {
        let place = |p: Option<[f64; 3]>| p.map_or("-".to_owned(), |p| p.map(number).join(", "));
        let start = boxes.map_or("-".to_owned(), |b| b[i].start.map(|n| n.to_string()).join(", "));
        text += &format!(
            "{i:>5}  {:<24} {:<8} {:<16} {:<28} {start}\n",
            tile.name,
            tile.dtype,
            by(tile.shape),
            place(tile.position_um)
        );
    }
    if set.tiles.len() > LISTED {
        text += &format!("  and {} more; --json lists all\n", set.tiles.len() - LISTED);
    }
    if let Some(boxes) = boxes {
        let end = |d: usize| boxes.iter().map(|b| b.end()[d]).max().unwrap_or(0) as u64;
        text += &format!("mosaic of {} voxels\n", by([end(0), end(1), end(2)]));
        let groups = counted(islands.len(), "group");
        text += &format!("{}, {groups} of tiles\n", counted(pairs.len(), "overlap"));
        for p in pairs.iter().take(LISTED) {
            let shape = p.region.shape.map(|n| n as u64);
            let share = number(100.0 * p.fraction);
            text += &format!("  {} and {}: {} voxels, {share} %\n", p.tile_a, p.tile_b, by(shape));
        }
        if pairs.len() > LISTED {
            text += &format!("  and {} more; --json lists all\n", pairs.len() - LISTED);
        }
    }
    for (code, message) in problems {
        text += &format!("problem [{code}]: {message}\n");
    }
    text
}
