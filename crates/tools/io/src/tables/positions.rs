//! The table of positions: one row per tile.

use std::path::Path;

use super::TableError;
use super::cells::Cells;
use super::tiles::{AXES, TilePosition};

/// Reads a table of positions: `tile` (from 0) and `z_um, y_um, x_um` or `z_px, y_px, x_px`.
///
/// A table may have both; then µm count. A missing z is 0. Rows come in the table's order, other
/// columns are ignored.
///
/// # Errors
/// [`TableError`] naming the row and the column: no tile, no position, a number that is not
/// finite; [`TableError::MixedUnits`] when neither unit is there in every row.
pub fn read_positions(table: &Path) -> Result<Vec<(i64, TilePosition)>, TableError> {
    let cells = Cells::read(table)?;
    let column = |name: &str| cells.columns.iter().any(|c| c == name);
    let in_unit = |unit: &str| column(&format!("y_{unit}")) && column(&format!("x_{unit}"));
    let wanted = [("tile", column("tile")), ("y_um", in_unit("um") || in_unit("px"))];
    if let Some((missing, _)) = wanted.iter().find(|(_, there)| !there) {
        let (path, column) = (table.to_owned(), (*missing).to_owned());
        return Err(TableError::NoColumn { path, column, found: cells.columns });
    }
    let mut rows = Vec::with_capacity(cells.len());
    for row in 0..cells.len() {
        let tile = cells.integer(row, "tile")?.ok_or_else(|| cells.bad(row, "tile", "a tile"))?;
        rows.push((tile, in_row(&cells, row, "um")?, in_row(&cells, row, "px")?));
    }
    let lacks = |um: bool| rows.iter().position(|(_, a, b)| if um { a } else { b }.is_none());
    match (lacks(true), lacks(false)) {
        (None, _) => {
            let um = |(tile, um, _): (i64, Option<_>, _)| Some((tile, TilePosition::Um(um?)));
            Ok(rows.into_iter().filter_map(um).collect())
        }
        (_, None) => {
            let px = |(tile, _, px): (i64, _, Option<_>)| Some((tile, TilePosition::Px(px?)));
            Ok(rows.into_iter().filter_map(px).collect())
        }
        (Some(no_um), Some(no_px)) => {
            let neither = |row: usize| rows[row].1.is_none() && rows[row].2.is_none();
            match [no_um, no_px].into_iter().find(|row| neither(*row)) {
                Some(row) => Err(cells.bad(row, "y_um", "a number")),
                None => {
                    let (row_px, row_um) = (no_um + 1, no_px + 1);
                    Err(TableError::MixedUnits { path: table.to_owned(), row_px, row_um })
                }
            }
        }
    }
}

fn in_row(cells: &Cells, row: usize, unit: &str) -> Result<Option<[f64; 3]>, TableError> {
    let mut place = [None; 3];
    for (value, axis) in place.iter_mut().zip(AXES) {
        *value = cells.number(row, &format!("{axis}_{unit}"))?;
    }
    Ok(match place {
        [z, Some(y), Some(x)] => Some([z.unwrap_or(0.0), y, x]),
        _ => None,
    })
}
