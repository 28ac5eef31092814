//! One pair of tiles: from a task to its entry in the layout.

use hooke_core::Axis;

use super::coarse::bin_factors;
use super::error::AlignError;
use super::geometry::PairGeometry;
use super::linear::{Mat3, ZERO};
use super::measure::{Found, Measured, Stop, measure};
use super::msd::best_msd;
use super::params::{AlignParams, Measure, ProjectionMode};
use super::projection::project_pair;
use super::source::{Correction, TileVoxels, Voxels};
use super::statistics::SharedStatistics;
use crate::layout::{Candidate, Layout, LayoutWarning, Matrix3, Pair, PairStatus, Tile, Vector3};
use crate::pairs::PairTask;
use crate::tile_pixels::TilePixels;

/// A measured pair and what a user should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct PairOutcome {
    /// The entry for the layout.
    pub pair: Pair,
    /// Warnings about this pair.
    pub warnings: Vec<LayoutWarning>,
}

/// Measures one pair: a pure function of its arguments, whatever else is measured beside it.
///
/// A tile that cannot be read, tiles that cannot meet within the window and slabs without signal
/// are not errors: they are the pair's status. Peak memory is [`pair_bytes`], whatever the tiles'
/// size (except with [`Measure::Msd`], which holds both slabs).
///
/// # Errors
/// [`AlignError::UnknownTile`].
pub fn align_pair(
    layout: &Layout,
    task: &PairTask,
    pixels: &dyn TilePixels<f32>,
    params: &AlignParams,
    correction: &Correction,
    statistics: &SharedStatistics,
) -> Result<PairOutcome, AlignError> {
    let [pre, post] = tiles_of(layout, task)?;
    let voxel = relative_voxel(layout);
    let Some(geometry) = PairGeometry::new(pre, post, task, params, voxel) else {
        let geometry = nominal_overlap(pre, post);
        return Ok(PairOutcome {
            pair: empty_pair(task, geometry, PairStatus::NoOverlap, "window"),
            warnings: vec![],
        });
    };
    let voxels =
        [pre, post].map(|t| TileVoxels::new(t, pixels, params.clip, correction, statistics));
    let sides: [&dyn Voxels; 2] = [&voxels[0], &voxels[1]];
    let result = match params.measure {
        Measure::Msd => by_difference(sides, &geometry, task, params),
        _ => by_correlation(sides, &geometry, task, params, statistics),
    };
    Ok(match result {
        Ok(result) => outcome(task, &geometry, params, result),
        Err(stop) => {
            let (status, reason) = match &stop {
                Stop::NoOverlap => (PairStatus::NoOverlap, "window".to_string()),
                Stop::NoSignal { why, .. } => (PairStatus::NoSignal, (*why).to_string()),
                Stop::Unread(error) => (PairStatus::Unread, error.to_string()),
            };
            let pair = empty_pair(task, geometry.overlap, status, &reason);
            PairOutcome { pair, warnings: stop_warnings(task, &geometry, &stop) }
        }
    })
}

/// Bytes that [`align_pair`] needs at most, beside the caches of the reader.
///
/// # Errors
/// [`AlignError::UnknownTile`] for a tile of `task` that is not in the layout.
pub fn pair_bytes(
    layout: &Layout,
    task: &PairTask,
    params: &AlignParams,
) -> Result<u64, AlignError> {
    let [pre, post] = tiles_of(layout, task)?;
    let Some(geometry) = PairGeometry::new(pre, post, task, params, relative_voxel(layout)) else {
        return Ok(0);
    };
    let slabs = geometry.slabs.map(|s| s.voxels());
    if params.measure == Measure::Msd {
        // Slabs, tables of sums in f64, padded spectra.
        return Ok((slabs[0] + slabs[1]) * 40);
    }
    let bin = bin_factors(&geometry).iter().product::<usize>() as u64;
    let binned = (slabs[0] + slabs[1]) / bin;
    const FINE: u64 = 96 << 20;
    Ok(binned * 60 + FINE.min((slabs[0] + slabs[1]) * 48) + (8 << 20))
}

