//! The table of tiles: paths, grid places, positions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use serde_json::{Map, Value, json};

use super::cells::Cells;
use super::{TableError, TableFormat, format_of, write_table};

/// One tile of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TileRow {
    /// The file, made absolute or relative to the working folder by the table's own folder.
    pub path: PathBuf,
    /// Array inside the container.
    pub dataset: Option<String>,
    /// Index of the image in the file.
    pub series: usize,
    /// Channel of the file, when it holds several.
    pub channel: Option<usize>,
    /// Name for people.
    pub name: Option<String>,
    /// Place on the grid over `z, y, x`; a missing axis is 0, `None` when all are missing.
    pub grid: Option<[i64; 3]>,
    /// Where the first voxel's centre lies.
    pub position: Option<TilePosition>,
}

/// Position of the centre of a tile's first voxel over `z, y, x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TilePosition {
    /// In voxels.
    Px([f64; 3]),
    /// In µm.
    Um([f64; 3]),
}

pub(super) const AXES: [&str; 3] = ["z", "y", "x"];

/// Reads a table of tiles: `.csv`, `.parquet`, or `.json` (a list of objects).
///
/// Columns: `path` (relative to the table's folder), optional `dataset`, `series`, `channel`,
/// `name`, `grid_z grid_y grid_x`, and `z_px y_px x_px` or `z_um y_um x_um` (a missing z is 0).
/// Other columns are ignored. Rows may lack positions, but all positions are in one unit.
///
/// # Errors
/// [`TableError`] naming the row and the column.
pub fn read_tiles(table: &Path) -> Result<Vec<TileRow>, TableError> {
    let cells = Cells::read(table)?;
    if !cells.columns.iter().any(|c| c == "path") {
        return Err(TableError::NoColumn {
            path: table.to_owned(),
            column: "path".to_owned(),
            found: cells.columns,
        });
    }
    let folder = table.parent().unwrap_or(Path::new(""));
    let mut tiles = Vec::with_capacity(cells.len());
    for row in 0..cells.len() {
        tiles.push(TileRow {
            path: folder.join(cells.required_text(row, "path")?),
            dataset: cells.text(row, "dataset")?,
            series: cells.index(row, "series")?.unwrap_or(0),
            channel: cells.index(row, "channel")?,
            name: cells.text(row, "name")?,
            grid: read_grid(&cells, row)?,
            position: read_position(&cells, row)?,
        });
    }
    one_unit(table, &tiles)?;
    Ok(tiles)
}

fn read_grid(cells: &Cells, row: usize) -> Result<Option<[i64; 3]>, TableError> {
    let mut grid = [None; 3];
    for (place, axis) in grid.iter_mut().zip(AXES) {
        *place = cells.integer(row, &format!("grid_{axis}"))?;
    }
    Ok(grid.iter().any(Option::is_some).then(|| grid.map(|g| g.unwrap_or(0))))
}

fn read_position(cells: &Cells, row: usize) -> Result<Option<TilePosition>, TableError> {
    let read = |unit: &str| -> Result<Option<[f64; 3]>, TableError> {
        let mut place = [None; 3];
        for (value, axis) in place.iter_mut().zip(AXES) {
            *value = cells.number(row, &format!("{axis}_{unit}"))?;
        }
        match place {
            [None, None, None] => Ok(None),
            [z, Some(y), Some(x)] => Ok(Some([z.unwrap_or(0.0), y, x])),
            [_, y, _] => {
                let axis = if y.is_none() { "y" } else { "x" };
                Err(TableError::BadCell {
                    path: cells.path.clone(),
                    row: row + 1,
                    column: format!("{axis}_{unit}"),
                    found: "nothing".to_owned(),
                    wanted: "a number, as the row has a position on another axis",
                })
            }
        }
    };
    match (read("px")?, read("um")?) {
        (None, None) => Ok(None),
        (Some(px), None) => Ok(Some(TilePosition::Px(px))),
        (None, Some(um)) => Ok(Some(TilePosition::Um(um))),
        (Some(_), Some(_)) => {
            let path = cells.path.clone();
            Err(TableError::MixedUnits { path, row_px: row + 1, row_um: row + 1 })
        }
    }
}

