//! Cells in phase contrast and bright field without a network.
//!
//! Two ways, for two kinds of pictures: in a channel the cells lie in a row, and the question is where it is
//! cut ([`segment_channel`]); on a pad they lie anyhow, and the question is which fragments belong together
//! ([`segment_colony`]). Both first learn the width of the cells and their contrast, once per position
//! ([`learn_channel_look`], [`learn_colony_look`]). One frame is looked at a time.

mod bars;
mod channel;
mod colony;
mod colony_look;
mod cuts;
mod look;
mod merge;
mod profile;

pub use channel::{ChannelCells, segment_channel};
pub use colony::segment_colony;
pub use colony_look::learn_colony_look;
pub use cuts::CutHypothesis;
pub use look::{CellLook, learn_channel_look};

use hooke_filters::gaussian::gaussian_into;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::LineageError;

/// How cells stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellTone {
    /// Darker than what is around them, as in phase contrast.
    Dark,
    /// Brighter.
    Bright,
}

/// The direction of a channel in its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelAxis {
    /// Open at the top or the bottom.
    Y,
    /// Open to the left or right.
    X,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentParams {
    /// How cells stand out.
    pub cells: CellTone,
    /// Smaller objects are dropped, pixels.
    pub min_area: usize,
    /// The direction of channels.
    pub axis: ChannelAxis,
    /// Ways to cut a channel that are kept, at least 1.
    pub hypotheses: usize,
}

impl Default for SegmentParams {
    fn default() -> Self {
        Self { cells: CellTone::Dark, min_area: 20, axis: ChannelAxis::Y, hypotheses: 8 }
    }
}

impl SegmentParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`LineageError::Parameter`] names the first that cannot be.
    pub fn validate(&self) -> Result<(), LineageError> {
        if (1..=1000).contains(&self.hypotheses) {
            return Ok(());
        }
        let reason = format!("{} is not within 1 and 1000", self.hypotheses);
        Err(LineageError::Parameter { name: "hypotheses", reason })
    }
}

/// The image with dark cells and without what is no number, or nothing if it is flat.
fn prepared(image: ArrayView2<'_, f32>, tone: CellTone) -> Option<Array2<f32>> {
    let finite = || image.iter().copied().filter(|v| v.is_finite());
    let (low, high) =
        finite().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if high <= low {
        return None;
    }
    // What is no number is taken for background.
    Some(match tone {
        CellTone::Dark => image.mapv(|v| if v.is_finite() { v } else { high }),
        CellTone::Bright => image.mapv(|v| if v.is_finite() { -v } else { -low }),
    })
}

/// A smoothed copy.
fn smoothed(image: &Array2<f32>, sigma: f64) -> Array2<f32> {
    let image = image.as_standard_layout();
    let mut out = Array2::zeros(image.raw_dim());
    let (height, width) = image.dim();
    if let (Some(src), Some(dst)) = (image.as_slice(), out.as_slice_mut()) {
        gaussian_into(src, [1, height, width], [0.0, sigma, sigma], dst);
    }
    out
}
