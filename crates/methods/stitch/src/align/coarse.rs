//! The coarse step: the whole slab, binned, compared at every shift of the window.

use hooke_filters::gaussian::gaussian_into;
use hooke_filters::resample::{bin_mean_into, binned_shape};

use super::geometry::{PairGeometry, Span};
use super::measure::{Stop, no_signal};
use super::ncc::{Correlator, Volume};
use super::params::{Background, SignalCount};
use super::source::Voxels;
use super::surface::{Peak, Shifts, Surface};
use crate::tile_pixels::TileError;

/// The binned slab never has more voxels than this, whatever the tiles' size.
const MOST_VOXELS: usize = 1 << 21;
/// Binning stops while the nominal overlap still has so many binned voxels...
const ENOUGH_VOXELS: f64 = 16_384.0;
/// ...and so many along each binned axis.
const ENOUGH_LENGTH: f64 = 8.0;
/// Largest bin that is chosen for speed; larger ones only keep memory bounded.
const SPEED_BIN: usize = 4;
/// How far beyond the window shifts are compared, to tell when it is too small: part of its width.
const BEYOND: f64 = 0.5;
/// Voxels that are read at once.
const CHUNK_VOXELS: usize = 1 << 19;
/// Standard deviations of the band-pass, voxels of the finest axis: noise below, shading above.
const NARROW: f64 = 1.0;
const WIDE: f64 = 8.0;

/// Factors by which a pair's slabs are binned, `(z, y, x)`.
pub(crate) fn bin_factors(geometry: &PairGeometry) -> [usize; 3] {
    let nominal = geometry.overlap_at(geometry.nominal.map(|n| n.round() as i64));
    let slab = geometry.slabs[1].shape();
    let overlap: [f64; 3] = std::array::from_fn(|d| match nominal.shape()[d] {
        0 => slab[d] as f64,
        n => n as f64,
    });
    let mut factors = [1usize; 3];
    let left = |f: &[usize; 3], d: usize| overlap[d] / f[d] as f64;
    loop {
        let volume: f64 = (0..3).map(|d| left(&factors, d)).product();
        let next = (0..3)
            .filter(|d| factors[*d] < SPEED_BIN && left(&factors, *d) / 2.0 >= ENOUGH_LENGTH)
            .min_by(|p, q| {
                let size = |d: usize| factors[d] as f64 * geometry.voxel[d];
                size(*p).total_cmp(&size(*q)).then(q.cmp(p))
            });
        match next {
            Some(d) if volume / 2.0 >= ENOUGH_VOXELS => factors[d] *= 2,
            _ => break,
        }
    }
    let largest = |f: &[usize; 3]| {
        let count = |s: &Span| binned_shape(s.shape(), *f).iter().product::<usize>();
        count(&geometry.slabs[0]).max(count(&geometry.slabs[1]))
    };
    while largest(&factors) > MOST_VOXELS {
        let longest = (0..3).max_by_key(|d| slab[*d] / factors[*d]).expect("there are three axes");
        factors[longest] *= 2;
    }
    factors
}

/// Buffers of one thread, kept from slab to slab.
#[derive(Default)]
pub(crate) struct ReadBuffers {
    pub raw: Vec<f32>,
    pub other: Vec<f32>,
}

