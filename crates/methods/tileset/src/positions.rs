//! Arithmetic of tile positions: tables checked, axes turned, positions scaled.

use crate::error::TilesetError;

/// Positions over `z, y, x` in any one unit, tile by tile.
pub type Positions = Vec<[f64; 3]>;

/// Orders the rows of a position table by tile.
///
/// # Arguments
/// * `rows` — `(tile, position)` in the order of the table; rows of messages count from 0.
/// * `tiles` — number of tiles, each of which needs exactly one row.
///
/// # Errors
/// [`TilesetError::Row`] for a tile there is not, a second row of a tile and a number that is not
/// finite; [`TilesetError::MissingPosition`].
pub fn from_rows(rows: &[(i64, [f64; 3])], tiles: usize) -> Result<Positions, TilesetError> {
    let mut first_row: Vec<Option<usize>> = vec![None; tiles];
    let mut positions = vec![[f64::NAN; 3]; tiles];
    for (row, (tile, position)) in rows.iter().enumerate() {
        let error = |why| Err(TilesetError::Row { row, why });
        let Some(place) = usize::try_from(*tile).ok().filter(|t| *t < tiles) else {
            return error(format!(
                "tile {tile} is not one of the {tiles} tiles (0 to {})",
                tiles.max(1) - 1
            ));
        };
        if let Some(other) = first_row[place] {
            return error(format!("tile {tile} already has a position in row {other}"));
        }
        if !position.iter().all(|p| p.is_finite()) {
            return error(format!("position {position:?} of tile {tile} is not finite"));
        }
        (first_row[place], positions[place]) = (Some(row), *position);
    }
    match first_row.iter().position(Option::is_none) {
        None => Ok(positions),
        Some(tile) => {
            let found = first_row.iter().flatten().count();
            Err(TilesetError::MissingPosition { tile, found, tiles })
        }
    }
}

/// The smallest position per axis; zeros without a tile.
pub fn minimum(positions: &[[f64; 3]]) -> [f64; 3] {
    let smallest = positions.iter().copied().reduce(|a, b| std::array::from_fn(|d| a[d].min(b[d])));
    smallest.unwrap_or_default()
}

/// Subtracts the minimum per axis.
pub fn relative(positions: &mut [[f64; 3]]) {
    let smallest = minimum(positions);
    positions.iter_mut().for_each(|p| (0..3).for_each(|d| p[d] -= smallest[d]));
}

/// Multiplies positions per axis, over `z, y, x`: voxels to µm, or `update-offsets --scale`.
pub fn scale(positions: &mut [[f64; 3]], factors: [f64; 3]) {
    positions.iter_mut().for_each(|p| (0..3).for_each(|d| p[d] *= factors[d]));
}

/// Which image axis each axis of the stage drives, and which way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageAxes {
    /// Per stage axis X, Y, Z: the image axis (0 is z, 2 is x) and 1 or -1.
    drives: [(usize, f64); 3],
}

impl Default for StageAxes {
    /// `x,y,z`: every stage axis drives the image axis of its name, forwards.
    fn default() -> StageAxes {
        StageAxes { drives: [(2, 1.0), (1, 1.0), (0, 1.0)] }
    }
}

impl StageAxes {
    /// Reads `-x,y,z`: the image axis that stage X, Y and Z drive, with its sign.
    ///
    /// # Errors
    /// [`TilesetError::Parameter`] unless x, y and z all stand there once.
    pub fn parse(text: &str) -> Result<StageAxes, TilesetError> {
        let drive = |word: &str| {
            let word = word.trim();
            let (sign, letter) = match word.strip_prefix('-') {
                Some(rest) => (-1.0, rest),
                None => (1.0, word.strip_prefix('+').unwrap_or(word)),
            };
            let axis = ["z", "y", "x"].iter().position(|a| *a == letter)?;
            Some((axis, sign))
        };
        let drives: Option<Vec<(usize, f64)>> = text.split(',').map(drive).collect();
        match drives.as_deref() {
            Some(&[a, b, c]) if a.0 != b.0 && b.0 != c.0 && a.0 != c.0 => {
                Ok(StageAxes { drives: [a, b, c] })
            }
            _ => Err(TilesetError::Parameter {
                name: "stage-axes",
                found: text.to_owned(),
                wanted: "x, y and z in any order, each with or without a minus: -x,y,z",
            }),
        }
    }

