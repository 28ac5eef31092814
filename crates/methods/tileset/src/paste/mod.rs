//! Tiles laid side by side in one mosaic, without registration, any box at a time.
//!
//! A voxel without a tile is 0. [`Paste::fill`] makes any box of the mosaic from the tiles that
//! cover it; the same bits come out of any partition into boxes, so a workflow streams its output
//! block by block.

mod params;
mod rows;

use hooke_core::{LayoutRegion, Sample, TilePixels};
use ndarray::Array3;
use rayon::prelude::*;

pub use params::{Blend, PasteParams, Zeros};

use crate::error::TilesetError;
use crate::placement::Placement;
use crate::read::{BLOCK_VOXELS, read_box};

/// Buffers of [`Paste::fill`], kept from box to box.
#[derive(Debug, Clone, Default)]
pub struct PasteScratch<T> {
    tile: Vec<T>,
    sums: Vec<f64>,
    seen: Vec<u32>,
}

/// A mosaic to be filled box by box.
#[derive(Debug, Clone)]
pub struct Paste<'a> {
    placement: &'a Placement,
    blend: Blend,
    zeros: Zeros,
    /// Tiles in the order in which they are laid.
    order: Vec<usize>,
}

impl<'a> Paste<'a> {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`TilesetError::Order`].
    pub fn new(placement: &'a Placement, params: &PasteParams) -> Result<Paste<'a>, TilesetError> {
        let mut order = params.order_of(placement.len())?;
        if params.blend == Blend::First {
            // The first tile stands when it is laid last.
            order.reverse();
        }
        Ok(Paste { placement, blend: params.blend, zeros: params.zeros, order })
    }

    /// The tiles that share a voxel with the box, in the order in which they are laid.
    pub fn tiles_in(&self, region: &LayoutRegion) -> Vec<usize> {
        let covers = |tile: &usize| self.placement.tile(*tile).intersect(region).is_some();
        self.order.iter().copied().filter(covers).collect()
    }

    /// Bytes that [`Paste::fill`] needs for a box beside its output, at most.
    pub fn scratch_bytes<T: Sample>(&self, region: &LayoutRegion) -> u64 {
        let sums = match (self.blend, self.zeros) {
            (Blend::Mean, _) => 12,
            (Blend::Max, Zeros::Opaque) => 4,
            _ => 0,
        };
        region.voxels() * (size_of::<T>() as u64 + sums)
    }

    /// Fills the box `region` of the mosaic, in C order. Serial.
    ///
    /// `last`, `first` and `max` are exact for every type. `mean` is of f64 sums, rounded half to
    /// even; a voxel of one tile is that tile's value, exactly. NaN is a value for `last`, `first`
    /// and `mean`, and gives way to numbers in `max`.
    ///
    /// # Errors
    /// [`TilesetError::BufferLength`]; [`TilesetError::OutsideMosaic`]; [`TilesetError::Tile`] and
    /// [`TilesetError::ShortRead`] from reading.
    pub fn fill<T: Sample>(
        &self,
        region: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
        scratch: &mut PasteScratch<T>,
        out: &mut [T],
    ) -> Result<(), TilesetError> {
        self.fill_watched(region, pixels, scratch, out, |_, _, _| Ok(()))
    }

    /// As [`Paste::fill`]; `watch` sees each tile, its box in the mosaic and its voxels there.
    pub(crate) fn fill_watched<T: Sample>(
        &self,
        region: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
        scratch: &mut PasteScratch<T>,
        out: &mut [T],
        watch: impl FnMut(usize, &LayoutRegion, &[T]) -> Result<(), TilesetError>,
    ) -> Result<(), TilesetError> {
        self.check(region, out.len())?;
        self.lay(region, pixels, scratch, out, watch)?;
        if self.blend == Blend::Mean {
            let PasteScratch { sums, seen, .. } = scratch;
            for ((out, sum), seen) in out.iter_mut().zip(sums).zip(seen) {
                if *seen > 1 {
                    *out = T::from_f64(*sum / f64::from(*seen));
                }
            }
        }
        Ok(())
    }

    /// As [`Paste::fill`], but as f64 and with unrounded means. Values above 2^53 are rounded.
    ///
    /// # Errors
    /// As [`Paste::fill`].
    pub fn fill_f64<T: Sample>(
        &self,
        region: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
        scratch: &mut PasteScratch<T>,
        typed: &mut Vec<T>,
        out: &mut [f64],
    ) -> Result<(), TilesetError> {
        self.check(region, out.len())?;
        typed.resize(out.len(), T::default());
        self.lay(region, pixels, scratch, typed, |_, _, _| Ok(()))?;
        for (out, value) in out.iter_mut().zip(typed) {
            *out = value.to_f64();
        }
        if self.blend == Blend::Mean {
            for ((out, sum), seen) in out.iter_mut().zip(&scratch.sums).zip(&scratch.seen) {
                *out = if *seen > 0 { *sum / f64::from(*seen) } else { 0.0 };
            }
        }
        Ok(())
    }

    fn check(&self, region: &LayoutRegion, length: usize) -> Result<(), TilesetError> {
        let mosaic = self.placement.mosaic();
        if !region.is_empty() && region.intersect(&mosaic) != Some(*region) {
            let (start, shape) = (region.start, region.shape);
            let mosaic = self.placement.volume_shape();
            return Err(TilesetError::OutsideMosaic { start, shape, mosaic });
        }
        match region.voxels() == length as u64 {
            true => Ok(()),
            false => Err(TilesetError::BufferLength { expected: region.voxels(), found: length }),
        }
    }

    fn lay<T: Sample>(
        &self,
        region: &LayoutRegion,
        pixels: &dyn TilePixels<T>,
        scratch: &mut PasteScratch<T>,
        out: &mut [T],
        mut watch: impl FnMut(usize, &LayoutRegion, &[T]) -> Result<(), TilesetError>,
    ) -> Result<(), TilesetError> {
        let PasteScratch { tile: buffer, sums, seen } = scratch;
        let (needs_sums, needs_seen) = match (self.blend, self.zeros) {
            (Blend::Mean, _) => (true, true),
            (Blend::Max, Zeros::Opaque) => (false, true),
            _ => (false, false),
        };
        reset(sums, if needs_sums { out.len() } else { 0 });
        reset(seen, if needs_seen { out.len() } else { 0 });
        let tiles = self.tiles_in(region);
        if !tiles.iter().any(|t| self.placement.tile(*t).intersect(region) == Some(*region)) {
            out.fill(T::default());
        } else if !(needs_seen || self.zeros == Zeros::Opaque) {
            // A transparent zero leaves what was there.
            out.fill(T::default());
        }
        // On nothing, a whole number that is 0 or not is a copy; -0.0 would not stay 0.0.
        let mut on_nothing = !T::DTYPE.is_float();
        for tile in tiles {
            let whole = self.placement.tile(tile);
            let Some(common) = whole.intersect(region) else { continue };
            read_box(pixels, tile, &common.to_local(whole.start), buffer)?;
            watch(tile, &common, buffer)?;
            for (at, row) in
                row_places(region, &common).zip(buffer.chunks(common.shape[2] as usize))
            {
                let place = at..at + row.len();
                match (self.blend, self.zeros) {
                    (Blend::Last | Blend::First, Zeros::Opaque) => {
                        out[place].copy_from_slice(row);
                    }
                    (Blend::Last | Blend::First | Blend::Max, Zeros::Transparent) if on_nothing => {
                        out[place].copy_from_slice(row);
                    }
                    (Blend::Last | Blend::First, Zeros::Transparent) => {
                        rows::last_transparent(row, &mut out[place]);
                    }
                    (Blend::Max, Zeros::Transparent) => rows::max_transparent(row, &mut out[place]),
                    (Blend::Max, Zeros::Opaque) => {
                        rows::max_opaque(row, &mut out[place.clone()], &mut seen[place]);
                    }
                    (Blend::Mean, _) => {
                        let (sums, seen) = (&mut sums[place.clone()], &mut seen[place.clone()]);
                        rows::add(row, &mut out[place], sums, seen);
                    }
                }
            }
            on_nothing = false;
        }
        Ok(())
    }
}

