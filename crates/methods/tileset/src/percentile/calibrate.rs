//! One intensity scale for all tiles.

use hooke_core::{Dtype, LayoutRegion, Sample, TilePixels};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::moments::Moments;
use super::select::{PassCounts, PercentileSelect};
use crate::error::TilesetError;
use crate::read::{blocks, read_box};

/// Whose percentiles make the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrateMethod {
    /// Those of all voxels of all tiles together.
    #[default]
    Pooled,
    /// The mean over the tiles of each tile's own, as ExM-Toolbox does.
    MeanOfTiles,
}

/// Settings of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrateParams {
    /// Percentile that becomes the lower end, 0 to 100.
    pub low: f64,
    /// Percentile that becomes the upper end, 0 to 100, larger than `low`.
    pub high: f64,
    /// Whose percentiles.
    pub method: CalibrateMethod,
    /// Leaves voxels that are 0 out.
    pub ignore_zeros: bool,
}

impl Default for CalibrateParams {
    fn default() -> CalibrateParams {
        CalibrateParams {
            low: 1.0,
            high: 99.0,
            method: CalibrateMethod::Pooled,
            ignore_zeros: false,
        }
    }
}

/// One intensity scale and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Voxels counted.
    pub n_voxels: u64,
    /// Per tile, in order.
    pub tiles: Vec<TileIntensity>,
}

/// The intensities of one tile; `None` where no voxel was counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileIntensity {
    /// Percentile `low` of the tile.
    pub low: Option<f64>,
    /// Percentile `high` of the tile.
    pub high: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Mean of the finite values, exact sums.
    pub mean: Option<f64>,
    /// Voxels counted: not NaN, and not 0 where zeros are ignored.
    pub n_voxels: u64,
    /// Share of the counted voxels that hold the type's largest value; `None` for floats.
    pub saturated_fraction: Option<f64>,
}

/// Measures one scale for all tiles: exact percentiles, streamed.
///
/// Parallel over tiles; the result does not depend on threads or blocks.
///
/// # Arguments
/// * `shapes` — of the tiles, over `z, y, x`.
///
/// # Errors
/// [`TilesetError::Parameter`] for percentiles out of range or order; [`TilesetError::NoValues`]
/// when nothing was counted; what reading gives.
///
/// # Cost
/// Every tile is read once for 8- and 16-bit types, twice for 32-bit and four times for 64-bit
/// ones. Memory: two MiB per thread, or 512 KiB for narrow types.
pub fn calibrate<T: Sample>(
    shapes: &[[u64; 3]],
    pixels: &dyn TilePixels<T>,
    params: &CalibrateParams,
) -> Result<Calibration, TilesetError> {
    let percents = [params.low, params.high];
    let new = || PercentileSelect::new(T::DTYPE, &percents, params.ignore_zeros);
    if params.low >= params.high {
        let (found, wanted) = (params.low.to_string(), "less than the high percentile");
        return Err(TilesetError::Parameter { name: "low", found, wanted });
    }
    let mut pooled = new()?;
    let mut tiles: Vec<Tile> = Vec::new();
    for shape in shapes {
        tiles.push(Tile { shape: *shape, select: new()?, moments: Moments::default() });
    }
    while !pooled.is_done() {
        let counts = tiles
            .par_iter_mut()
            .enumerate()
            .try_fold(
                || pooled.counts(),
                |mut all, (tile, state)| {
                    state.pass(tile, pixels, &mut all)?;
                    Ok(all)
                },
            )
            .try_reduce_with(|mut a, b| {
                a.merge(&b);
                Ok::<_, TilesetError>(a)
            })
            .transpose()?;
        pooled.advance(&counts.unwrap_or_else(|| pooled.counts()));
    }
    let hint = if params.ignore_zeros { " that is not 0" } else { "" };
    let nothing = || TilesetError::NoValues { hint };
    let rows: Vec<TileIntensity> = tiles.iter().map(|t| t.row(T::DTYPE)).collect();
    let (low, high) = match params.method {
        CalibrateMethod::Pooled => {
            let values = pooled.values().ok_or_else(nothing)?;
            (values[0], values[1])
        }
        CalibrateMethod::MeanOfTiles => {
            (mean_of(rows.iter().map(|r| r.low)), mean_of(rows.iter().map(|r| r.high)))
        }
    };
    if pooled.n_values() == 0 {
        return Err(nothing());
    }
    Ok(Calibration { low, high, n_voxels: pooled.n_values(), tiles: rows })
}

fn mean_of(values: impl Iterator<Item = Option<f64>>) -> f64 {
    let (n, sum) = values.flatten().fold((0u32, 0.0), |(n, sum), v| (n + 1, sum + v));
    sum / f64::from(n)
}

/// One tile on its way.
struct Tile {
    shape: [u64; 3],
    select: PercentileSelect,
    moments: Moments,
}

impl Tile {
    /// Reads the tile once, for its own percentiles and for those of all tiles.
    fn pass<T: Sample>(
        &mut self,
        tile: usize,
        pixels: &dyn TilePixels<T>,
        all: &mut PassCounts,
    ) -> Result<(), TilesetError> {
        let is_first = self.select.n_values() == 0 && self.moments.is_empty();
        let is_narrow = T::DTYPE.size() <= 2;
        let mut counts = self.select.counts();
        let mut buffer = Vec::new();
        for block in blocks(&LayoutRegion::new([0; 3], self.shape.map(|n| n as i64))) {
            read_box(pixels, tile, &block, &mut buffer)?;
            counts.add(&buffer);
            if !is_narrow {
                all.add(&buffer);
                if is_first {
                    self.moments.add(&buffer, self.select.ignores_zeros());
                }
            }
        }
        if is_narrow {
            all.merge(&counts);
            self.moments.add_histogram(counts.histogram(T::DTYPE));
        }
        self.select.advance(&counts);
        Ok(())
    }

    fn row(&self, dtype: Dtype) -> TileIntensity {
        let values = self.select.values();
        let n = self.moments.n;
        let some = |value: f64| (n > 0).then_some(value);
        let saturated = self.moments.at_most(dtype) as f64 / n as f64;
        TileIntensity {
            low: values.as_ref().map(|v| v[0]),
            high: values.as_ref().map(|v| v[1]),
            min: some(self.moments.min),
            max: some(self.moments.max),
            mean: some(self.moments.mean()),
            n_voxels: n,
            saturated_fraction: if dtype.is_float() { None } else { some(saturated) },
        }
    }
}
