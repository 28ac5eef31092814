//! What to detect, and what can be wrong with it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A detection that cannot be done as asked.
#[derive(Debug, Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum DetectError {
    /// A parameter out of its range.
    #[error("{name} is {found}; wanted {wanted}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        wanted: &'static str,
    },
    /// A voxel size that is no size.
    #[error("the voxel size is {found:?} µm; every component must be a finite number above 0")]
    VoxelSize {
        /// Over `z, y, x`.
        found: [f64; 3],
    },
    /// Blobs too small for the voxels.
    #[error(
        "a sigma of {sigma_um} µm is under half a voxel along every axis (voxel {voxel_um:?} µm); \
         look for larger blobs"
    )]
    TooSmall {
        /// Smallest sigma.
        sigma_um: f64,
        /// Over `z, y, x`.
        voxel_um: [f64; 3],
    },
    /// A block that lacks voxels around its core.
    #[error("the block holds {found:?}; its core needs {needed:?} (half-open, z, y, x)")]
    Halo {
        /// Start and end of the block.
        found: [[usize; 3]; 2],
        /// Start and end of the voxels the core needs.
        needed: [[usize; 3]; 2],
    },
    /// A channel that the image does not have.
    #[error("there is no channel {channel}; the image has {channels}")]
    Channel {
        /// The channel.
        channel: usize,
        /// Channels of the image.
        channels: usize,
    },
    /// Channels of one image that differ in shape.
    #[error("channel {channel} has the shape {found:?}; wanted {expected:?}")]
    Shape {
        /// The channel.
        channel: usize,
        /// Shape of the first one.
        expected: [usize; 3],
        /// Its shape.
        found: [usize; 3],
    },
}

/// Band-pass filter whose peaks are blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Difference of two Gaussians whose sigmas are `2^(1/3)` apart.
    #[default]
    Dog,
    /// Laplacian of a Gaussian.
    Log,
}

/// How a blob is placed finer than a voxel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// A Gaussian on a constant background, fitted to the intensities.
    #[default]
    Gaussian,
    /// A parabola through the response around the peak.
    Quadratic,
    /// The voxel of the peak.
    None,
}

/// What to detect. Triples are `(z, y, x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectParams {
    /// Smallest and largest radius, µm; a radius is `sqrt(D)` sigma, with `D` axes longer than 1.
    pub radius_um: [f64; 2],
    /// Smallest and largest sigma, µm; takes the place of `radius_um`.
    pub sigma_um: Option<[f64; 2]>,
    /// Number of scales; by default three per doubling of the sigma and one more.
    pub scales: Option<usize>,
    /// Sigma of the point-spread function, µm, by which filter and fit are widened.
    pub psf_um: [f64; 3],
    /// Filter.
    pub method: Method,
    /// Expected false blobs per mm³ of pure noise; sets the threshold of the score.
    pub false_per_mm3: f64,
    /// Threshold of the score itself; takes the place of `false_per_mm3`.
    pub snr: Option<f64>,
    /// Smallest response, in the image's intensity.
    pub min_response: f64,
    /// Noise as `alpha, beta` of `variance = alpha * intensity + beta`; measured by default.
    pub noise: Option<[f64; 2]>,
    /// Of two blobs whose spheres overlap by more than this part of the smaller, the weaker goes.
    pub overlap: f64,
    /// Placement.
    pub fit: Fit,
    /// Blobs whose peak lies closer than this to a face go, voxels.
    pub exclude_border: [usize; 3],
}

impl Default for DetectParams {
    fn default() -> Self {
        Self {
            radius_um: [4.0, 8.0],
            sigma_um: None,
            scales: None,
            psf_um: [0.0; 3],
            method: Method::Dog,
            false_per_mm3: 10.0,
            snr: None,
            min_response: 0.0,
            noise: None,
            overlap: 0.5,
            fit: Fit::Gaussian,
            exclude_border: [0; 3],
        }
    }
}

/// Scales that anyone could want.
const MOST_SCALES: usize = 64;