fn reset<T: Copy + Default>(values: &mut Vec<T>, n: usize) {
    values.clear();
    values.resize(n, T::default());
}

/// Where each row of a box inside `region` starts in a C-ordered buffer of `region`.
pub(crate) fn row_places(
    region: &LayoutRegion,
    part: &LayoutRegion,
) -> impl Iterator<Item = usize> + use<> {
    let [dz, dy, dx]: [usize; 3] =
        std::array::from_fn(|d| (part.start[d] - region.start[d]) as usize);
    let [_, height, width] = region.shape.map(|n| n as usize);
    let [nz, ny, _] = part.shape.map(|n| n as usize);
    (0..nz).flat_map(move |z| (0..ny).map(move |y| ((dz + z) * height + dy + y) * width + dx))
}

/// Makes the whole mosaic in memory. Parallel; the result does not depend on the number of threads.
///
/// # Errors
/// As [`Paste::new`] and [`Paste::fill`].
///
/// # Examples
/// ```
/// use hooke_core::TilesInMemory;
/// use hooke_tileset::paste::{Blend, PasteParams, paste};
/// use hooke_tileset::placement::Placement;
/// use ndarray::array;
///
/// let (a, b) = (array![[[1u8, 2, 3]]], array![[[9u8, 0, 7]]]);
/// let placement = Placement::from_starts(&[[0, 0, 0], [0, 0, 1]], &[[1, 1, 3], [1, 1, 3]])?;
/// let tiles = TilesInMemory { tiles: vec![a.view(), b.view()] };
/// let last = paste(&placement, &tiles, &PasteParams::default())?;
/// assert_eq!(last, array![[[1, 9, 3, 7]]]);
/// let mean = PasteParams { blend: Blend::Mean, ..PasteParams::default() };
/// assert_eq!(paste(&placement, &tiles, &mean)?, array![[[1, 6, 2, 7]]]);
/// # Ok::<(), hooke_tileset::TilesetError>(())
/// ```
pub fn paste<T: Sample>(
    placement: &Placement,
    pixels: &dyn TilePixels<T>,
    params: &PasteParams,
) -> Result<Array3<T>, TilesetError> {
    let paste = Paste::new(placement, params)?;
    let mosaic = placement.mosaic();
    let mut volume = Array3::from_elem(mosaic.shape.map(|n| n as usize), T::default());
    let mut rest = volume.as_slice_mut().expect("a new array is contiguous");
    let mut tasks = Vec::new();
    for slab in mosaic.slabs((4 * BLOCK_VOXELS / mosaic.shape[2].max(1)).max(1)) {
        let (out, after) = rest.split_at_mut(slab.voxels() as usize);
        rest = after;
        tasks.push((slab, out));
    }
    tasks.into_par_iter().try_for_each_init(PasteScratch::default, |scratch, (slab, out)| {
        paste.fill(&slab, pixels, scratch, out)
    })?;
    Ok(volume)
}
