//! Mean squared difference at integer shifts, to the constant what ClearMap computes.
//!
//! ClearMap 2, `Alignment.Stitching.StitchingRigid.align_2_sources`. Two faults are not repeated: a
//! window that reaches shifts without overlap is not clamped, and of equal minima the smallest shift
//! is taken.

use super::coarse::ReadBuffers;
use super::geometry::PairGeometry;
use super::measure::{Stop, no_signal};
use super::ncc::{BoxSums, Correlator, Volume};
use super::params::{AlignParams, SignalCount};
use super::source::Voxels;
use super::surface::Shifts;

/// Relative error of the transform in single precision, generously.
const ROUNDING: f64 = 1e-5;
/// Shifts that are computed exactly, at most.
const MOST_EXACT: usize = 256;

/// The best integer displacement and its mean squared difference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MsdMatch {
    pub displacement: [i64; 3],
    pub msd: f64,
}

/// Finds the displacement of the smallest mean squared difference.
///
/// The transform tells which shifts can be the best one; those are computed again without it, in
/// double precision, so the result does not depend on the transform's rounding.
///
/// # Errors
/// When the slabs do not overlap, have no signal or cannot be read.
pub(crate) fn best_msd(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    params: &AlignParams,
) -> Result<MsdMatch, Stop> {
    let mut volumes = [Volume::default(), Volume::default()];
    let mut buffers = ReadBuffers::default();
    for (side, volume) in volumes.iter_mut().enumerate() {
        let slab = &geometry.slabs[side];
        sides[side].read(slab, &mut buffers.raw)?;
        if let Some(background) = params.background {
            let bright = buffers.raw.iter().filter(|v| **v >= background.level).count() as f64;
            let wanted = match background.at_least {
                SignalCount::Voxels(n) => n as f64,
                SignalCount::Fraction(f) => f * slab.voxels() as f64,
            };
            if bright < wanted {
                return Err(no_signal("below_background"));
            }
        }
        *volume =
            Volume { shape: slab.shape(), values: std::mem::take(&mut buffers.raw), mask: None };
    }
    if params.normalize {
        volumes.iter_mut().for_each(normalise);
    }
    search(&mut volumes, geometry, params)
}

/// Subtracts the mean and divides by the L2 norm; a constant crop becomes 0.
fn normalise(volume: &mut Volume) {
    let n = volume.values.len() as f64;
    let mean = volume.values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let squares = volume.values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>();
    let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 };
    volume.values.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) * scale) as f32);
}

fn search(
    volumes: &mut [Volume; 2],
    geometry: &PairGeometry,
    params: &AlignParams,
) -> Result<MsdMatch, Stop> {
    // A common offset does not change differences but costs precision.
    let sums = [0, 1].map(|i| volumes[i].values.iter().map(|v| f64::from(*v)).sum::<f64>());
    let count = (volumes[0].values.len() + volumes[1].values.len()) as f64;
    let offset = ((sums[0] + sums[1]) / count) as f32;
    if !offset.is_finite() {
        return Err(no_signal("unknown_voxels"));
    }
    // Integers below 2^24 stay exact: the offset is a whole number where the values are large.
    let offset = if offset.abs() >= 1.0 { offset.round() } else { 0.0 };
    volumes.iter_mut().for_each(|v| v.values.iter_mut().for_each(|v| *v -= offset));

    let [a, b] = &*volumes;
    let origin: [i64; 3] =
        std::array::from_fn(|d| geometry.slabs[0].start[d] - geometry.slabs[1].start[d]);
    let (first, last) = (geometry.first(), geometry.last());
    let shifts = Shifts {
        first: std::array::from_fn(|d| (first[d] - origin[d]).max(1 - b.shape[d] as i64)),
        last: std::array::from_fn(|d| (last[d] - origin[d]).min(a.shape[d] as i64 - 1)),
    };
    if (0..3).any(|d| shifts.first[d] > shifts.last[d]) {
        return Err(Stop::NoOverlap);
    }
    let least = (params.min_overlap() * geometry.reference_volume()).max(1.0);
    let correlator = Correlator::new(a.shape, b.shape, shifts);
    let curve = correlator.differences([a, b], [&BoxSums::new(a), &BoxSums::new(b)], least);
    // Only shifts whose error bars reach below the smallest upper end can be the best.
    let bound = curve.iter().flatten().map(|(e, r)| e + ROUNDING * r).fold(f64::INFINITY, f64::min);
    let mut close: Vec<(f64, usize)> = curve
        .iter()
        .enumerate()
        .filter_map(|(i, e)| e.map(|(e, r)| (e - ROUNDING * r, i)))
        .filter(|(low, _)| *low <= bound)
        .collect();
    let distance = |i: usize| -> f64 {
        let k = shifts.at(i);
        (0..3).map(|d| ((k[d] + origin[d]) as f64 - geometry.nominal[d]).powi(2)).sum()
    };
    close.sort_by(|p, q| p.0.total_cmp(&q.0).then(distance(p.1).total_cmp(&distance(q.1))));
    close.truncate(MOST_EXACT);
    let best = close.into_iter().map(|(_, i)| (exact(a, b, shifts.at(i)), i)).min_by(|p, q| {
        p.0.total_cmp(&q.0).then(distance(p.1).total_cmp(&distance(q.1))).then(p.1.cmp(&q.1))
    });
    let Some((msd, i)) = best else { return Err(Stop::NoOverlap) };
    let k = shifts.at(i);
    Ok(MsdMatch { displacement: std::array::from_fn(|d| k[d] + origin[d]), msd })
}

/// The mean squared difference at one shift, by its definition.
fn exact(a: &Volume, b: &Volume, k: [i64; 3]) -> f64 {
    let low: [i64; 3] = std::array::from_fn(|d| (-k[d]).max(0));
    let high: [i64; 3] = std::array::from_fn(|d| (b.shape[d] as i64).min(a.shape[d] as i64 - k[d]));
    let (mut sum, mut n) = (0.0f64, 0.0f64);
    for z in low[0]..high[0] {
        for y in low[1]..high[1] {
            let row = |v: &Volume, z: i64, y: i64, x: i64| {
                ((z as usize * v.shape[1]) + y as usize) * v.shape[2] + x as usize
            };
            let width = (high[2] - low[2]) as usize;
            let pa = &a.values[row(a, z + k[0], y + k[1], low[2] + k[2])..][..width];
            let pb = &b.values[row(b, z, y, low[2])..][..width];
            sum += pa
                .iter()
                .zip(pb)
                .map(|(p, q)| (f64::from(*p) - f64::from(*q)).powi(2))
                .sum::<f64>();
            n += width as f64;
        }
    }
    sum / n
}
