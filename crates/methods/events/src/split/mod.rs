//! Events that have run together, taken apart.
//!
//! [`split_event`] works on one event in its box; [`split_events`] on a map in memory.
//!
//! | module | holds |
//! |---|---|
//! | `onset` | by when each pixel rose |
//! | `crest` | by the peaks of brightness in space-time |
//! | `small` | parts too small to stand alone |

mod crest;
mod onset;
mod small;

use ndarray::{Array3, ArrayView3, Axis, Slice};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::EventsError;

/// How events are taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Not at all.
    None,
    /// Where pixels rose at different times, or rose again.
    Onset,
    /// By a watershed of the brightness in space-time.
    Watershed,
}

/// What counts as an event of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitParams {
    /// How.
    pub method: Split,
    /// Prominence at which a pixel has risen again, or dynamics of a peak of brightness, in the units of
    /// detection; `None` is 4 by onset and 8 by watershed.
    pub prominence: Option<f64>,
    /// Frames that an onset must be earlier than the ridge around it.
    pub min_delay: f64,
    /// Least distance of two places where events begin, pixels.
    pub min_distance: f64,
    /// Onsets of neighbours that differ by more than this are of two events, frames.
    pub max_step: f64,
    /// Least voxels of a part.
    pub min_size: usize,
    /// Least part of the voxels of an event.
    pub min_fraction: f64,
}

impl Default for SplitParams {
    fn default() -> Self {
        Self {
            method: Split::None,
            prominence: None,
            min_delay: 3.0,
            min_distance: 5.0,
            max_step: 5.0,
            min_size: 100,
            min_fraction: 0.05,
        }
    }
}

impl SplitParams {
    fn least_rise(&self) -> f64 {
        // One pixel's trace is a line through what the watershed sees all of, noise included.
        let default = if self.method == Split::Watershed { 8.0 } else { 4.0 };
        self.prominence.unwrap_or(default)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`EventsError::Parameter`].
    pub fn validate(&self) -> Result<(), EventsError> {
        let is_size = |v: f64| v >= 0.0 && v.is_finite();
        let checks = [
            ("split-prominence", self.least_rise() > 0.0 && self.least_rise().is_finite()),
            ("split-min-delay", is_size(self.min_delay)),
            ("split-min-distance", is_size(self.min_distance)),
            ("split-max-step", is_size(self.max_step)),
            ("split-min-fraction", (0.0..=1.0).contains(&self.min_fraction)),
        ];
        match checks.into_iter().find(|(_, is_sound)| !is_sound) {
            Some((name, _)) => {
                let reason = "a number that is not negative is wanted".to_owned();
                Err(EventsError::Parameter { name, reason })
            }
            None => Ok(()),
        }
    }
}

/// Takes one event apart. Not parallel.
///
/// * `mask`: `(t, y, x)`, the voxels of the event in its box. `values`: the smoothed movie there, in the
///   units of detection.
///
/// Returns the parts, `1..=n` in raster order of their first voxels, 0 outside of the mask.
///
/// # Errors
/// [`EventsError::Shape`] if the shapes differ; [`EventsError::Parameter`].
pub fn split_event(
    mask: ArrayView3<'_, bool>,
    values: ArrayView3<'_, f32>,
    params: &SplitParams,
) -> Result<Array3<u32>, EventsError> {
    params.validate()?;
    if mask.dim() != values.dim() {
        return Err(EventsError::Shape {
            what: "values of an event",
            expected: mask.shape().to_vec(),
            found: values.shape().to_vec(),
        });
    }
    let mut parts = match params.method {
        Split::None => mask.mapv(u32::from),
        Split::Onset => onset::parts(mask, values, params),
        Split::Watershed => crest::parts(mask, values, params),
    };
    let voxels = mask.iter().filter(|m| **m).count();
    let least = params.min_size.max((params.min_fraction * voxels as f64).ceil() as usize);
    small::join_small(&mut parts, least);
    number(&mut parts);
    Ok(parts)
}

