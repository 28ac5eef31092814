//! `hooke stitch place`: positions from measured displacements; reads no image.

use std::path::Path;

use hooke_core::Axis;
use hooke_stitch::Layout;
use hooke_stitch::layout::MinQuality;
use hooke_stitch::place::{FixedTile, PlaceMethod, PlaceOrigin, PlaceParams, place};
use serde::{Deserialize, Serialize};

use super::error::StitchError;
use super::files::{folder_of, move_paths, open_layout, save_layout};
use crate::options::Lengths;

/// How positions are found, as typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceOptions {
    /// `robust`, `optimization` or `tree`.
    pub method: String,
    /// `Q` or `MIN:MAX`.
    pub min_quality: Option<String>,
    /// The only axis to solve.
    pub axis: Option<Axis>,
    /// A tile's id or `auto`.
    pub fixed_tile: String,
    /// Whole voxels.
    pub round: bool,
    /// `zero` or `keep`.
    pub origin: String,
    /// Standard deviation of the stage.
    pub stage_sigma: Option<String>,
    /// Tiles whose links are left out.
    pub drop_tile: Vec<usize>,
    /// Links that are left out, `I,J`.
    pub drop_pair: Vec<String>,
    /// Whether other peaks of a link may be chosen.
    pub use_candidates: bool,
}

/// Reads `Q` or `MIN:MAX`.
///
/// # Errors
/// When it is neither.
pub fn parse_min_quality(text: &str) -> Result<MinQuality, StitchError> {
    let refuse = || {
        StitchError::Parameters(format!(
            "--min-quality `{text}`: write Q or MIN:MAX, like 0.5 or -200:-10"
        ))
    };
    let number =
        |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(refuse);
    match text.split_once(':') {
        Some((min, max)) => Ok(MinQuality::Between(number(min)?, number(max)?)),
        None => Ok(MinQuality::Above(number(text)?)),
    }
}

impl PlaceOptions {
    /// The method's parameters.
    ///
    /// # Errors
    /// When a text is no value, or the method refuses it.
    pub fn params(&self, layout: &Layout) -> Result<PlaceParams, StitchError> {
        let voxel = layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx());
        let shape = layout.tiles.first().map_or([1; 3], |t| t.shape);
        let stage_sigma = match &self.stage_sigma {
            Some(text) => Some(text.parse::<Lengths>()?.voxels(shape, voxel)),
            None => None,
        };
        let params = PlaceParams {
            method: match self.method.as_str() {
                "optimization" => PlaceMethod::Optimization,
                "tree" => PlaceMethod::Tree,
                _ => PlaceMethod::Robust,
            },
            min_quality: self.min_quality.as_deref().map(parse_min_quality).transpose()?,
            axis: self.axis,
            fixed_tile: self.fixed_tile()?,
            round: self.round,
            origin: if self.origin == "zero" { PlaceOrigin::Zero } else { PlaceOrigin::Keep },
            stage_sigma,
            drop_tiles: self.drop_tile.clone(),
            drop_pairs: self.drop_pair.iter().map(|p| parse_pair(p)).collect::<Result<_, _>>()?,
            ignore_candidates: !self.use_candidates,
        };
        params.validate().map_err(|e| StitchError::Parameters(e.to_string()))?;
        Ok(params)
    }

    fn fixed_tile(&self) -> Result<FixedTile, StitchError> {
        match self.fixed_tile.as_str() {
            "auto" => Ok(FixedTile::Auto),
            id => id.parse().map(FixedTile::Id).map_err(|_| {
                StitchError::Parameters(format!("--fixed-tile `{id}`: write a tile's id or auto"))
            }),
        }
    }
}

/// Reads `I,J`.
///
/// # Errors
/// When it is not two ids.
pub fn parse_pair(text: &str) -> Result<[usize; 2], StitchError> {
    let refuse = || StitchError::Parameters(format!("pair `{text}`: write two tile ids, like 0,1"));
    let (a, b) = text.split_once(',').ok_or_else(refuse)?;
    let id = |t: &str| t.trim().parse::<usize>().map_err(|_| refuse());
    Ok([id(a)?, id(b)?])
}

/// Places a layout, and says in its warnings what a user should look at.
///
/// # Errors
/// When the method refuses the parameters or the layout.
pub fn place_layout(layout: &mut Layout, options: &PlaceOptions) -> Result<(), StitchError> {
    let params = options.params(layout)?;
    place(layout, &params).map_err(|e| StitchError::Parameters(e.to_string()))
}

/// Reads a layout, places it, and writes it elsewhere.
///
/// # Errors
/// When a file cannot be read or written, or the output exists and `overwrite` is off.
pub fn place_file(
    input: &Path,
    output: &Path,
    options: &PlaceOptions,
    overwrite: bool,
) -> Result<Layout, StitchError> {
    let mut layout = open_layout(input)?;
    place_layout(&mut layout, options)?;
    move_paths(&mut layout, &folder_of(input), &folder_of(output));
    save_layout(output, &layout, overwrite)?;
    Ok(layout)
}