fn tiles_of<'a>(layout: &'a Layout, task: &PairTask) -> Result<[&'a Tile; 2], AlignError> {
    let find = |id: usize| {
        layout.tiles.iter().find(|t| t.id == id).ok_or(AlignError::UnknownTile {
            pre: task.pre,
            post: task.post,
            unknown: id,
        })
    };
    Ok([find(task.pre)?, find(task.post)?])
}

/// Voxel sizes relative to the smallest; 1 where they are unknown.
pub(crate) fn relative_voxel(layout: &Layout) -> [f64; 3] {
    let Some(size) = layout.voxel_size_um.map(|v| v.zyx()) else { return [1.0; 3] };
    let smallest = size.iter().copied().fold(f64::INFINITY, f64::min);
    if !(smallest > 0.0 && smallest.is_finite()) {
        return [1.0; 3];
    }
    size.map(|s| if s.is_finite() { s / smallest } else { 1.0 })
}

fn nominal_overlap(pre: &Tile, post: &Tile) -> [i64; 3] {
    std::array::from_fn(|d| {
        let n = (post.nominal_px[d] - pre.nominal_px[d]).round() as i64;
        (n + post.shape[d] as i64).min(pre.shape[d] as i64) - n.max(0)
    })
}

/// What was measured, in the pair's own terms.
struct Findings {
    found: Vec<Found>,
    quality: f64,
    msd: Option<f64>,
    p_false: Option<f64>,
    peak_ratio: Option<f64>,
    outside: Option<[f64; 3]>,
}

fn by_correlation(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    task: &PairTask,
    params: &AlignParams,
    statistics: &SharedStatistics,
) -> Result<Findings, Stop> {
    let measured = match params.projection {
        ProjectionMode::None => measure(sides, geometry, params, &statistics.null)?,
        ProjectionMode::Pair => {
            let axis = projection_axis(task, geometry);
            measure_projection(sides, geometry, axis, task, params, statistics)?
        }
        ProjectionMode::All => measure_all(sides, geometry, task, params, statistics)?,
    };
    let best = measured.found.first().expect("a measurement has at least one result");
    Ok(Findings {
        quality: best.ncc,
        msd: None,
        p_false: Some(measured.p_false),
        peak_ratio: measured.peak_ratio,
        outside: measured.outside,
        found: measured.found,
    })
}

/// The pair's tiling axis, else the axis of the smallest overlap.
fn projection_axis(task: &PairTask, geometry: &PairGeometry) -> usize {
    task.axis_index().unwrap_or_else(|| {
        (0..3).filter(|d| geometry.is_free(*d)).min_by_key(|d| geometry.overlap[*d]).unwrap_or(0)
    })
}

fn measure_projection(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    axis: usize,
    task: &PairTask,
    params: &AlignParams,
    statistics: &SharedStatistics,
) -> Result<Measured, Stop> {
    let tiling = axis == projection_axis(task, geometry);
    let flat = project_pair(sides, geometry, axis, tiling, params)?;
    let sides: [&dyn Voxels; 2] = [&flat.volumes[0], &flat.volumes[1]];
    // The background is tested on the maxima, as the peer does.
    let mut measured = measure(sides, &flat.geometry, params, &statistics.null)?;
    for found in &mut measured.found {
        for d in 0..3 {
            found.displacement[d] += flat.origin[d];
            found.covariance[axis][d] = f64::NAN;
            found.covariance[d][axis] = f64::NAN;
        }
        found.displacement[axis] = f64::NAN;
    }
    Ok(measured)
}

