//! The options of [`place`](super::place()).

use hooke_core::Axis;

use super::error::PlaceError;
use crate::layout::MinQuality;

/// How positions are found from links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlaceMethod {
    /// Weighted least squares that finds and rejects wrong links.
    #[default]
    Robust,
    /// Unweighted least squares over all links, as ClearMap2 does.
    Optimization,
    /// Breadth-first shortest paths from the fixed tile, as ClearMap2 does.
    Tree,
}

impl PlaceMethod {
    /// The name on the command line and in `layout.json`.
    pub fn name(self) -> &'static str {
        match self {
            PlaceMethod::Robust => "robust",
            PlaceMethod::Optimization => "optimization",
            PlaceMethod::Tree => "tree",
        }
    }
}

/// Where the placed layout starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlaceOrigin {
    /// The fixed tile keeps its position, so the layout stays in stage coordinates.
    #[default]
    Keep,
    /// The smallest position per axis becomes 0.
    Zero,
}

/// The tile that keeps its position: its stage position with `robust`, its current one otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FixedTile {
    /// Member number `floor((n - 1) / 2)`, in the order of the tiles, of the largest island.
    #[default]
    Auto,
    /// The tile of this id.
    Id(usize),
}

/// How [`place`](super::place()) finds positions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlaceParams {
    /// How positions are found from links.
    pub method: PlaceMethod,
    /// Links must pass this bound; a link without quality is never used.
    pub min_quality: Option<MinQuality>,
    /// Solve only this axis; the others keep their current positions.
    pub axis: Option<Axis>,
    /// The tile that keeps its position.
    pub fixed_tile: FixedTile,
    /// Round positions to integers, half to even.
    pub round: bool,
    /// Where the placed layout starts.
    pub origin: PlaceOrigin,
    /// Standard deviation of the stage over `z, y, x`, voxels; 0 or `None` is estimated.
    pub stage_sigma: Option<[f64; 3]>,
    /// Links of these tiles are not used.
    pub drop_tiles: Vec<usize>,
    /// These links are not used, by the ids of their tiles in either order.
    pub drop_pairs: Vec<[usize; 2]>,
    /// Do not replace a link's displacement by another of its candidates.
    pub ignore_candidates: bool,
}

impl PlaceParams {
    /// Checks what can be checked without a layout.
    ///
    /// # Errors
    /// [`PlaceError`] naming the value.
    pub fn validate(&self) -> Result<(), PlaceError> {
        if let Some(found) = self.stage_sigma
            && !found.iter().all(|s| s.is_finite() && *s >= 0.0)
        {
            return Err(PlaceError::StageSigma { found });
        }
        if let Some(axis) = self.axis.filter(|a| a.space_index().is_none()) {
            return Err(PlaceError::NotASpaceAxis { axis: axis.letter() });
        }
        match self.min_quality {
            Some(MinQuality::Above(q)) if q.is_nan() => {
                Err(PlaceError::MinQuality { min: q, max: q })
            }
            Some(MinQuality::Between(min, max)) if min.is_nan() || max.is_nan() || min >= max => {
                Err(PlaceError::MinQuality { min, max })
            }
            _ => Ok(()),
        }
    }
}
