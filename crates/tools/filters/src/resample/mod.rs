//! Binning, and sampling of volumes at fractional positions.
//!
//! | module | holds |
//! | --- | --- |
//! | `bin` | means over whole blocks of pixels |
//! | `shift` | regions at a fractional offset, linear or Catmull-Rom |
//! | `spline` | cubic B-spline coefficients, values and gradients |
//! | `taps` | the separable weighted sums that the last two share |

mod bin;
mod shift;
mod spline;
mod taps;

pub use bin::{bin_mean, bin_mean_into, binned_shape};
pub use shift::{shift_cubic_into, shift_linear_into};
pub use spline::{
    SplineSamples, spline_coefficients_into, spline_sample_into, spline_samples_into,
};
