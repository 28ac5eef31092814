//! Where every label of the mosaic lies, without making the mosaic.
//!
//! Each voxel is counted once, by the rule of [`crate::paste`]: by default the last tile that is
//! not 0. Sums are of integers, so the result is exact and independent of threads and blocks.

mod moments;

use hooke_core::{ExactSum, LayoutRegion, Sample, TilePixels};
use rayon::prelude::*;

pub use moments::{Centroid, LabelMoments, Weighted, to_um};

use crate::dedup::{check_label_type, runs, to_label};
use crate::error::TilesetError;
use crate::paste::{Blend, Paste, PasteParams, PasteScratch, row_places};
use crate::placement::Placement;
use crate::read::{blocks, read_box};
use moments::LabelRun;

/// Where the intensity of a voxel comes from.
pub enum Intensity<'a, I> {
    /// Tiles that lie as the tiles of labels do; the tile whose label stands gives the intensity.
    Tiles(&'a dyn TilePixels<I>),
    /// One image of the whole mosaic, read as tile 0.
    Mosaic(&'a dyn TilePixels<I>),
}

/// Measures every label. Parallel over blocks of the mosaic.
///
/// A label without a voxel of its own in the mosaic, because other tiles lie above, is not listed.
///
/// # Errors
/// [`TilesetError::LabelType`], [`TilesetError::NegativeLabel`]; [`TilesetError::Parameter`] for
/// `mean`, which makes no labels; what [`Paste::new`] and reading give.
///
/// # Cost
/// Every tile is read once. Memory: `O(labels)` and a few blocks per thread.
pub fn centroids<T: Sample>(
    placement: &Placement,
    labels: &dyn TilePixels<T>,
    params: &PasteParams,
) -> Result<Vec<Centroid>, TilesetError> {
    measure::<T, u8>(placement, labels, None, params)
}

/// Measures every label, also weighted by intensity. Parallel over blocks of the mosaic.
///
/// # Errors
/// As [`centroids`].
///
/// # Cost
/// As [`centroids`], but labels are read twice, intensities once.
pub fn weighted_centroids<T: Sample, I: Sample>(
    placement: &Placement,
    labels: &dyn TilePixels<T>,
    intensity: &Intensity<'_, I>,
    params: &PasteParams,
) -> Result<Vec<Centroid>, TilesetError> {
    measure(placement, labels, Some(intensity), params)
}

fn measure<T: Sample, I: Sample>(
    placement: &Placement,
    labels: &dyn TilePixels<T>,
    intensity: Option<&Intensity<'_, I>>,
    params: &PasteParams,
) -> Result<Vec<Centroid>, TilesetError> {
    let paste = label_paste::<T>(placement, params)?;
    let moments = blocks(&placement.mosaic())
        .into_par_iter()
        .try_fold(
            || (LabelMoments::default(), CentroidScratch::default()),
            |(mut moments, mut scratch), block| {
                add_block(
                    &paste,
                    placement,
                    &block,
                    labels,
                    intensity,
                    &mut scratch,
                    &mut moments,
                )?;
                Ok((moments, scratch))
            },
        )
        .map(|part: Result<_, TilesetError>| part.map(|(moments, _)| moments))
        .try_reduce(LabelMoments::default, |mut a, b| {
            a.merge(b);
            Ok(a)
        })?;
    Ok(moments.rows())
}

/// The rule of pasting, checked to make labels of labels.
///
/// # Errors
/// As [`centroids`].
pub fn label_paste<'a, T: Sample>(
    placement: &'a Placement,
    params: &PasteParams,
) -> Result<Paste<'a>, TilesetError> {
    check_label_type::<T>(0)?;
    if params.blend == Blend::Mean {
        let (found, wanted) = ("mean".to_owned(), "last, first or max for labels");
        return Err(TilesetError::Parameter { name: "overlap", found, wanted });
    }
    Paste::new(placement, params)
}