/// Takes the events of a map in memory apart. Parallel over events.
///
/// * `map`: ids `1..=n`; becomes the map of the parts, `1..=m` in raster order of their first voxels.
/// * `values`: the smoothed movie in the units of detection.
///
/// Returns the old id of each new one: entry `i` is of id `i + 1`.
///
/// # Errors
/// As [`split_event`]; [`EventsError::TooManyLabels`].
pub fn split_events(
    map: &mut Array3<u32>,
    values: ArrayView3<'_, f32>,
    params: &SplitParams,
) -> Result<Vec<u32>, EventsError> {
    params.validate()?;
    if map.dim() != values.dim() {
        return Err(EventsError::Shape {
            what: "values of events",
            expected: map.shape().to_vec(),
            found: values.shape().to_vec(),
        });
    }
    let boxes = boxes(map.view());
    let split = |(i, ranges): (usize, &Option<[Slice; 3]>)| {
        let Some(ranges) = ranges else { return Ok(None) };
        let id = i as u32 + 1;
        let mask = crop(map.view(), ranges).mapv(|label| label == id);
        split_event(mask.view(), crop(values, ranges), params).map(Some)
    };
    let cut: Result<Vec<_>, EventsError> = boxes.par_iter().enumerate().map(split).collect();
    // Parts get numbers after those of all events before, and then new ones in raster order.
    let mut parents = Vec::new();
    for (i, (parts, ranges)) in cut?.into_iter().zip(&boxes).enumerate() {
        let (Some(parts), Some(ranges)) = (parts, ranges) else { continue };
        let before = u32::try_from(parents.len()).map_err(|_| EventsError::TooManyLabels)?;
        let count = parts.iter().copied().max().unwrap_or(0);
        before.checked_add(count).ok_or(EventsError::TooManyLabels)?;
        let mut place = map.view_mut();
        for (axis, range) in ranges.iter().enumerate() {
            place.slice_axis_inplace(Axis(axis), *range);
        }
        // Numbers given here are marked by their highest bit, so that they are no ids of events to come.
        place.zip_mut_with(&parts, |label, part| {
            if *part > 0 {
                *label = GIVEN | (before + part);
            }
        });
        parents.extend(std::iter::repeat_n(i as u32 + 1, count as usize));
    }
    if parents.len() as u64 >= u64::from(GIVEN) {
        return Err(EventsError::TooManyLabels);
    }
    let old = number(map);
    Ok(old.into_iter().filter_map(|o| parents.get((o & !GIVEN) as usize - 1).copied()).collect())
}

/// Marks the labels that [`split_events`] has written.
const GIVEN: u32 = 1 << 31;

/// The box of every label, half-open over `t, y, x`; `None` for labels that are not there.
fn boxes(map: ArrayView3<'_, u32>) -> Vec<Option<[Slice; 3]>> {
    let mut ends: Vec<Option<[[usize; 2]; 3]>> = Vec::new();
    for ((t, y, x), label) in map.indexed_iter().filter(|(_, label)| **label > 0) {
        let i = *label as usize - 1;
        if i >= ends.len() {
            ends.resize(i + 1, None);
        }
        let place = [t, y, x];
        let ends = ends[i].get_or_insert_with(|| place.map(|p| [p, p]));
        for (end, p) in ends.iter_mut().zip(place) {
            *end = [end[0].min(p), end[1].max(p)];
        }
    }
    let slices = |ends: [[usize; 2]; 3]| ends.map(|[a, b]| Slice::from(a..b + 1));
    ends.into_iter().map(|e| e.map(slices)).collect()
}

fn crop<'a, T>(whole: ArrayView3<'a, T>, ranges: &[Slice; 3]) -> ArrayView3<'a, T> {
    let mut part = whole;
    for (axis, range) in ranges.iter().enumerate() {
        part.slice_axis_inplace(Axis(axis), *range);
    }
    part
}

/// Numbers parts `1..=n` in raster order of their first voxels; returns which number each had.
fn number(parts: &mut Array3<u32>) -> Vec<u32> {
    let mut new = std::collections::HashMap::new();
    let mut old = Vec::new();
    for label in parts.iter_mut().filter(|l| **l > 0) {
        *label = *new.entry(*label).or_insert_with(|| {
            old.push(*label);
            old.len() as u32
        });
    }
    old
}