/// Reads a slab piece by piece, stabilises and bins it. Also counts the voxels at or above `level`.
///
/// A bin with an unknown voxel is NaN; voxels at the far end that do not fill a bin are left out.
pub(crate) fn read_binned(
    voxels: &dyn Voxels,
    slab: &Span,
    factors: [usize; 3],
    level: Option<f32>,
    buffers: &mut ReadBuffers,
) -> Result<(Vec<f32>, u64), TileError> {
    let shape = binned_shape(slab.shape(), factors);
    let mut binned = vec![0.0f32; shape.iter().product()];
    let mut bright = 0;
    for (first, count) in pieces(shape, factors) {
        let start: [i64; 3] =
            std::array::from_fn(|d| slab.start[d] + (first[d] * factors[d]) as i64);
        let end = std::array::from_fn(|d| start[d] + (count[d] * factors[d]) as i64);
        voxels.read(&Span { start, end }, &mut buffers.raw)?;
        if let Some(level) = level {
            bright += buffers.raw.iter().filter(|v| **v >= level).count() as u64;
        }
        voxels.stabilise(&mut buffers.raw);
        let raw_shape = std::array::from_fn(|d| count[d] * factors[d]);
        // Pieces are whole rows of bins; one that spans all rows is contiguous in the result.
        buffers.other.resize(count.iter().product(), 0.0);
        bin_mean_into(&buffers.raw, raw_shape, factors, &mut buffers.other);
        for z in 0..count[0] {
            let to = ((first[0] + z) * shape[1] + first[1]) * shape[2];
            let plane = count[1] * count[2];
            binned[to..to + plane].copy_from_slice(&buffers.other[z * plane..][..plane]);
        }
    }
    Ok((binned, bright))
}

/// Cuts a binned volume into pieces of whole rows, as `(first bin, number of bins)`.
fn pieces(shape: [usize; 3], factors: [usize; 3]) -> Vec<([usize; 3], [usize; 3])> {
    let bin: usize = factors.iter().product();
    let row = (shape[2] * bin).max(1);
    let rows = (CHUNK_VOXELS / row).clamp(1, shape[1].max(1));
    let planes = if rows == shape[1] { (CHUNK_VOXELS / (row * rows)).max(1) } else { 1 };
    let mut pieces = Vec::new();
    for z in (0..shape[0]).step_by(planes) {
        for y in (0..shape[1]).step_by(rows) {
            let count = [planes.min(shape[0] - z), rows.min(shape[1] - y), shape[2]];
            pieces.push(([z, y, 0], count));
        }
    }
    pieces
}

/// Subtracts what is larger than the wide Gaussian and smooths what is finer than the narrow one.
///
/// `voxel` are relative voxel sizes: both widths are equal in physical length along all axes.
pub(crate) fn band_pass(volume: &mut Volume, factors: [usize; 3], voxel: [f64; 3]) {
    let sigma = |width: f64| -> [f64; 3] {
        std::array::from_fn(|d| {
            let f = factors[d] as f64;
            // Binning has smoothed already, with the variance of its box.
            let rest = (width / voxel[d]).powi(2) - (f * f - 1.0) / 12.0;
            let sigma = rest.max(0.0).sqrt() / f;
            if sigma < 0.25 { 0.0 } else { sigma }
        })
    };
    let Volume { shape, values, mask } = volume;
    let mut wide = vec![0.0; values.len()];
    gaussian_into(values, *shape, sigma(WIDE), &mut wide);
    let narrow = sigma(NARROW);
    if narrow.iter().any(|s| *s > 0.0) {
        let mut smooth = vec![0.0; values.len()];
        gaussian_into(values, *shape, narrow, &mut smooth);
        *values = smooth;
    }
    values.iter_mut().zip(&wide).for_each(|(v, w)| *v -= w);
    if let Some(mask) = mask {
        values.iter_mut().zip(mask).for_each(|(v, known)| *v *= *known);
    }
}

/// Both slabs, binned and band-passed.
pub(crate) struct CoarsePair {
    pub factors: [usize; 3],
    pub volumes: [Volume; 2],
}

/// Reads and prepares both slabs of a pair.
pub(crate) fn read_slabs(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    background: Option<Background>,
    buffers: &mut ReadBuffers,
) -> Result<CoarsePair, Stop> {
    let factors = bin_factors(geometry);
    let mut volumes = [Volume::default(), Volume::default()];
    for (side, volume) in volumes.iter_mut().enumerate() {
        let slab = &geometry.slabs[side];
        let level = background.map(|b| b.level);
        let (binned, bright) = read_binned(sides[side], slab, factors, level, buffers)?;
        if let Some(background) = background {
            let wanted = match background.at_least {
                SignalCount::Voxels(n) => n as f64,
                SignalCount::Fraction(f) => f * slab.voxels() as f64,
            };
            if (bright as f64) < wanted {
                return Err(no_signal("below_background"));
            }
        }
        *volume = Volume::new(binned_shape(slab.shape(), factors), binned);
        band_pass(volume, factors, geometry.voxel);
    }
    Ok(CoarsePair { factors, volumes })
}

