//! Blobs (cells or spots) and pairs of them: the rows that detection, matching, stores and viewers share.
//!
//! Positions are `(z, y, x)`; a voxel's centre has integer coordinates. A radius is `sqrt(D) * sigma`
//! of the Gaussian blob, `D` being the number of spatial axes longer than 1.

use std::sync::Arc;

/// What a person said of a blob, as MagellanMapper numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum Review {
    /// Nobody has looked yet.
    #[default]
    Unseen = -1,
    /// Not a blob.
    Rejected = 0,
    /// A blob.
    Confirmed = 1,
    /// Hard to say.
    Unsure = 2,
}

impl Review {
    /// The review that a number stands for, if any does.
    pub fn from_code(code: i64) -> Option<Self> {
        [Self::Unseen, Self::Rejected, Self::Confirmed, Self::Unsure]
            .into_iter()
            .find(|review| i64::from(review.code()) == code)
    }

    /// The number in tables and stores.
    pub fn code(self) -> i8 {
        self as i8
    }
}

/// Whether a blob is ground truth, and whether a detected blob was found at its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum Truth {
    /// A detected blob.
    #[default]
    No = -1,
    /// Ground truth that no detected blob matches, or that was not compared yet.
    Missed = 0,
    /// Ground truth that a detected blob matches.
    Found = 1,
}

impl Truth {
    /// The state that a number stands for, if any does.
    pub fn from_code(code: i64) -> Option<Self> {
        [Self::No, Self::Missed, Self::Found]
            .into_iter()
            .find(|truth| i64::from(truth.code()) == code)
    }

    /// The number in tables and stores.
    pub fn code(self) -> i8 {
        self as i8
    }
}

/// One blob: a row of `blobs.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Blob {
    /// Unique within its table, from 1.
    pub id: u64,
    /// Frame.
    pub t: u32,
    /// Channel, from 0.
    pub channel: u16,
    /// Centre in voxels, over `z, y, x`.
    pub position: [f64; 3],
    /// Centre in µm, over `z, y, x`: voxels times voxel size plus the image's origin.
    pub position_um: [f64; 3],
    /// Radius in µm.
    pub radius_um: f32,
    /// Response of the scale-normalised filter at the peak, in units of the image's intensity.
    pub response: f32,
    /// The response in units of its own noise.
    pub score: f32,
    /// Height of the fitted Gaussian above its background.
    pub amplitude: Option<f32>,
    /// Level below the fitted Gaussian.
    pub background: Option<f32>,
    /// Covariance of the centre in µm², as `zz, yy, xx, zy, zx, yx`.
    pub covariance_um2: Option<[f32; 6]>,
    /// Chi-squared of the fit per degree of freedom.
    pub fit_chi2: Option<f32>,
    /// What a trained classifier gives it.
    pub probability: Option<f32>,
    /// What a person said.
    pub confirmed: Review,
    /// Whether it is ground truth.
    pub truth: Truth,
    /// The region of an atlas it lies in, -1 for none.
    pub region: i64,
    /// Where it came from: `hooke`, `manual`, `magmap`, `cellfinder`, …
    pub source: Arc<str>,
}

impl Blob {
    /// A blob of which only place and size are known.
    pub fn at(
        channel: u16,
        position: [f64; 3],
        position_um: [f64; 3],
        radius_um: f32,
        source: &Arc<str>,
    ) -> Self {
        Self {
            id: 0,
            t: 0,
            channel,
            position,
            position_um,
            radius_um,
            response: 0.0,
            score: 0.0,
            amplitude: None,
            background: None,
            covariance_um2: None,
            fit_chi2: None,
            probability: None,
            confirmed: Review::Unseen,
            truth: Truth::No,
            region: -1,
            source: source.clone(),
        }
    }
}

/// Two blobs of different channels that lie at one place: a row of `matches.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobPair {
    /// Unique within its table, from 1.
    pub match_id: u64,
    /// Region of interest it was found in; 0 is the whole image.
    pub roi_id: u64,
    /// Frame.
    pub t: u32,
    /// Channels of the two, the lower one first.
    pub channels: [u16; 2],
    /// Ids of the two blobs, in the order of `channels`.
    pub blob_ids: [u64; 2],
    /// Euclidean distance in µm.
    pub distance_um: f64,
    /// `max(gate in voxels) * gate_distance`, the distance MagellanMapper lists.
    pub distance_scaled: f64,
    /// Distance in units of the gate: 0 at the centre, 1 on its rim.
    pub gate_distance: f64,
    /// Mean of the two centres in voxels, over `z, y, x`.
    pub position: [f64; 3],
    /// The same in µm.
    pub position_um: [f64; 3],
    /// The smallest id among the blobs that hang together through gates.
    pub component: u64,
    /// Other candidates within the gate of either blob.
    pub rivals: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_and_others_are_refused() {
        for review in [Review::Unseen, Review::Rejected, Review::Confirmed, Review::Unsure] {
            assert_eq!(Review::from_code(review.code().into()), Some(review));
        }
        for truth in [Truth::No, Truth::Missed, Truth::Found] {
            assert_eq!(Truth::from_code(truth.code().into()), Some(truth));
        }
        assert_eq!((Review::from_code(3), Truth::from_code(2)), (None, None));
    }
}
