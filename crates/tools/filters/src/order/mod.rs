//! Order statistics: medians, quantiles, histograms, and filters made of them.
//!
//! | module | holds |
//! | --- | --- |
//! | `select` | median, quantile and robust spread of a list of values |
//! | `stack` | the median of each pixel over a stack of planes |
//! | `histogram` | counts of 8- and 16-bit values, their percentiles and mode |
//! | `median_filter` | medians of small windows |
//! | `running` | minimum and maximum of a window sliding along an axis |

mod histogram;
mod median_filter;
mod running;
mod select;
mod stack;

pub use histogram::{Histogram, histogram_u8, histogram_u16};
pub use median_filter::{
    MedianPixel, median_filter_3x3_into, median_filter_3x3x3_into, median_filter_5x5_into,
};
pub use running::{running_maximum_into, running_minimum_into};
pub use select::{MAD_TO_SIGMA, median, quantile, robust_sigma};
pub use stack::median_along_z_into;