/// Three projections; each component is the mean of the projections that measured it.
fn measure_all(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    task: &PairTask,
    params: &AlignParams,
    statistics: &SharedStatistics,
) -> Result<Measured, Stop> {
    let mut parts = Vec::new();
    let mut stop = None;
    for axis in (0..3).filter(|d| geometry.is_free(*d)) {
        match measure_projection(sides, geometry, axis, task, params, statistics) {
            Ok(measured) => parts.push(measured),
            Err(Stop::Unread(error)) => return Err(Stop::Unread(error)),
            Err(other) => stop = Some(other),
        }
    }
    if parts.is_empty() {
        return Err(stop.unwrap_or(Stop::NoOverlap));
    }
    let mut displacement = [f64::NAN; 3];
    let mut covariance: Mat3 = ZERO;
    for d in 0..3 {
        let known: Vec<(f64, f64)> = parts
            .iter()
            .map(|p| (p.found[0].displacement[d], p.found[0].covariance[d][d]))
            .filter(|(value, _)| value.is_finite())
            .collect();
        if known.is_empty() {
            covariance[d] = [f64::NAN; 3];
            (0..3).for_each(|e| covariance[e][d] = f64::NAN);
            continue;
        }
        let n = known.len() as f64;
        let mean = known.iter().map(|k| k.0).sum::<f64>() / n;
        let scatter = known.iter().map(|k| (k.0 - mean).powi(2)).sum::<f64>() / n;
        displacement[d] = mean;
        covariance[d][d] = known.iter().map(|k| k.1).sum::<f64>() / n + scatter;
    }
    let n = parts.len() as f64;
    let ncc = parts.iter().map(|p| p.found[0].ncc).sum::<f64>() / n;
    Ok(Measured {
        found: vec![Found { displacement, covariance, ncc }],
        p_false: parts.iter().map(|p| p.p_false).fold(0.0, f64::max),
        peak_ratio: None,
        outside: None,
    })
}

fn by_difference(
    sides: [&dyn Voxels; 2],
    geometry: &PairGeometry,
    task: &PairTask,
    params: &AlignParams,
) -> Result<Findings, Stop> {
    let (found, axis) = match params.projection {
        ProjectionMode::None => (best_msd(sides, geometry, params)?, None),
        _ => {
            let axis = projection_axis(task, geometry);
            let flat = project_pair(sides, geometry, axis, true, params)?;
            let sides: [&dyn Voxels; 2] = [&flat.volumes[0], &flat.volumes[1]];
            let mut best = best_msd(sides, &flat.geometry, params)?;
            for d in 0..3 {
                best.displacement[d] += flat.origin[d].round() as i64;
            }
            (best, Some(axis))
        }
    };
    let mut displacement = found.displacement.map(|v| v as f64);
    let mut covariance = ZERO;
    for d in (0..3).filter(|d| geometry.is_free(*d)) {
        covariance[d][d] = 1.0 / 12.0;
    }
    if let Some(axis) = axis {
        displacement[axis] = f64::NAN;
        covariance[axis][axis] = f64::NAN;
    }
    Ok(Findings {
        found: vec![Found { displacement, covariance, ncc: -found.msd }],
        quality: -found.msd,
        msd: Some(found.msd),
        p_false: None,
        peak_ratio: None,
        outside: None,
    })
}

fn empty_pair(task: &PairTask, overlap: [i64; 3], status: PairStatus, reason: &str) -> Pair {
    Pair {
        axis: task.axis.map(|a| a.letter().to_string()),
        overlap_px: Some(overlap),
        status,
        reason: Some(reason.to_string()),
        ..Pair::new(task.pre, task.post, [f64::NAN; 3], None)
    }
}

