//! Nominal positions: given, from the files' stage tags, or from grid indices and an overlap.

use std::collections::HashMap;
use std::path::Path;

use hooke_core::Axis;
use hooke_stitch::layout::LayoutVoxelSize;

use super::detect::propose;
use super::error::StitchError;
use super::input::{FoundTile, InputOptions, Position};
use crate::options::{Lengths, read_option};

/// Nominal positions in voxels over `(z, y, x)`, one per tile.
///
/// In this order: the position the input gives, the grid with the user's overlap, the stage
/// position in the file.
///
/// # Errors
/// When a tile has none of these, or two tiles share a place of the grid.
pub fn nominal(
    options: &InputOptions,
    tiles: &[FoundTile],
    origins_um: &[Option<[f64; 3]>],
    shapes: &[[u64; 3]],
    voxel: LayoutVoxelSize,
) -> Result<Vec<[f64; 3]>, StitchError> {
    let mut found = given_or_grid(options, tiles, origins_um, shapes, voxel)?;
    // Planes have no depth to measure: a focus drive's fraction of a voxel means nothing.
    if shapes.iter().all(|s| s[0] == 1) {
        let lowest = found.iter().map(|p| p[0]).fold(f64::INFINITY, f64::min);
        found.iter_mut().for_each(|p| p[0] = (p[0] - lowest).round());
    }
    Ok(found)
}

fn given_or_grid(
    options: &InputOptions,
    tiles: &[FoundTile],
    origins_um: &[Option<[f64; 3]>],
    shapes: &[[u64; 3]],
    voxel: LayoutVoxelSize,
) -> Result<Vec<[f64; 3]>, StitchError> {
    no_duplicates(tiles)?;
    let size = voxel.zyx();
    let given = tiles.iter().all(|t| t.position.is_some());
    let on_grid = tiles.iter().all(|t| t.grid.is_some());
    if given {
        let position = |t: &FoundTile| match t.position {
            Some(Position::Voxels(p)) => p,
            Some(Position::Micrometres(p)) => std::array::from_fn(|d| p[d] / size[d]),
            None => [0.0; 3],
        };
        return Ok(tiles.iter().map(position).collect());
    }
    if on_grid && options.overlap.is_some() {
        return from_grid(options, tiles, shapes, size);
    }
    if origins_um.iter().all(Option::is_some) {
        let all = origins_um.iter().flatten();
        return Ok(all.map(|o| std::array::from_fn(|d| o[d] / size[d])).collect());
    }
    if on_grid {
        return Err(StitchError::NoOverlapGiven);
    }
    let lost = tiles.iter().zip(origins_um).find(|(t, o)| t.position.is_none() && o.is_none());
    let path = lost.map_or_else(Default::default, |(t, _)| t.path.clone());
    Err(StitchError::NoPosition { path, instead: instead(tiles) })
}

/// What to give for tiles without positions: the table beside them, else their names as a grid.
fn instead(tiles: &[FoundTile]) -> String {
    let folder = tiles.first().and_then(|t| t.path.parent()).unwrap_or(Path::new(""));
    let table = ["tiles.csv", "tiles.parquet"].map(|n| folder.join(n));
    if let Some(table) = table.iter().find(|t| t.is_file()) {
        return format!("give the table {}", table.display());
    }
    let names: Vec<_> = tiles.iter().map(|t| t.path.to_string_lossy()).collect();
    match propose(&names).ok().and_then(|p| p.named) {
        Some(named) => format!(
            "name the rows <Y> and the columns <X>, and give the overlap: '{named}' --overlap 10%"
        ),
        None => "list positions in a table (path,z_px,y_px,x_px), or name a grid by an expression"
            .to_owned(),
    }
}