impl DetectParams {
    /// Checks every value on its own.
    ///
    /// # Errors
    /// [`DetectError::Parameter`].
    pub fn validate(&self) -> Result<(), DetectError> {
        let wrong = |name, found: String, wanted| {
            Err::<(), _>(DetectError::Parameter { name, found, wanted })
        };
        let (name, sizes) = match self.sigma_um {
            Some(sigma) => ("sigma", sigma),
            None => ("radius", self.radius_um),
        };
        if !(sizes[0] > 0.0 && sizes[0] <= sizes[1] && sizes[1].is_finite()) {
            return wrong(name, format!("{sizes:?}"), "two lengths above 0, ascending");
        }
        if self.scales.is_some_and(|n| n == 0 || n > MOST_SCALES) {
            return wrong("scales", format!("{:?}", self.scales), "1 to 64");
        }
        if !self.psf_um.iter().all(|p| *p >= 0.0 && p.is_finite()) {
            return wrong("psf", format!("{:?}", self.psf_um), "finite numbers >= 0");
        }
        if !(self.false_per_mm3 > 0.0 && self.false_per_mm3.is_finite()) {
            return wrong("false-per-mm3", self.false_per_mm3.to_string(), "a number above 0");
        }
        if self.snr.is_some_and(|snr| !(snr > 0.0 && snr.is_finite())) {
            return wrong("snr", format!("{:?}", self.snr), "a number above 0");
        }
        if !(self.min_response >= 0.0 && self.min_response.is_finite()) {
            return wrong("min-response", self.min_response.to_string(), "a finite number >= 0");
        }
        if !(0.0..=1.0).contains(&self.overlap) {
            return wrong("overlap", self.overlap.to_string(), "0 to 1");
        }
        match self.noise {
            Some([alpha, beta]) if !(alpha >= 0.0 && alpha.is_finite() && beta.is_finite()) => {
                wrong("noise", format!("{alpha}, {beta}"), "two numbers, the first >= 0")
            }
            _ => Ok(()),
        }
    }

    /// The scales for `dimensions` axes longer than 1: sigmas in µm, geometric from the smallest on.
    pub fn sigmas_um(&self, dimensions: usize) -> Vec<f64> {
        let root = (dimensions.max(1) as f64).sqrt();
        let [low, high] = self.sigma_um.unwrap_or(self.radius_um.map(|r| r / root));
        // An octave that falls short of 3 steps by rounding must not get a fourth.
        let steps = (3.0 * (high / low).log2() - 1e-9).ceil().max(0.0);
        let count = self.scales.unwrap_or(1 + steps as usize).clamp(1, MOST_SCALES);
        let step = if count > 1 { (high / low).powf(1.0 / (count - 1) as f64) } else { 1.0 };
        let middle = (low * high).sqrt();
        match count {
            1 => vec![middle],
            _ => (0..count).map(|k| low * step.powi(k as i32)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_three_per_doubling_and_one() {
        let params = DetectParams::default();
        let sigmas = params.sigmas_um(3);
        assert_eq!(sigmas.len(), 4);
        assert!((sigmas[0] * 3.0_f64.sqrt() - 4.0).abs() < 1e-12);
        assert!((sigmas[3] * 3.0_f64.sqrt() - 8.0).abs() < 1e-12);
        let one = DetectParams { sigma_um: Some([2.0, 2.0]), ..params.clone() };
        assert_eq!(one.sigmas_um(2), [2.0]);
        let single = DetectParams { scales: Some(1), sigma_um: Some([1.0, 4.0]), ..params };
        assert_eq!(single.sigmas_um(3), [2.0]);
    }

    #[test]
    fn nonsense_is_named() {
        let refused = |change: fn(&mut DetectParams)| {
            let mut params = DetectParams::default();
            change(&mut params);
            params.validate().err().map(|e| e.to_string())
        };
        assert_eq!(refused(|_| ()), None);
        let says = |change, word: &str| refused(change).is_some_and(|text| text.contains(word));
        assert!(says(|p| p.radius_um = [5.0, 4.0], "radius"));
        assert!(says(|p| p.sigma_um = Some([f64::NAN, 4.0]), "sigma"));
        assert!(says(|p| p.scales = Some(0), "scales"));
        assert!(says(|p| p.psf_um = [0.0, -1.0, 0.0], "psf"));
        assert!(says(|p| p.false_per_mm3 = 0.0, "false-per-mm3"));
        assert!(says(|p| p.snr = Some(-1.0), "snr"));
        assert!(says(|p| p.overlap = 1.5, "overlap"));
        assert!(says(|p| p.noise = Some([-1.0, 0.0]), "noise"));
        assert!(says(|p| p.min_response = f64::INFINITY, "min-response"));
    }
}