    /// A stage position over X, Y, Z as an image position over `z, y, x`.
    pub fn to_image(&self, stage_xyz: [f64; 3]) -> [f64; 3] {
        let mut image = [0.0; 3];
        for ((axis, sign), value) in self.drives.iter().zip(stage_xyz) {
            image[*axis] = sign * value;
        }
        image
    }
}

/// What ExM-Toolbox keeps of a tile set in an `.npy` of `n + 1` rows over X, Y, Z.
#[derive(Debug, Clone, PartialEq)]
pub struct ExmOffsets {
    /// Lengths of a tile before downscaling, over `z, y, x`.
    pub shape: [u64; 3],
    /// Positions in µm over `z, y, x`, X negated and the minimum subtracted.
    pub positions_um: Positions,
}

/// Reads the rows of ExM-Toolbox: row 0 holds lengths in voxels, the others stage positions in µm.
///
/// # Errors
/// [`TilesetError::Row`] when there is no tile, a length is no whole number from 1, or a position
/// is not finite.
pub fn from_exm_rows(rows: &[[f64; 3]]) -> Result<ExmOffsets, TilesetError> {
    let error = |row, why: &str| TilesetError::Row { row, why: why.to_owned() };
    let Some((size, stage)) = rows.split_first().filter(|(_, stage)| !stage.is_empty()) else {
        return Err(error(rows.len(), "wanted the tile's lengths and then a position per tile"));
    };
    if !size.iter().all(|n| *n >= 1.0 && *n <= 2f64.powi(40) && n.fract() == 0.0) {
        return Err(error(0, "the tile's lengths are not whole numbers from 1"));
    }
    if let Some(bad) = stage.iter().position(|p| !p.iter().all(|v| v.is_finite())) {
        return Err(error(bad + 1, "the position is not finite"));
    }
    let axes = StageAxes { drives: [(2, -1.0), (1, 1.0), (0, 1.0)] };
    let mut positions_um: Positions = stage.iter().map(|p| axes.to_image(*p)).collect();
    relative(&mut positions_um);
    Ok(ExmOffsets { shape: [size[2], size[1], size[0]].map(|n| n as u64), positions_um })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_name_the_row_that_is_wrong() {
        let at = [0.0, 1.0, 2.0];
        let message =
            |rows: &[(i64, [f64; 3])]| from_rows(rows, 2).expect_err("refused").to_string();
        assert_eq!(from_rows(&[(1, at), (0, [3.0; 3])], 2).expect("sound"), [[3.0; 3], at]);
        assert!(message(&[(0, at), (2, at)]).contains("row 1: tile 2 is not one of the 2 tiles"));
        assert!(message(&[(0, at), (-1, at)]).contains("row 1: tile -1"));
        assert!(
            message(&[(0, at), (0, at)]).contains("row 1: tile 0 already has a position in row 0")
        );
        assert!(message(&[(0, [0.0, f64::NAN, 0.0])]).contains("row 0"));
        assert!(message(&[(1, at)]).contains("tile 0 has no position; 1 of 2"));
    }

    #[test]
    fn the_stage_may_drive_any_axis_either_way() {
        let axes = StageAxes::parse("-y, x,z").expect("three axes");
        assert_eq!(axes.to_image([1.0, 2.0, 3.0]), [3.0, -1.0, 2.0]);
        assert_eq!(StageAxes::parse("x,y,z").expect("three axes"), StageAxes::default());
        for bad in ["x,y", "x,x,z", "a,y,z", "--x,y,z", ""] {
            assert!(StageAxes::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scaling_and_subtracting_the_minimum() {
        let mut positions = vec![[1.0, -2.0, 4.0], [3.0, 0.0, 4.0]];
        relative(&mut positions);
        scale(&mut positions, [2.0, 0.5, 1.0]);
        assert_eq!(positions, [[0.0; 3], [4.0, 1.0, 0.0]]);
    }
}
