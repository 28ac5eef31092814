//! One pair of volumes or projections, from slabs to a displacement.

use super::coarse::{CoarsePair, CoarseSearch, ReadBuffers, read_slabs, search};
use super::fine::refine;
use super::floors::matching_floors;
use super::geometry::PairGeometry;
use super::integer::{IntegerMatch, best_integer};
use super::linear::{Mat3, ZERO};
use super::params::{AlignParams, Measure};
use super::patches::PatchBuffers;
use super::source::{Floored, Voxels};
use super::statistics::NullDistribution;
use super::surface::Peak;
use crate::tile_pixels::TileError;

/// Above this probability of a false peak a pair has no signal.
pub(crate) const NO_SIGNAL: f64 = 0.01;
/// Peaks below this part of the best one are not looked at in full resolution.
const WORTH_A_LOOK: f64 = 0.5;
/// Variance of a displacement that is only known to the voxel: uniform over it.
const ROUNDED: f64 = 1.0 / 12.0;
/// Variance where full resolution could not say anything, in bins: half a bin either way.
const COARSE: f64 = 0.25;
/// How much better a peak outside the window must be, to say that the window is too small.
const CLEARLY_BETTER: f64 = 1.2;

/// Why a pair ends before it is measured.
#[derive(Debug)]
pub(crate) enum Stop {
    NoOverlap,
    NoSignal { why: &'static str, outside: Option<[f64; 3]> },
    Unread(TileError),
}

/// A pair without signal, of which nothing more is known.
pub(crate) fn no_signal(why: &'static str) -> Stop {
    Stop::NoSignal { why, outside: None }
}

impl From<TileError> for Stop {
    fn from(error: TileError) -> Stop {
        Stop::Unread(error)
    }
}

/// One refined peak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub displacement: [f64; 3],
    pub covariance: Mat3,
    pub ncc: f64,
}

/// What is known about a pair after measuring.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Best first; never empty.
    pub found: Vec<Found>,
    pub p_false: f64,
    pub peak_ratio: Option<f64>,
    /// A displacement outside the window that fits clearly better.
    pub outside: Option<[f64; 3]>,
}

/// Measures a pair by NCC or phase correlation.
pub(crate) fn measure(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    params: &AlignParams,
    null: &NullDistribution,
) -> Result<Measured, Stop> {
    let mut buffers = ReadBuffers::default();
    let coarse = read_slabs(sides, geometry, params.background, &mut buffers)?;
    let phase = params.measure == Measure::Phase;
    let search = search(&coarse, geometry, params.min_overlap(), phase)?;
    if search.surface.voxels.iter().all(|n| *n < 1.0) {
        return Err(no_signal("unknown_voxels"));
    }
    let inside = |k| search.is_inside(k, geometry);
    let distance = |k| search.distance(k, geometry);
    let peaks = search.surface.peaks(params.peaks, inside, distance);
    let Some(best) = peaks.first() else { return Err(no_signal("no_contrast")) };
    let shifts = (0..search.surface.ncc.len())
        .filter(|i| inside(search.surface.shifts.at(*i)) && search.surface.ncc[*i] > -1.0)
        .count() as f64;
    let p_false = null.p_false(best.ncc, best.voxels, shifts);
    let outside = better_outside(&search, geometry, best, null, shifts);
    if params.background.is_none() && p_false > NO_SIGNAL {
        return Err(Stop::NoSignal { why: "like_wrong_partners", outside });
    }
    let peak_ratio = peaks.get(1).filter(|p| p.ncc > 0.0).map(|p| best.ncc / p.ncc);
    let found = refine_peaks(sides, geometry, params, &coarse, &search, &peaks)?;
    Ok(Measured { found, p_false, peak_ratio, outside })
}

/// The best place beyond the window, when it is clearly better than any inside.
fn better_outside(
    search: &CoarseSearch,
    geometry: &PairGeometry,
    best: &Peak,
    null: &NullDistribution,
    shifts: f64,
) -> Option<[f64; 3]> {
    let far = |k: [i64; 3]| {
        let displacement = search.displacement(k);
        (0..3).any(|d| {
            let slack = 1.5 * search.factors[d] as f64;
            displacement[d] < geometry.low[d] - slack || displacement[d] > geometry.high[d] + slack
        })
    };
    let peaks = search.surface.peaks(1, far, |k| search.distance(k, geometry));
    let peak = peaks.first()?;
    let clearly =
        peak.ncc > CLEARLY_BETTER * best.ncc && null.p_false(peak.ncc, peak.voxels, shifts) < 1e-4;
    clearly.then(|| search.displacement(peak.shift))
}

fn refine_peaks(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    params: &AlignParams,
    coarse: &CoarsePair,
    search: &CoarseSearch,
    peaks: &[Peak],
) -> Result<Vec<Found>, Stop> {
    let mut buffers = PatchBuffers::default();
    let mut found: Vec<Found> = Vec::new();
    for (rank, peak) in peaks.iter().enumerate() {
        if rank > 0 && peak.ncc < WORTH_A_LOOK * peaks[0].ncc {
            continue;
        }
        let start = search.displacement_of(peak, geometry);
        let reach = search.factors.map(|f| f as i64 + 1);
        let floors = matching_floors(sides, geometry, coarse, start)?;
        let floored = [0, 1].map(|i| Floored { voxels: sides[i], floor: floors[i] });
        let sides: [&dyn Voxels; 2] = [&floored[0], &floored[1]];
        let one = match best_integer(sides, geometry, coarse, start, reach)? {
            None => coarse_only(geometry, coarse, start, peak.ncc),
            Some(integer) if !params.subpixel => whole(geometry, &integer),
            Some(integer) => {
                let fine = refine(sides, geometry, coarse, &integer, rank > 0, &mut buffers)?;
                match fine.filter(|f| geometry.allows(f.displacement)) {
                    Some(f) => {
                        Found { displacement: f.displacement, covariance: f.covariance, ncc: f.ncc }
                    }
                    None => whole(geometry, &integer),
                }
            }
        };
        // Two peaks may climb to the same place.
        let apart =
            |f: &Found| (0..3).any(|d| (f.displacement[d] - one.displacement[d]).abs() >= 1.0);
        if found.iter().all(apart) {
            found.push(one);
        }
    }
    let distance = |f: &Found| -> f64 {
        (0..3).map(|d| (f.displacement[d] - geometry.nominal[d]).powi(2)).sum()
    };
    let rounded = |f: &Found| (f.ncc * 1e5).round();
    found.sort_by(|p, q| {
        rounded(q).total_cmp(&rounded(p)).then(distance(p).total_cmp(&distance(q)))
    });
    Ok(found)
}

fn diagonal(geometry: &PairGeometry, variance: impl Fn(usize) -> f64) -> Mat3 {
    let mut covariance = ZERO;
    for d in (0..3).filter(|d| geometry.is_free(*d)) {
        covariance[d][d] = variance(d);
    }
    covariance
}

/// A displacement known to the voxel.
fn whole(geometry: &PairGeometry, integer: &IntegerMatch) -> Found {
    Found {
        displacement: integer.displacement.map(|v| v as f64),
        covariance: diagonal(geometry, |_| ROUNDED),
        ncc: integer.ncc,
    }
}

/// A displacement known from the binned slabs only.
fn coarse_only(geometry: &PairGeometry, coarse: &CoarsePair, at: [f64; 3], ncc: f64) -> Found {
    let covariance = diagonal(geometry, |d| COARSE * (coarse.factors[d] as f64).powi(2));
    Found { displacement: at, covariance, ncc }
}