fn no_duplicates(tiles: &[FoundTile]) -> Result<(), StitchError> {
    let mut seen = HashMap::new();
    for tile in tiles {
        let Some(grid) = tile.grid else { continue };
        if let Some(first) = seen.insert(grid, &tile.path) {
            return Err(StitchError::DuplicateGrid {
                first: first.clone(),
                second: tile.path.clone(),
                at: grid.zyx(),
            });
        }
    }
    Ok(())
}

/// `(index - smallest index) * (tile size - overlap)`; a flipped axis counts from the largest.
fn from_grid(
    options: &InputOptions,
    tiles: &[FoundTile],
    shapes: &[[u64; 3]],
    voxel_um: [f64; 3],
) -> Result<Vec<[f64; 3]>, StitchError> {
    let text = options.overlap.as_deref().unwrap_or("0");
    let overlap: Lengths = read_option("overlap", text)?;
    let largest: [u64; 3] = std::array::from_fn(|d| shapes.iter().map(|s| s[d]).max().unwrap_or(1));
    let overlap = overlap.voxels(largest, voxel_um);
    let indices: Vec<[i64; 3]> = tiles.iter().filter_map(|t| t.grid.map(|g| g.zyx())).collect();
    let low: [i64; 3] = std::array::from_fn(|d| indices.iter().map(|i| i[d]).min().unwrap_or(0));
    let high: [i64; 3] = std::array::from_fn(|d| indices.iter().map(|i| i[d]).max().unwrap_or(0));
    for d in 0..3 {
        if high[d] > low[d] && overlap[d] >= largest[d] as f64 {
            return Err(StitchError::Parameters(format!(
                "an overlap of {} voxels along {} leaves no step between tiles of {} voxels",
                overlap[d],
                Axis::SPACE[d],
                largest[d]
            )));
        }
    }
    let along = |index: [i64; 3], d: usize| {
        let flipped = options.flip.contains(&Axis::SPACE[d]);
        let steps = if flipped { high[d] - index[d] } else { index[d] - low[d] };
        // Stage steps are whole voxels, so that nominal overlaps are too.
        steps as f64 * (largest[d] as f64 - overlap[d]).round()
    };
    Ok(indices.iter().map(|i| std::array::from_fn(|d| along(*i, d))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hooke_core::meta::Origin;
    use hooke_stitch::layout::Grid;

    fn tile(y: i64, x: i64) -> FoundTile {
        FoundTile {
            path: format!("{y}_{x}.tif").into(),
            dataset: None,
            series: 0,
            channel: None,
            name: String::new(),
            grid: Some(Grid { z: 0, y, x }),
            position: None,
        }
    }

    fn place(tiles: &[FoundTile], flip: Vec<Axis>) -> Result<Vec<[f64; 3]>, StitchError> {
        let options =
            InputOptions { overlap: Some("y=20,x=10%".into()), flip, ..InputOptions::default() };
        let voxel = LayoutVoxelSize { z: 1.0, y: 1.0, x: 1.0, origin: Origin::Assumed };
        let origins = vec![None; tiles.len()];
        nominal(&options, tiles, &origins, &vec![[4, 100, 200]; tiles.len()], voxel)
    }

    #[test]
    fn steps_are_tile_size_less_overlap_and_indices_start_anywhere() {
        let found = place(&[tile(5, 7), tile(5, 9), tile(6, 7)], vec![]).expect("a grid");
        assert_eq!(found, vec![[0.0, 0.0, 0.0], [0.0, 0.0, 360.0], [0.0, 80.0, 0.0]]);
    }

    #[test]
    fn a_flipped_axis_counts_from_its_end() {
        let found = place(&[tile(0, 0), tile(0, 1)], vec![Axis::X]).expect("a grid");
        assert_eq!(found, vec![[0.0, 0.0, 180.0], [0.0, 0.0, 0.0]]);
    }

    #[test]
    fn two_files_at_one_place_are_named() {
        let error = place(&[tile(1, 1), tile(1, 1)], vec![]).expect_err("a duplicate");
        assert!(error.to_string().contains("grid index z 0, y 1, x 1"), "{error}");
    }
}
