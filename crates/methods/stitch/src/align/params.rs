//! What `align` can be asked, with every default in one place.

use hooke_core::Axis;
use serde::{Deserialize, Serialize};

use super::error::AlignError;

/// How to measure pairs. Triples are `(z, y, x)`, ranges include both ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignParams {
    /// Window of the shift of `post` against its nominal position, voxels, `[min, max]` per axis.
    pub max_shift: [[i64; 2]; 3],
    /// How the window along a pair's own axis is given.
    pub search: Search,
    /// Measure and store only this component of the shift; the others stay 0.
    pub axis: Option<Axis>,
    /// Measure maximum projections instead of volumes.
    pub projection: ProjectionMode,
    /// Planes to project per tiling axis; `None` = nominal overlap + largest shift.
    pub depth: Option<[usize; 3]>,
    /// Use only this part of the layout, `[first, last]` in layout voxels per axis.
    pub range: [Option<[i64; 2]>; 3],
    /// A pair has signal only if both crops pass; `None` = by the null distribution
    /// (with [`Measure::Msd`]: no test).
    pub background: Option<Background>,
    /// Applied to every voxel first.
    pub clip: Option<Clip>,
    /// For [`Measure::Msd`]: subtract each crop's mean and divide by its L2 norm.
    pub normalize: bool,
    /// What is compared.
    pub measure: Measure,
    /// Refine below one voxel (not with [`Measure::Msd`]).
    pub subpixel: bool,
    /// Fraction of the nominal overlap's volume that a candidate must keep; `None` = 0.25, and 0
    /// with [`Measure::Msd`].
    pub min_overlap: Option<f64>,
    /// Which tiles are paired.
    pub links: Links,
    /// Coarse peaks that are refined and kept as candidates.
    pub peaks: usize,
}

impl Default for AlignParams {
    fn default() -> AlignParams {
        AlignParams {
            max_shift: [[-10, 10]; 3],
            search: Search::Position,
            axis: None,
            projection: ProjectionMode::None,
            depth: None,
            range: [None; 3],
            background: None,
            clip: None,
            normalize: false,
            measure: Measure::Ncc,
            subpixel: true,
            min_overlap: None,
            links: Links::Faces,
            peaks: 5,
        }
    }
}

/// How the window along a pair's own axis is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// By `max_shift` about the nominal position.
    Position,
    /// By the absolute overlap, `[min, max]` voxels; a negative one is a gap.
    Tiling {
        /// Smallest and largest overlap.
        overlap_range: [i64; 2],
    },
}

/// Whether projections are measured instead of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProjectionMode {
    /// The volumes themselves.
    None,
    /// The maximum along the pair's tiling axis; that component stays unmeasured (NaN).
    Pair,
    /// The maxima along all three axes; per axis the mean of its two measurements.
    All,
}

/// When a crop counts as signal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// A voxel at or above this value is signal.
    pub level: f32,
    /// How many such voxels each crop must hold.
    pub at_least: SignalCount,
}

/// A number of voxels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalCount {
    /// So many.
    Voxels(u64),
    /// This fraction of the crop, 0 to 1.
    Fraction(f64),
}

/// Limits of the values; voxels beyond are set to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// Lower limit.
    pub low: Option<f32>,
    /// Upper limit.
    pub high: f32,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Masked normalised cross-correlation, then Gauss-Newton.
    Ncc,
    /// Mean squared difference at integer shifts, as ClearMap computes it.
    Msd,
    /// Phase correlation for the peaks, then as [`Measure::Ncc`].
    Phase,
}

/// Which tiles are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Links {
    /// Neighbours on the grid; without a grid every pair whose nominal overlap is at least
    /// `min_overlap` of the largest one.
    Faces,
    /// Every pair whose tiles overlap nominally.
    All,
}

impl AlignParams {
    /// Checks every value once.
    ///
    /// # Errors
    /// [`AlignError::Parameter`] names the first that is wrong.
    pub fn validate(&self) -> Result<(), AlignError> {
        let bad = |name, found: String, wanted| Err(AlignError::Parameter { name, found, wanted });
        if self.max_shift.iter().any(|[lo, hi]| lo > hi) {
            return bad("max_shift", format!("{:?}", self.max_shift), "MIN <= MAX per axis");
        }
        if let Search::Tiling { overlap_range: [lo, hi] } = self.search
            && lo > hi
        {
            return bad("overlap_range", format!("{lo}:{hi}"), "MIN <= MAX");
        }
        if self.min_overlap.is_some_and(|f| !(0.0..=1.0).contains(&f)) {
            return bad("min_overlap", format!("{:?}", self.min_overlap), "a fraction, 0 to 1");
        }
        if self.peaks == 0 {
            return bad("peaks", "0".into(), "at least 1");
        }
        if self.depth.is_some_and(|d| d.contains(&0)) {
            return bad("depth", format!("{:?}", self.depth), "at least 1 plane per axis");
        }
        if self.range.iter().flatten().any(|[lo, hi]| lo > hi) {
            return bad("range", format!("{:?}", self.range), "LO <= HI per axis");
        }
        if let Some(clip) = self.clip
            && !(clip.high.is_finite()
                && clip.low.is_none_or(|low| low.is_finite() && low < clip.high))
        {
            return bad("clip", format!("{clip:?}"), "finite limits, LO < HI");
        }
        if let Some(Background { level, at_least }) = self.background {
            let fraction_is_bad =
                matches!(at_least, SignalCount::Fraction(f) if !(0.0..=1.0).contains(&f));
            if !level.is_finite() || fraction_is_bad {
                let wanted = "a finite level and a fraction of 0 to 1";
                return bad("background", format!("{:?}", self.background), wanted);
            }
        }
        if self.measure == Measure::Msd && self.projection == ProjectionMode::All {
            return bad("projection", "all".into(), "none or pair with the measure msd");
        }
        Ok(())
    }

    /// The fraction of the nominal overlap that a candidate must keep.
    pub fn min_overlap(&self) -> f64 {
        self.min_overlap.unwrap_or(if self.measure == Measure::Msd { 0.0 } else { 0.25 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_a_round_trip() {
        let params = AlignParams::default();
        params.validate().unwrap();
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<AlignParams>(&text).unwrap(), params);
    }

    #[test]
    fn inverted_ranges_are_refused_by_name() {
        let params = AlignParams { max_shift: [[3, -3]; 3], ..Default::default() };
        assert!(matches!(params.validate(), Err(AlignError::Parameter { name: "max_shift", .. })));
    }
}
