//! Small holes filled, small objects dropped, events numbered.

use hooke_filters::Connectivity;
use hooke_filters::components::{remove_small_holes, remove_small_objects};
use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis, Slice, s};
use rayon::prelude::*;

use super::stream::{Merge, Voxels, label_slab};
use super::{DetectParams, Extent, Part, Units};
use crate::EventsError;

/// Frames of a slab of a movie in memory.
const SLAB: usize = 64;

/// Part of the prominence that an event's peak must reach.
const LEAST_PEAK: f64 = 0.75;

/// What is done to a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleaning {
    /// Small holes are filled.
    FillHoles,
    /// Small objects are dropped.
    DropObjects,
}

impl DetectParams {
    /// The steps of cleaning in their order: what, and what sizes are counted in.
    ///
    /// Steps that would do nothing are left out.
    pub fn cleanings(&self) -> Vec<(Cleaning, Extent)> {
        let mut steps = vec![
            (Cleaning::FillHoles, self.holes_depth),
            (Cleaning::DropObjects, self.objects_depth),
        ];
        if self.objects_first {
            steps.reverse();
        }
        steps.retain(|(what, _)| self.size_of(*what) > 0);
        steps
    }

    /// Voxels and connectivity of a step of cleaning.
    fn size_of(&self, what: Cleaning) -> usize {
        match what {
            Cleaning::FillHoles => self.fill_holes,
            Cleaning::DropObjects => self.min_size,
        }
    }

    fn connectivity_of(&self, what: Cleaning) -> Connectivity {
        connectivity(match what {
            Cleaning::FillHoles => self.holes_connectivity,
            Cleaning::DropObjects => self.object_connectivity,
        })
    }

    /// The connectivity of events.
    pub fn event_connectivity(&self) -> Connectivity {
        connectivity(self.connectivity)
    }

    /// The voxels whose components a step of cleaning over whole events looks at, and their connectivity.
    pub fn looks_at(&self, what: Cleaning) -> (Voxels, Connectivity) {
        let voxels = match what {
            Cleaning::FillHoles => Voxels::Unmarked,
            Cleaning::DropObjects => Voxels::Marked,
        };
        (voxels, self.connectivity_of(what))
    }

    /// Whether a component is an event: with the criterion in time and units of noise, only if it holds a peak
    /// of its own, of at least three quarters of the prominence (a base may lie that much below 0).
    ///
    /// Without this the tails of events, cut off by the criterion in space, pass for events.
    pub fn is_event(&self, component: &Part) -> bool {
        let temporal = self.temporal.filter(|_| self.threshold.is_none());
        match (self.units, temporal) {
            (Units::Sd, Some(t)) => f64::from(component.peak) >= LEAST_PEAK * t.prominence,
            _ => true,
        }
    }

    /// Whether a step of cleaning over whole events changes the voxels of a component.
    ///
    /// Background that reaches the border of the movie is no hole.
    pub fn changes(&self, what: Cleaning, component: &Part) -> bool {
        let is_small = component.size < self.size_of(what) as u64;
        is_small && (what == Cleaning::DropObjects || !component.touches_border)
    }
}

/// The connectivity of a number of axes that was checked before.
pub(super) fn connectivity(axes: usize) -> Connectivity {
    Connectivity::from_axes(axes).unwrap_or(Connectivity::Faces)
}

/// Cleans each frame of a slab in a window of `depth` frames to each side. Parallel.
///
/// * `mask`: `(t, y, x)`; `core`: the frames that are wanted. Around them there must be `depth` more where
///   the movie goes on; its first and last frame are repeated beyond its ends.
pub fn clean_in_windows(
    mask: ArrayView3<'_, bool>,
    core: std::ops::Range<usize>,
    depth: usize,
    what: Cleaning,
    params: &DetectParams,
) -> Array3<bool> {
    let (frames, height, width) = mask.dim();
    let clean = |t: usize| {
        let window: Vec<isize> = (-(depth as isize)..=depth as isize)
            .map(|d| (t as isize + d).clamp(0, frames as isize - 1))
            .collect();
        let mut voxels: Vec<bool> = Vec::with_capacity(window.len() * height * width);
        for i in &window {
            voxels.extend(mask.index_axis(Axis(0), *i as usize));
        }
        let shape = [window.len(), height, width];
        let (size, connectivity) = (params.size_of(what), params.connectivity_of(what));
        match what {
            Cleaning::FillHoles => remove_small_holes(&mut voxels, shape, connectivity, size),
            Cleaning::DropObjects => remove_small_objects(&mut voxels, shape, connectivity, size),
        }
        voxels.drain(..depth * height * width);
        voxels.truncate(height * width);
        voxels
    };
    let cleaned: Vec<Vec<bool>> = core.clone().into_par_iter().map(clean).collect();
    Array3::from_shape_vec((core.len(), height, width), cleaned.concat())
        .unwrap_or_else(|_| Array3::from_elem((core.len(), height, width), false))
}

