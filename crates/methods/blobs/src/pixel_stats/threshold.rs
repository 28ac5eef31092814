//! Which voxels count as signal.

use super::costes::Costes;
use super::joint::JointHistogram;
use crate::error::BlobsError;

/// How the thresholds of the two channels are chosen; voxels strictly above are signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Given, for the first and the second channel.
    Values([f64; 2]),
    /// Otsu's, of each channel; undefined for a constant one.
    Otsu,
    /// Costes'.
    Costes,
    /// This part of the largest value of each channel.
    FractionOfMax(f64),
}

impl Default for Threshold {
    fn default() -> Self {
        Self::Values([0.0; 2])
    }
}

impl Threshold {
    /// The thresholds in these images, `None` where they are undefined.
    pub(super) fn resolve(
        &self,
        joint: &JointHistogram,
        costes: Option<&Costes>,
    ) -> Result<Option<[f64; 2]>, BlobsError> {
        let both = |[a, b]: [Option<f64>; 2]| Some([a?, b?]);
        Ok(match self {
            Self::Values(values) if values.iter().any(|v| v.is_nan()) => {
                return Err(BlobsError::parameter("threshold", values, "two numbers"));
            }
            Self::FractionOfMax(part) if !(0.0..=1.0).contains(part) => {
                return Err(BlobsError::parameter("threshold", part, "a fraction from 0 to 1"));
            }
            Self::Values(values) => Some(*values),
            Self::Costes => costes.map(|c| c.thresholds),
            Self::Otsu => both([0, 1].map(|channel| otsu(joint, channel))),
            Self::FractionOfMax(part) => {
                both([0, 1].map(|channel: usize| Some(part * joint.levels[channel].last()?)))
            }
        })
    }
}

/// The value that best parts the values up to it from those above; the least of equal ones.
///
/// Otsu (1979), doi:10.1109/TSMC.1979.4310076, over the values that occur.
fn otsu(joint: &JointHistogram, channel: usize) -> Option<f64> {
    let (levels, counts) = (&joint.levels[channel], &joint.counts[channel]);
    let n = joint.n as f64;
    let mean = levels.iter().zip(counts).map(|(v, n)| v * *n as f64).sum::<f64>() / n;
    let (mut below, mut sum, mut best) = (0.0, 0.0, None::<(f64, f64)>);
    for (level, count) in levels.iter().zip(counts).take(levels.len().saturating_sub(1)) {
        below += *count as f64;
        sum += (level - mean) * *count as f64;
        // Variance between the classes, n² times: the means lie at sum / below and -sum / above.
        let between = sum * sum * n / (below * (n - below));
        if best.is_none_or(|(most, _)| between > most) {
            best = Some((between, *level));
        }
    }
    best.map(|(_, level)| level)
}
