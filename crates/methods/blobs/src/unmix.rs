//! The light of one channel taken out of another.

use ndarray::{Array3, ArrayView3};
use serde::{Deserialize, Serialize};

use crate::detect::DetectError;

/// A part of one channel that shows in another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bleed {
    /// Channel the light comes from.
    pub source: usize,
    /// Channel it shows in.
    pub target: usize,
    /// Part of the source's intensity.
    pub factor: f64,
}

/// Subtracts from one channel what others bleed into it, and clips at 0.
///
/// Sources are taken as they are, not unmixed themselves. Voxels that are not finite in the channel or
/// in a source of it are not finite afterwards.
///
/// * `channels`: one box of every channel, over `z, y, x`.
///
/// # Errors
/// [`DetectError::Channel`], [`DetectError::Shape`]; [`DetectError::Parameter`] for a factor that is
/// negative or not finite.
pub fn unmix(
    channels: &[ArrayView3<'_, f32>],
    target: usize,
    bleeds: &[Bleed],
) -> Result<Array3<f32>, DetectError> {
    let channel = |channel: usize| {
        channels.get(channel).ok_or(DetectError::Channel { channel, channels: channels.len() })
    };
    let mut out = channel(target)?.to_owned();
    let mut is_touched = false;
    for bleed in bleeds.iter().filter(|b| b.target == target) {
        let source = channel(bleed.source)?;
        if source.dim() != out.dim() {
            let (expected, found) = (out.dim().into(), source.dim().into());
            return Err(DetectError::Shape { channel: bleed.source, expected, found });
        }
        if !(bleed.factor >= 0.0 && bleed.factor.is_finite()) {
            let (name, found) = ("unmix", bleed.factor.to_string());
            return Err(DetectError::Parameter { name, found, wanted: "a factor >= 0" });
        }
        let factor = bleed.factor as f32;
        out.zip_mut_with(source, |out, source| *out -= factor * source);
        is_touched = true;
    }
    if is_touched {
        // Not `max`, which would turn NaN into 0.
        out.mapv_inplace(|v| if v < 0.0 { 0.0 } else { v });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::arr3;

    use super::*;

    #[test]
    fn each_source_is_subtracted_as_it_is() {
        let (a, b) = (arr3(&[[[100.0, 0.0, f32::NAN]]]), arr3(&[[[50.0, -4.0, 7.0]]]));
        let channels = [a.view(), b.view()];
        let both = [
            Bleed { source: 0, target: 1, factor: 0.25 },
            Bleed { source: 1, target: 0, factor: 0.5 },
        ];
        let out = unmix(&channels, 1, &both).unwrap();
        assert_eq!((out[[0, 0, 0]], out[[0, 0, 1]]), (25.0, 0.0));
        assert!(out[[0, 0, 2]].is_nan());
        assert_eq!(unmix(&channels, 0, &both).unwrap()[[0, 0, 0]], 75.0);
        assert_eq!(unmix(&channels, 1, &[]).unwrap()[[0, 0, 1]], -4.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (a, b) = (Array3::zeros((1, 2, 2)), Array3::zeros((1, 2, 3)));
        let channels = [a.view(), b.view()];
        let bleed = |source, factor| [Bleed { source, target: 0, factor }];
        let error = |bleeds: &[Bleed]| unmix(&channels, 0, bleeds).unwrap_err().to_string();
        assert!(error(&bleed(2, 0.1)).contains("no channel 2"));
        assert!(error(&bleed(1, 0.1)).contains("shape"));
        assert!(error(&bleed(0, f64::NAN)).contains("unmix"));
        assert!(unmix(&channels, 5, &[]).is_err());
    }
}
