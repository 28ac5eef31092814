//! How much two channels overlap, voxel by voxel, without any objects.
//!
//! Everything is computed from the joint histogram of the two channels. A [`PairAccumulator`] fills
//! it block by block, so an image may be larger than memory; neither the split nor the order of
//! blocks shows. Only what depends on where voxels lie looks at images themselves:
//! [`costes_p_value`] and [`CrossCorrelation`].

mod accumulate;
mod costes;
mod cross_correlation;
mod joint;
mod labels;
mod manders;
mod moments;
mod ranks;
mod shuffle;
mod threshold;

pub use accumulate::{PairAccumulator, Sampling, ValueRange};
pub use costes::Costes;
pub use cross_correlation::{BestShift, CrossCorrelation};
pub use joint::JointHistogram;
pub use labels::LabelledPairs;
pub use shuffle::costes_p_value;
pub use threshold::Threshold;

use hooke_core::Sample;
use serde::Serialize;

use crate::error::BlobsError;

/// Statistics of two channels; `None` where one is undefined.
///
/// `a`, `b` are the intensities of the first and second channel, `T1`, `T2` their thresholds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PixelStats {
    /// Voxels.
    pub n: u64,
    /// Pearson's correlation.
    pub pearson: Option<f64>,
    /// Slope of the orthogonal regression of b on a; undefined unless the covariance is positive.
    pub slope: Option<f64>,
    /// Spearman's rank correlation, on mid-ranks.
    pub spearman: Option<f64>,
    /// Kendall's tau-b.
    pub kendall: Option<f64>,
    /// Manders' overlap coefficient, `Σab / sqrt(Σa² Σb²)`.
    pub moc: Option<f64>,
    /// `Σab / Σa²`.
    pub k1: Option<f64>,
    /// `Σab / Σb²`.
    pub k2: Option<f64>,
    /// `Σ a[b > T2] / Σ a`: the other channel's threshold selects.
    pub m1: Option<f64>,
    /// `Σ b[a > T1] / Σ b`.
    pub m2: Option<f64>,
    /// `Σ a[both above] / Σ a[a > T1]`.
    pub tm1: Option<f64>,
    /// `Σ b[both above] / Σ b[b > T2]`.
    pub tm2: Option<f64>,
    /// `T1`.
    pub threshold1: Option<f64>,
    /// `T2`.
    pub threshold2: Option<f64>,
    /// Part of the voxels above `T1` that are above both.
    pub overlap1: Option<f64>,
    /// Part of the voxels above `T2` that are above both.
    pub overlap2: Option<f64>,
    /// `tm1` weighted by how near the ranks are (CellProfiler).
    pub rwc1: Option<f64>,
    /// `tm2` weighted alike.
    pub rwc2: Option<f64>,
    /// Li's intensity correlation quotient: part of the voxels on the same side of both means, less 0.5.
    pub icq: Option<f64>,
    /// Costes' threshold of the first channel.
    pub costes_t1: Option<f64>,
    /// Of the second.
    pub costes_t2: Option<f64>,
    /// `tm1` with Costes' thresholds.
    pub costes_tm1: Option<f64>,
    /// `tm2` with them.
    pub costes_tm2: Option<f64>,
    /// From [`costes_p_value`].
    pub costes_p: Option<f64>,
    /// From [`CrossCorrelation`]: the shift of the best correlation.
    pub ccf_max_shift: Option<i64>,
    /// From [`CrossCorrelation`]: the best correlation.
    pub ccf_max: Option<f64>,
}

/// Statistics of two images in memory; those that depend on places stay `None`.
///
/// # Errors
/// When the lengths differ or the threshold makes no sense.
///
/// # Examples
/// ```
/// use hooke_blobs::pixel_stats::{Sampling, Threshold, pixel_stats};
/// let (a, b) = ([0u8, 0, 10, 20], [0u8, 5, 0, 40]);
/// let stats = pixel_stats(&a, &b, None, &Threshold::default(), Sampling::default())?;
/// assert_eq!((stats.m1, stats.m2), (Some(20.0 / 30.0), Some(40.0 / 45.0)));
/// # Ok::<(), hooke_blobs::BlobsError>(())
/// ```
pub fn pixel_stats<A: Sample, B: Sample>(
    a: &[A],
    b: &[B],
    mask: Option<&[bool]>,
    threshold: &Threshold,
    sampling: Sampling,
) -> Result<PixelStats, BlobsError> {
    let mut pairs = PairAccumulator::new([A::DTYPE, B::DTYPE], sampling)?;
    pairs.add(a, b, mask)?;
    pairs.joint().stats(threshold)
}

/// A quotient, `None` when it is no number.
fn quotient(part: f64, whole: f64) -> Option<f64> {
    let value = part / whole;
    (whole != 0.0 && value.is_finite()).then_some(value)
}

/// Sums several numbers of every item pairwise, so that rounding grows with the logarithm of the number of items.
fn pairwise<T, const N: usize>(items: &[T], terms: &impl Fn(&T) -> [f64; N]) -> [f64; N] {
    let add = |a: [f64; N], b: [f64; N]| std::array::from_fn(|i| a[i] + b[i]);
    if items.len() <= 128 {
        return items.iter().map(terms).fold([0.0; N], add);
    }
    let (left, right) = items.split_at(items.len() / 2);
    add(pairwise(left, terms), pairwise(right, terms))
}