/// Buffers of [`add_block`], kept from block to block.
#[derive(Debug, Clone, Default)]
pub struct CentroidScratch<T, I> {
    paste: PasteScratch<T>,
    labels: Vec<T>,
    tile: Vec<T>,
    intensity: Vec<I>,
    weights: Vec<I>,
}

/// Adds the voxels of one box of the mosaic to the sums. Serial.
///
/// `paste` is of [`label_paste`] for the same placement.
///
/// # Errors
/// As [`centroids`].
pub fn add_block<T: Sample, I: Sample>(
    paste: &Paste<'_>,
    placement: &Placement,
    region: &LayoutRegion,
    labels: &dyn TilePixels<T>,
    intensity: Option<&Intensity<'_, I>>,
    scratch: &mut CentroidScratch<T, I>,
    moments: &mut LabelMoments,
) -> Result<(), TilesetError> {
    scratch.labels.resize(region.voxels() as usize, T::default());
    let zero = T::default();
    paste.fill_watched(
        region,
        labels,
        &mut scratch.paste,
        &mut scratch.labels,
        |tile, _, seen| {
            runs(seen, |label, _| {
                if label != zero {
                    moments.see(to_label(label, tile)?, tile);
                }
                Ok(())
            })
        },
    )?;
    if let Some(intensity) = intensity {
        gather_weights(paste, placement, region, labels, intensity, scratch)?;
    }
    let width = region.shape[2].max(1) as usize;
    let (mut weight, mut weight_x) = (ExactSum::default(), ExactSum::default());
    for (row, values) in scratch.labels.chunks(width).enumerate() {
        let y = region.start[1] + row as i64 % region.shape[1];
        let z = region.start[0] + row as i64 / region.shape[1];
        let mut at = 0;
        runs(values, |label, length| {
            let first = at;
            at += length;
            if label == zero {
                return Ok(());
            }
            let x = region.start[2] + first as i64;
            let label = to_label(label, 0)?;
            let run = LabelRun { label, at: [z, y, x], length: length as i64 };
            if intensity.is_none() {
                moments.add(run, None);
                return Ok(());
            }
            weight.clear();
            weight_x.clear();
            let place = row * width + first;
            for (x, value) in (x..).zip(&scratch.weights[place..place + length]) {
                weight.add(*value, 1);
                weight_x.add(*value, x);
            }
            moments.add(run, Some((&weight, &weight_x)));
            Ok::<(), TilesetError>(())
        })?;
    }
    Ok(())
}

/// Fills `scratch.weights` with the intensity of every voxel of the box that has a label.
fn gather_weights<T: Sample, I: Sample>(
    paste: &Paste<'_>,
    placement: &Placement,
    region: &LayoutRegion,
    labels: &dyn TilePixels<T>,
    intensity: &Intensity<'_, I>,
    scratch: &mut CentroidScratch<T, I>,
) -> Result<(), TilesetError> {
    let CentroidScratch { labels: standing, tile: own, intensity: values, weights, .. } = scratch;
    let tiles = match intensity {
        Intensity::Mosaic(image) => return read_box(*image, 0, region, weights),
        Intensity::Tiles(tiles) => tiles,
    };
    weights.clear();
    weights.resize(standing.len(), I::default());
    for tile in paste.tiles_in(region) {
        let whole = placement.tile(tile);
        let Some(common) = whole.intersect(region) else { continue };
        let local = common.to_local(whole.start);
        read_box(labels, tile, &local, own)?;
        read_box(*tiles, tile, &local, values)?;
        let width = common.shape[2] as usize;
        let rows = own.chunks(width).zip(values.chunks(width));
        for (at, (own, values)) in row_places(region, &common).zip(rows) {
            let place = at..at + own.len();
            let out = weights[place.clone()].iter_mut().zip(&standing[place]);
            // The last tile laid whose label is the one that stands is the one it came from.
            for ((weight, label), (own, value)) in out.zip(own.iter().zip(values)) {
                if own == label {
                    *weight = *value;
                }
            }
        }
    }
    Ok(())
}
