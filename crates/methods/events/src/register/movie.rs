//! A whole movie registered in memory, and the order of the stages.

use hooke_core::Sample;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, s};
use rayon::prelude::*;

use super::blocks::{BlockEstimate, BlockEstimator, HALO};
use super::gate::Gate;
use super::params::{Mode, RegisterParams};
use super::quality::FrameQuality;
use super::rigid::RigidEstimator;
use super::settle::settle_rigid;
use super::settle_blocks::{Settled, settle_blocks};
use super::table::ShiftTable;
use super::template::{Template, TemplateStats};
use super::warp::warp;
use crate::EventsError;

/// A registered movie.
#[derive(Debug, Clone)]
pub struct Registered<T> {
    /// `(t, y, x)`, of the input's type.
    pub movie: Array3<T>,
    /// What was taken out.
    pub table: ShiftTable,
    /// The template, raw.
    pub template: Array2<f32>,
    /// How the template came about.
    pub stats: TemplateStats,
    /// What the gate saw.
    pub gate: Gate,
    /// The motion that was taken out.
    pub mode: Mode,
}

/// Registers a movie that lies in memory, `(t, y, x)`.
///
/// * `template`: to register on, such as that of another recording; made from the movie by default.
///
/// Parallel in the current rayon pool; the same bits for any number of threads.
///
/// # Errors
/// [`EventsError`] for an empty movie, frames below 16 pixels along an axis, parameters out of range, a
/// template of another shape and pixels that are no numbers.
pub fn register<T: Sample>(
    movie: ArrayView3<'_, T>,
    template: Option<Template>,
    params: &RegisterParams,
) -> Result<Registered<T>, EventsError> {
    let (frames, height, width) = movie.dim();
    let shape = [height, width];
    let read = |t: usize| -> Result<_, EventsError> { Ok(grey(movie.index_axis(Axis(0), t))) };
    let template = match template {
        Some(template) => template,
        None => Template::build([frames, height, width], read, params)?,
    };
    let mut settled = estimate(movie, &template, params, 64)?;
    let quality = FrameQuality::new(&template, settled.table.valid(), params);
    let registered: Vec<_> = (0..frames)
        .into_par_iter()
        .map(|t| {
            let frame = movie.index_axis(Axis(0), t);
            let moved = warp(frame, &settled.table.displacement(t), params)?;
            let r = [quality.r(grey(frame).view()), quality.r(grey(moved.view()).view())];
            Ok((moved, r))
        })
        .collect::<Result<_, EventsError>>()?;
    let mut out = Array3::from_elem((frames, height, width), T::default());
    for (t, (frame, r)) in registered.into_iter().enumerate() {
        out.index_axis_mut(Axis(0), t).assign(&frame);
        settled.table.set_r(t, r[0], r[1]);
    }
    debug_assert_eq!(settled.table.shape(), shape);
    Ok(Registered {
        movie: out,
        table: settled.table,
        template: template.image().to_owned(),
        stats: *template.stats(),
        gate: settled.gate,
        mode: settled.mode,
    })
}

/// Estimates the motion of a movie that lies in memory, `together` frames at a time.
///
/// # Errors
/// As [`register`].
pub fn estimate<T: Sample>(
    movie: ArrayView3<'_, T>,
    template: &Template,
    params: &RegisterParams,
    together: usize,
) -> Result<Settled, EventsError> {
    params.validate()?;
    let (frames, height, width) = movie.dim();
    let shape = [height, width];
    if params.mode == Mode::None || frames < 2 {
        let table = ShiftTable::still(shape, frames);
        return Ok(Settled { table, gate: Gate::default(), mode: Mode::None });
    }
    let together = together.max(1);
    let part = |range: std::ops::Range<usize>| movie.slice(s![range, .., ..]).map(|v| v.to_f32());
    let estimator = RigidEstimator::new(template, params)?;
    let mut estimates = Vec::with_capacity(frames);
    for first in (0..frames).step_by(together) {
        let end = frames.min(first + together);
        estimates.extend(estimator.estimate(part(first..end).view(), first)?);
    }
    let rigid = settle_rigid(&estimates, params);
    let Some(estimator) = BlockEstimator::new(template, params)?.filter(|_| rigid.moves) else {
        return Ok(rigid.without_blocks(shape));
    };
    let mut estimates: Vec<Vec<BlockEstimate>> = Vec::with_capacity(frames);
    for first in (0..frames).step_by(together) {
        let end = frames.min(first + together);
        let around = first.saturating_sub(HALO)..frames.min(end + HALO);
        let view = part(around.clone());
        estimates.extend(estimator.estimate(view.view(), around.start, first..end, &rigid)?);
    }
    Ok(settle_blocks(rigid, &estimator, &estimates, shape, params))
}

fn grey<T: Sample>(frame: ArrayView2<'_, T>) -> Array2<f32> {
    frame.map(|v| v.to_f32())
}