/// The scores of a pair and how shifts of bins translate to displacements.
pub(crate) struct CoarseSearch {
    pub surface: Surface,
    /// Displacement of bin shift 0.
    pub origin: [f64; 3],
    pub factors: [usize; 3],
}

/// Compares both slabs at every shift of the window, and somewhat beyond it where the data reach.
pub(crate) fn search(
    pair: &CoarsePair,
    geometry: &PairGeometry,
    min_overlap: f64,
    phase: bool,
) -> Result<CoarseSearch, Stop> {
    let factors = pair.factors;
    let origin: [f64; 3] =
        std::array::from_fn(|d| (geometry.slabs[0].start[d] - geometry.slabs[1].start[d]) as f64);
    let [a, b] = [pair.volumes[0].shape, pair.volumes[1].shape];
    if a.contains(&0) || b.contains(&0) {
        return Err(Stop::NoOverlap);
    }
    let range = |d: usize| {
        let f = factors[d] as f64;
        let width = geometry.high[d] - geometry.low[d];
        let beyond = if width == 0.0 { 0.0 } else { (BEYOND * width).max(2.0 * f) };
        let first = ((geometry.low[d] - beyond - origin[d]) / f).floor() as i64;
        let last = ((geometry.high[d] + beyond - origin[d]) / f).ceil() as i64;
        (first.max(1 - b[d] as i64), last.min(a[d] as i64 - 1))
    };
    let shifts = Shifts {
        first: std::array::from_fn(|d| range(d).0),
        last: std::array::from_fn(|d| range(d).1),
    };
    if (0..3).any(|d| shifts.first[d] > shifts.last[d]) {
        return Err(Stop::NoOverlap);
    }
    let bin: usize = factors.iter().product();
    let least = min_overlap * geometry.reference_volume() / bin as f64;
    let correlator = Correlator::new(a, b, shifts);
    let surface = correlator.surface(&pair.volumes[0], &pair.volumes[1], least, phase);
    Ok(CoarseSearch { surface, origin, factors })
}

impl CoarseSearch {
    /// The displacement of a shift of whole bins.
    pub fn displacement(&self, shift: [i64; 3]) -> [f64; 3] {
        std::array::from_fn(|d| self.origin[d] + shift[d] as f64 * self.factors[d] as f64)
    }

    /// The displacement of a peak, with the top of its parabola, moved into the window.
    pub fn displacement_of(&self, peak: &Peak, geometry: &PairGeometry) -> [f64; 3] {
        std::array::from_fn(|d| {
            let whole = self.origin[d] + peak.shift[d] as f64 * self.factors[d] as f64;
            let exact = whole + peak.offset[d] * self.factors[d] as f64;
            exact.clamp(geometry.low[d], geometry.high[d])
        })
    }

    /// Whether a shift of whole bins stands for displacements of the window.
    pub fn is_inside(&self, shift: [i64; 3], geometry: &PairGeometry) -> bool {
        let displacement = self.displacement(shift);
        (0..3).all(|d| {
            let slack = 0.5 * self.factors[d] as f64;
            displacement[d] >= geometry.low[d] - slack
                && displacement[d] <= geometry.high[d] + slack
        })
    }

    /// Squared distance of a shift from the nominal displacement, voxels.
    pub fn distance(&self, shift: [i64; 3], geometry: &PairGeometry) -> f64 {
        let displacement = self.displacement(shift);
        (0..3).map(|d| (displacement[d] - geometry.nominal[d]).powi(2)).sum()
    }
}