fn outcome(
    task: &PairTask,
    geometry: &PairGeometry,
    params: &AlignParams,
    mut result: Findings,
) -> PairOutcome {
    let warnings = window_warnings(task, geometry, &result);
    if let Some(axis) = params.axis.and_then(Axis::space_index) {
        for found in &mut result.found {
            for d in (0..3).filter(|d| *d != axis) {
                // Not stored: the shift stays 0, and nothing is known about it.
                found.displacement[d] = geometry.nominal[d];
                for e in 0..3 {
                    found.covariance[d][e] = f64::NAN;
                    found.covariance[e][d] = f64::NAN;
                }
            }
        }
    }
    let best = result.found[0];
    let by_difference = params.measure == Measure::Msd;
    let score = |ncc: f64| (!by_difference).then_some(ncc);
    let pair = Pair {
        displacement_px: Vector3(best.displacement),
        shift_px: Vector3(std::array::from_fn(|d| best.displacement[d] - geometry.nominal[d])),
        quality: Some(result.quality),
        ncc: score(best.ncc),
        msd: result.msd,
        peak_ratio: result.peak_ratio,
        p_false: result.p_false,
        confidence: result.p_false.map(|p| 1.0 - p),
        sd_px: Some(Vector3(std::array::from_fn(|d| best.covariance[d][d].sqrt()))),
        covariance_px2: Some(Matrix3(best.covariance)),
        candidates: result
            .found
            .iter()
            .map(|f| Candidate { displacement_px: Vector3(f.displacement), ncc: score(f.ncc) })
            .collect(),
        reason: None,
        ..empty_pair(task, geometry.overlap, PairStatus::Measured, "")
    };
    PairOutcome { pair, warnings }
}

fn warning(code: &str, task: &PairTask, message: String) -> LayoutWarning {
    LayoutWarning { code: code.to_string(), tile: None, pair: Some([task.pre, task.post]), message }
}

fn stop_warnings(task: &PairTask, geometry: &PairGeometry, stop: &Stop) -> Vec<LayoutWarning> {
    let PairTask { pre, post, .. } = task;
    match stop {
        Stop::Unread(error) => {
            let message = format!("pair {pre}, {post} is not measured: {error}");
            vec![LayoutWarning { tile: Some(error.tile), ..warning("unread", task, message) }]
        }
        Stop::NoSignal { why, outside } => {
            let message = format!("pair {pre}, {post} is not measured: no signal ({why})");
            let mut warnings = vec![warning("no_signal", task, message)];
            warnings.extend(outside.map(|at| too_small(task, geometry, at)));
            warnings
        }
        Stop::NoOverlap => Vec::new(),
    }
}

fn window_warnings(
    task: &PairTask,
    geometry: &PairGeometry,
    result: &Findings,
) -> Vec<LayoutWarning> {
    let PairTask { pre, post, .. } = task;
    let best = result.found[0].displacement;
    let mut warnings = Vec::new();
    let edge = (0..3).find(|d| {
        let room = geometry.high[*d] - geometry.low[*d];
        let gap = (best[*d] - geometry.low[*d]).min(geometry.high[*d] - best[*d]);
        geometry.is_free(*d) && room > 0.0 && gap < 0.5
    });
    if let Some(d) = edge {
        let axis = Axis::SPACE[d].letter();
        let shift = best[d] - geometry.nominal[d];
        let message = format!(
            "the shift of pair {pre}, {post} along {axis} ({shift:.1}) is the window's end"
        );
        warnings.push(warning("window_edge", task, message));
    }
    warnings.extend(result.outside.map(|at| too_small(task, geometry, at)));
    warnings
}

fn too_small(task: &PairTask, geometry: &PairGeometry, at: [f64; 3]) -> LayoutWarning {
    let PairTask { pre, post, .. } = task;
    let shift: [f64; 3] = std::array::from_fn(|d| at[d] - geometry.nominal[d]);
    let largest = shift.iter().map(|s| s.abs()).fold(0.0, f64::max);
    let message = format!(
        "pair {pre}, {post} fits better beyond the window, at the shift ({:.0}, {:.0}, {:.0}); \
         try --max-shift {:.0}",
        shift[0],
        shift[1],
        shift[2],
        (1.25 * largest).ceil()
    );
    warning("window_too_small", task, message)
}
