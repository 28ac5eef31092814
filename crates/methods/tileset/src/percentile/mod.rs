//! Exact percentiles of any number of voxels, streamed, and one scale for all tiles.
//!
//! numpy's linear definition: of `n` values the percentile `q` lies at rank `q/100 (n - 1)`, between
//! two order statistics. These are found by histograms of 16 bits of the value at a time (radix
//! selection), so no value is kept, and parts merge in any order.

mod calibrate;
mod key;
mod moments;
mod select;

use hooke_core::Sample;

pub use calibrate::{CalibrateMethod, CalibrateParams, Calibration, TileIntensity, calibrate};
pub(crate) use select::lerp;
pub use select::{PassCounts, PercentileSelect};

use crate::error::TilesetError;

/// The percentiles of all arrays together, `None` when they hold no value. Serial.
///
/// # Errors
/// [`TilesetError::Parameter`] for a percentile outside 0 to 100.
///
/// # Examples
/// ```
/// use hooke_tileset::percentile::percentiles;
/// let found = percentiles(&[&[1.0f32, 2.0][..], &[f32::NAN, 4.0]], &[50.0, 75.0])?;
/// assert_eq!(found, Some(vec![2.0, 3.0]));
/// # Ok::<(), hooke_tileset::TilesetError>(())
/// ```
pub fn percentiles<T: Sample>(
    arrays: &[&[T]],
    percents: &[f64],
) -> Result<Option<Vec<f64>>, TilesetError> {
    let mut select = PercentileSelect::new(T::DTYPE, percents, false)?;
    while !select.is_done() {
        let mut counts = select.counts();
        arrays.iter().for_each(|values| counts.add(values));
        select.advance(&counts);
    }
    Ok(select.values())
}