/// Applies a step over whole events to a slab whose components were found and joined.
///
/// * `labels`: of the slab, as [`Merged::relabel`](super::Merged::relabel) leaves them, of a merge that kept what changes.
pub fn apply_cleaning(
    mut mask: ArrayViewMut3<'_, bool>,
    labels: ArrayView3<'_, u32>,
    what: Cleaning,
) {
    mask.zip_mut_with(&labels, |mask, label| {
        if *label > 0 {
            *mask = what == Cleaning::FillHoles;
        }
    });
}

/// The values of frames `a..b`, for the peaks of events.
type Values<'a> = &'a (dyn Fn(usize, usize) -> Array3<f32> + Sync);

/// Slabs of a movie in memory.
fn slabs(frames: usize) -> impl Iterator<Item = Slice> {
    (0..frames).step_by(SLAB).map(move |t| Slice::from(t..(t + SLAB).min(frames)))
}

/// Cleans a mask and numbers its events; `values` give their peaks.
pub(super) fn clean_and_label(
    mut mask: Array3<bool>,
    values: Values<'_>,
    params: &DetectParams,
) -> Result<(Array3<u32>, Vec<Part>), EventsError> {
    let mut steps = params.cleanings();
    // Objects that are counted as events are can be dropped while events are numbered.
    let last = (Cleaning::DropObjects, Extent::Event);
    let is_last = params.object_connectivity == params.connectivity && steps.last() == Some(&last);
    if is_last {
        steps.pop();
    }
    for (what, extent) in steps {
        match extent {
            Extent::Frames(depth) => {
                let frames = mask.dim().0;
                mask = clean_in_windows(mask.view(), 0..frames, depth, what, params);
            }
            Extent::Event => clean_whole(&mut mask, what, params)?,
        }
    }
    label(&mask, values, params, |c| {
        params.is_event(c) && !(is_last && params.changes(Cleaning::DropObjects, c))
    })
}

/// Cleans a mask by the sizes of whole components.
///
/// Slabs are labelled twice, the second time only those where something changes: labels of the background of
/// a whole movie are never in memory.
fn clean_whole(
    mask: &mut Array3<bool>,
    what: Cleaning,
    params: &DetectParams,
) -> Result<(), EventsError> {
    let frames = mask.dim().0;
    let (voxels, connectivity) = params.looks_at(what);
    let mut merge = Merge::new(connectivity);
    for slab in slabs(frames) {
        let place = (slab.start as usize, frames);
        let part = mask.slice_axis(Axis(0), slab);
        merge.push(&label_slab(part, voxels, connectivity, place, None)?.1);
    }
    let merged = merge.finish(|component| params.changes(what, component))?;
    for (i, slab) in slabs(frames).enumerate().filter(|(i, _)| merged.has_any(*i)) {
        let place = (slab.start as usize, frames);
        let mut part = mask.slice_axis_mut(Axis(0), slab);
        let (mut labels, _) = label_slab(part.view(), voxels, connectivity, place, None)?;
        merged.relabel(i, labels.view_mut());
        apply_cleaning(part.view_mut(), labels.view(), what);
    }
    Ok(())
}

fn label(
    mask: &Array3<bool>,
    values: Values<'_>,
    params: &DetectParams,
    keep: impl Fn(&Part) -> bool,
) -> Result<(Array3<u32>, Vec<Part>), EventsError> {
    let frames = mask.dim().0;
    let connectivity = connectivity(params.connectivity);
    let mut labels = Array3::zeros(mask.raw_dim());
    let mut merge = Merge::new(connectivity);
    for slab in slabs(frames) {
        let part = mask.slice_axis(Axis(0), slab);
        let first = slab.start as usize;
        let values = values(first, first + part.dim().0);
        let place = (first, frames);
        let (found, parts) =
            label_slab(part, Voxels::Marked, connectivity, place, Some(values.view()))?;
        labels.slice_axis_mut(Axis(0), slab).assign(&found);
        merge.push(&parts);
    }
    let merged = merge.finish(keep)?;
    for (i, slab) in slabs(frames).enumerate() {
        merged.relabel(i, labels.slice_axis_mut(Axis(0), slab));
    }
    Ok((labels, merged.components))
}

/// Takes marks out of the mask near the edges of frames and outside of the valid part.
pub(super) fn exclude(mut mask: ArrayViewMut3<'_, bool>, params: &DetectParams) {
    let (_, height, width) = mask.dim();
    let border = params.exclude_border;
    let [y0, y1, x0, x1] = params.valid.unwrap_or([0, height, 0, width]);
    let keep = |low: usize, high: usize, len: usize| {
        let first = low.max(border).min(len);
        first..high.min(len.saturating_sub(border)).max(first)
    };
    let (rows, columns) = (keep(y0, y1, height), keep(x0, x1, width));
    mask.slice_mut(s![.., ..rows.start, ..]).fill(false);
    mask.slice_mut(s![.., rows.end.., ..]).fill(false);
    mask.slice_mut(s![.., .., ..columns.start]).fill(false);
    mask.slice_mut(s![.., .., columns.end..]).fill(false);
}