fn one_unit(table: &Path, tiles: &[TileRow]) -> Result<(), TableError> {
    let px = tiles.iter().position(|t| matches!(t.position, Some(TilePosition::Px(_))));
    let um = tiles.iter().position(|t| matches!(t.position, Some(TilePosition::Um(_))));
    match (px, um) {
        (Some(px), Some(um)) => {
            let path = table.to_owned();
            Err(TableError::MixedUnits { path, row_px: px + 1, row_um: um + 1 })
        }
        _ => Ok(()),
    }
}

/// Writes a table of tiles, whole or not at all; the format is that of the suffix.
///
/// Paths inside the table's folder are written relative to it. Columns that no tile fills are left
/// out.
///
/// # Errors
/// [`TableError::MixedUnits`]; else when the file cannot be written.
pub fn write_tiles(table: &Path, tiles: &[TileRow]) -> Result<(), TableError> {
    one_unit(table, tiles)?;
    let folder = table.parent().unwrap_or(Path::new(""));
    let relative = |t: &TileRow| {
        let path = t.path.strip_prefix(folder).unwrap_or(&t.path);
        path.to_string_lossy().into_owned()
    };
    if format_of(table)? == TableFormat::Json {
        let rows: Vec<Value> = tiles.iter().map(|t| json_row(t, relative(t))).collect();
        let mut text = serde_json::to_vec_pretty(&rows).expect("numbers are finite");
        text.push(b'\n');
        crate::atomic::write_file(table, &[&text])?;
        return Ok(());
    }
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let mut add = |name: &str, array: ArrayRef| {
        if array.null_count() < array.len() {
            columns.push((name.to_owned(), array));
        }
    };
    let index = |value: Option<usize>| value.map(|v| v as u64);
    add("path", Arc::new(StringArray::from_iter_values(tiles.iter().map(relative))));
    add("dataset", Arc::new(StringArray::from_iter(tiles.iter().map(|t| t.dataset.as_deref()))));
    if tiles.iter().any(|t| t.series > 0) {
        let series = tiles.iter().map(|t| t.series as u64);
        add("series", Arc::new(UInt64Array::from_iter_values(series)));
    }
    add("channel", Arc::new(UInt64Array::from_iter(tiles.iter().map(|t| index(t.channel)))));
    add("name", Arc::new(StringArray::from_iter(tiles.iter().map(|t| t.name.as_deref()))));
    for (d, axis) in AXES.iter().enumerate() {
        let grid = tiles.iter().map(|t| t.grid.map(|g| g[d]));
        add(&format!("grid_{axis}"), Arc::new(Int64Array::from_iter(grid)));
    }
    for (unit, pick) in [("px", px as fn(&TileRow) -> Option<[f64; 3]>), ("um", um)] {
        for (d, axis) in AXES.iter().enumerate() {
            let place = tiles.iter().map(|t| pick(t).map(|p| p[d]));
            add(&format!("{axis}_{unit}"), Arc::new(Float64Array::from_iter(place)));
        }
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .expect("columns are equally long");
    write_table(table, &batch)
}

fn px(tile: &TileRow) -> Option<[f64; 3]> {
    match tile.position {
        Some(TilePosition::Px(p)) => Some(p),
        _ => None,
    }
}

fn um(tile: &TileRow) -> Option<[f64; 3]> {
    match tile.position {
        Some(TilePosition::Um(p)) => Some(p),
        _ => None,
    }
}

fn json_row(tile: &TileRow, path: String) -> Value {
    let mut row = Map::new();
    row.insert("path".to_owned(), json!(path));
    let mut add = |name: String, value: Value| {
        if !value.is_null() {
            row.insert(name, value);
        }
    };
    add("dataset".to_owned(), json!(tile.dataset));
    add("series".to_owned(), json!(Some(tile.series).filter(|s| *s > 0)));
    add("channel".to_owned(), json!(tile.channel));
    add("name".to_owned(), json!(tile.name));
    for (d, axis) in AXES.iter().enumerate() {
        add(format!("grid_{axis}"), json!(tile.grid.map(|g| g[d])));
        add(format!("{axis}_px"), json!(px(tile).map(|p| p[d])));
        add(format!("{axis}_um"), json!(um(tile).map(|p| p[d])));
    }
    Value::Object(row)
}
