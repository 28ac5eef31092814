//! A look at one plane of the mosaic.

use hooke_core::downsample::{Downsample, downsample_into};
use hooke_core::{LayoutRegion, Sample, TilePixels};
use ndarray::{Array2, ArrayView5};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::TilesetError;
use crate::paste::{Blend, Paste, PasteParams, PasteScratch, Zeros};
use crate::placement::Placement;
use crate::read::BLOCK_VOXELS;

/// Longest side of a picture made with the automatic factor.
const LONGEST_SIDE: u64 = 1500;

/// How tiles that overlap in the plane become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SliceOverlap {
    /// The mean of the tiles there, their zeros counted.
    #[default]
    Mean,
    /// The last tile that is not 0.
    Last,
    /// The largest value that is not 0.
    Max,
}

/// The plane nearest to a depth: `(z_um - origin_um) / voxel_um`, rounded, a half upwards.
///
/// It may lie outside the mosaic; [`slice()`] says so.
pub fn plane_at(z_um: f64, origin_um: f64, voxel_um: f64) -> i64 {
    ((z_um - origin_um) / voxel_um + 0.5).floor() as i64
}

/// The factor that makes a plane of `height` x `width` at most 1500 long: at least 1.
pub fn automatic_factor(height: u64, width: u64) -> u64 {
    height.max(width).div_ceil(LONGEST_SIDE).max(1)
}

/// A tile's box in a plane of the mosaic: its number, first row and column, height and width.
pub fn tiles_in_plane(placement: &Placement, z: i64) -> Vec<(usize, [i64; 4])> {
    let covers = |b: &LayoutRegion| b.start[0] <= z && z < b.end()[0];
    let boxes = placement.tiles().iter().enumerate().filter(|(_, b)| covers(b));
    boxes.map(|(i, b)| (i, [b.start[1], b.start[2], b.shape[1], b.shape[2]])).collect()
}

/// Makes the plane `z` of the mosaic, over `(y, x)`.
///
/// Tile `i` contributes its plane `z - start_i`; a pixel without a tile is 0. With `factor` > 1
/// every window of `factor` x `factor` pixels becomes its mean; windows at the far edges may be
/// partial; NaN is left out of a window's mean. Values are f64 until the end. Parallel over bands
/// of rows, which bound the memory.
///
/// # Errors
/// [`TilesetError::Plane`] outside the mosaic; [`TilesetError::Parameter`] for a factor of 0; what
/// reading gives.
pub fn slice<T: Sample>(
    placement: &Placement,
    pixels: &dyn TilePixels<T>,
    z: i64,
    overlap: SliceOverlap,
    factor: u64,
) -> Result<Array2<f32>, TilesetError> {
    let [depth, height, width] = placement.volume_shape();
    if z < 0 || z as u64 >= depth {
        return Err(TilesetError::Plane { z, last: depth - 1 });
    }
    if factor == 0 {
        let found = "0".to_owned();
        return Err(TilesetError::Parameter { name: "downsample", found, wanted: "at least 1" });
    }
    let blend = match overlap {
        SliceOverlap::Mean => Blend::Mean,
        SliceOverlap::Last => Blend::Last,
        SliceOverlap::Max => Blend::Max,
    };
    let params = PasteParams { blend, zeros: Zeros::Transparent, order: None };
    let paste = Paste::new(placement, &params)?;
    let (out_height, out_width) = (height.div_ceil(factor), width.div_ceil(factor));
    let mut plane = Array2::<f32>::zeros((out_height as usize, out_width as usize));
    let windows = (BLOCK_VOXELS as u64 / (factor * width).max(1)).max(1);
    plane
        .as_slice_mut()
        .expect("a new array is contiguous")
        .par_chunks_mut((windows * out_width) as usize)
        .enumerate()
        .try_for_each_init(Band::default, |band, (i, out)| {
            let first = i as u64 * windows * factor;
            let rows = (windows * factor).min(height - first);
            let region = LayoutRegion::new([z, first as i64, 0], [1, rows as i64, width as i64]);
            band.fill(&paste, &region, pixels)?;
            band.reduce(rows as usize, width as usize, factor, out);
            Ok::<(), TilesetError>(())
        })?;
    Ok(plane)
}

/// Buffers of one band of rows.
#[derive(Debug, Default, Clone)]
struct Band<T> {
    scratch: PasteScratch<T>,
    typed: Vec<T>,
    values: Vec<f64>,
    means: Vec<f64>,
}

impl<T: Sample> Band<T> {
    fn fill(
        &mut self,
        paste: &Paste<'_>,
        region: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
    ) -> Result<(), TilesetError> {
        self.values.resize(region.voxels() as usize, 0.0);
        paste.fill_f64(region, pixels, &mut self.scratch, &mut self.typed, &mut self.values)
    }

    fn reduce(&mut self, rows: usize, width: usize, factor: u64, out: &mut [f32]) {
        self.means.resize(out.len(), 0.0);
        let n = factor as usize;
        let source = ArrayView5::from_shape([1, 1, 1, rows, width], &self.values)
            .expect("the band was filled with rows of this width");
        let target = [1, 1, 1, rows.div_ceil(n), width.div_ceil(n)];
        let target = ndarray::ArrayViewMut5::from_shape(target, &mut self.means)
            .expect("the output has one value per window");
        downsample_into(source, [1, factor, factor], Downsample::Mean, target);
        for (out, mean) in out.iter_mut().zip(&self.means) {
            *out = *mean as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_factors_round_as_documented() {
        assert_eq!(plane_at(10.0, 4.0, 2.0), 3);
        assert_eq!(plane_at(9.0, 4.0, 2.0), 3);
        assert_eq!(plane_at(3.0, 4.0, 2.0), 0);
        assert_eq!([1, 1500, 1501, 4501].map(|n| automatic_factor(n, 7)), [1, 1, 2, 4]);
    }
}
