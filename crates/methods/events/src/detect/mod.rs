//! Events: connected regions of space-time that stand out from the noise.
//!
//! The movie (dF or dF/F) is smoothed and divided by each pixel's own noise, so that thresholds mean the
//! same in every recording. A voxel is marked where its trace has a peak of enough prominence and where it
//! stands out from its frame; small holes and objects go, and what hangs together is an event.
//!
//! [`detect`](fn@detect) does this for a movie in memory. Every step is also there on its own for movies that
//! are not; results do not depend on how a movie is cut:
//!
//! 1. blocks of rows with all frames: [`smooth`](fn@smooth), [`row_noise`]; then [`Noise::new`] of all;
//! 2. blocks of rows with all frames: [`smooth`](fn@smooth), [`temporal_marks`];
//! 3. slabs of frames, [`spatial_halo`] frames wider: [`smooth`](fn@smooth), [`slab_marks`];
//! 4. for each of [`DetectParams::cleanings`] slabs of frames: [`clean_in_windows`], or [`label_slab`],
//!    [`Merge`] and [`apply_cleaning`];
//! 5. slabs of frames: [`label_slab`], [`Merge`] with [`DetectParams::is_event`], [`Merged::relabel`];
//! 6. [`split_event`](crate::split::split_event), if events are to be taken apart;
//! 7. steps 2 to 5 again with [`Sign::Negative`], and [`p_values`].
//!
//! | module | holds |
//! |---|---|
//! | `params` | what detection is told |
//! | `smooth` | smoothing, noise of each pixel |
//! | `temporal` | frames of a pixel that are part of a peak |
//! | `spatial` | pixels of a frame that stand out |
//! | `clean` | small holes and objects |
//! | `stream` | components over slabs of time |
//! | `chance` | how often noise makes an event as strong |
//!
//! Differences from astroCAST 0.4.2, whose criteria these are: units of noise, sizes of whole events and
//! not of windows, frames between the crossings and not from and to their whole parts;
//! [`DetectParams::astrocast`] is the old way.

mod chance;
mod clean;
mod params;
mod smooth;
mod spatial;
mod stream;
mod temporal;

use std::ops::Range;

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, s};
use rayon::prelude::*;

use crate::EventsError;
use crate::delta::{frame_level, not_finite};
use crate::split::{Split, split_events};
pub use chance::p_values;
pub use clean::{Cleaning, apply_cleaning, clean_in_windows};
pub use params::{Combine, DetectParams, Extent, Smooth, Spatial, Temporal, Units};
pub use smooth::{Noise, RowNoise, noise_gain, row_noise, smooth};
pub use stream::{Merge, Merged, Part, SlabParts, Voxels, label_slab};
pub use temporal::temporal_marks;

/// A median level above so many standard deviations of noise means that no baseline was taken out.
const RAW_LEVEL: f32 = 20.0;

/// Whether what rises is looked for, or what falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Events.
    Positive,
    /// The movie upside down: events of noise only.
    Negative,
}

impl Sign {
    fn factor(self) -> f32 {
        match self {
            Self::Positive => 1.0,
            Self::Negative => -1.0,
        }
    }
}

/// An event that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Voxels.
    pub size: u64,
    /// Greatest smoothed value, in [`Units`].
    pub peak_z: f64,
    /// How often noise makes an event as strong, see [`p_values`].
    pub p_value: f64,
    /// Id of the event it was a part of before events were taken apart, else its own.
    pub parent: u32,
}

/// What is found in a movie.
#[derive(Debug, Clone)]
pub struct Detection {
    /// `(t, y, x)`: 0, or the id of an event; ids are `1..=n` in raster order of first voxels.
    pub event_map: Array3<u32>,
    /// Entry `i` is of id `i + 1`.
    pub events: Vec<Found>,
    /// Noise of the pixels.
    pub noise: Noise,
}

impl Detection {
    /// Part of all voxels that belong to events.
    pub fn active_fraction(&self) -> f64 {
        let active: u64 = self.events.iter().map(|e| e.size).sum();
        active as f64 / self.event_map.len().max(1) as f64
    }

    /// Part of all voxels that the largest event has. Above 0.2 events have most likely run together.
    pub fn largest_fraction(&self) -> f64 {
        let largest = self.events.iter().map(|e| e.size).max().unwrap_or(0);
        largest as f64 / self.event_map.len().max(1) as f64
    }
}

/// Finds the events of a movie in memory. Parallel; the same for any number of threads.
///
/// * `movie`: `(t, y, x)`, dF or dF/F. A movie of fewer than 3 frames has no events.
///
/// Beside the movie its smoothed copy and the map are in memory, a byte per voxel for each of two masks.
///
/// # Errors
/// [`EventsError::Parameter`], [`EventsError::NotFinite`], [`EventsError::TooManyLabels`].
pub fn detect(movie: ArrayView3<'_, f32>, params: &DetectParams) -> Result<Detection, EventsError> {
    params.validate()?;
    not_finite(movie).into_result()?;
    let (frames, height, width) = movie.dim();
    if frames < 3 || movie.is_empty() {
        let noise = Noise { sd: Array2::zeros((height, width)), median: 0.0 };
        let event_map = Array3::zeros((frames, height, width));
        return Ok(Detection { event_map, events: Vec::new(), noise });
    }
    let smoothed = smooth(movie, [0..frames, 0..height, 0..width], params);
    let noise = Noise::new(&[row_noise(smoothed.view(), params)]);
    let scale = noise.scale(params);
    let (mut event_map, mut parts) = events(&smoothed, &scale, params, Sign::Positive)?;
    let (_, upside_down) = events(&smoothed, &scale, params, Sign::Negative)?;
    let mut parents: Vec<u32> = (1..).take(parts.len()).collect();
    if params.split.method != Split::None {
        let values = &smoothed * &scale;
        parents = split_events(&mut event_map, values.view(), &params.split)?;
        parts = stream::parts_of(event_map.view(), values.view(), parents.len());
    }
    let chances = p_values(&parts, &upside_down);
    let events = parts.iter().zip(chances).zip(parents).map(|((part, p_value), parent)| Found {
        size: part.size,
        peak_z: f64::from(part.peak),
        p_value,
        parent,
    });
    Ok(Detection { events: events.collect(), event_map, noise })
}

fn events(
    smoothed: &Array3<f32>,
    scale: &Array2<f32>,
    params: &DetectParams,
    sign: Sign,
) -> Result<(Array3<u32>, Vec<Part>), EventsError> {
    let frames = smoothed.dim().0;
    let temporal = params
        .temporal
        .filter(|_| params.threshold.is_none())
        .map(|temporal| temporal_marks(smoothed.view(), scale.view(), &temporal, sign));
    let temporal = temporal.as_ref().map(|marks| marks.view());
    let mask = slab_marks(smoothed.view(), 0..frames, scale.view(), temporal, params, sign);
    if mask.iter().all(|m| !m) && params.threshold.is_none() {
        return Ok((Array3::zeros(mask.raw_dim()), Vec::new()));
    }
    let values = |first: usize, end: usize| {
        let part = smoothed.slice(s![first..end, .., ..]);
        let scale = scale.mapv(|s| s * sign.factor());
        &part * &scale
    };
    clean::clean_and_label(mask, &values, params)
}

/// Frames that a slab must be wider on each side for [`slab_marks`].
pub fn spatial_halo(params: &DetectParams) -> usize {
    let spatial = params.spatial.filter(|_| params.threshold.is_none());
    spatial.map_or(0, |s| s.depth)
}

/// Marks the voxels of a slab by all criteria together. Parallel.
///
/// * `smoothed`: `(t, y, x)`, whole frames, [`spatial_halo`] wider than `core` where the movie goes on.
/// * `core`: the frames of the slab that are wanted. `scale`: from [`Noise::scale`].
/// * `temporal`: from [`temporal_marks`], of the frames of `core`; not needed with a plain threshold, nor
///   without the criterion.
pub fn slab_marks(
    smoothed: ArrayView3<'_, f32>,
    core: Range<usize>,
    scale: ArrayView2<'_, f32>,
    temporal: Option<ArrayView3<'_, bool>>,
    params: &DetectParams,
    sign: Sign,
) -> Array3<bool> {
    let (frames, height, width) = smoothed.dim();
    let scale = scale.mapv(|s| s * sign.factor());
    let mut mask = Array3::from_elem((core.len(), height, width), false);
    let pixels = height * width;
    if pixels > 0 {
        let marker =
            Marker { smoothed, scale: &scale, temporal, params, first: core.start, frames };
        let out = mask.as_slice_mut().unwrap_or_default();
        out.par_chunks_mut(CHUNK * pixels)
            .enumerate()
            .for_each_init(Vec::new, |memory, (chunk, out)| {
                marker.mark(core.start + chunk * CHUNK, out, memory)
            });
    }
    clean::exclude(mask.view_mut(), params);
    mask
}

/// Frames that are marked in one go.
const CHUNK: usize = 8;

/// All that [`slab_marks`] knows.
struct Marker<'a> {
    smoothed: ArrayView3<'a, f32>,
    scale: &'a Array2<f32>,
    temporal: Option<ArrayView3<'a, bool>>,
    params: &'a DetectParams,
    /// The frame that the temporal marks begin at.
    first: usize,
    frames: usize,
}

impl Marker<'_> {
    /// Marks the frames from `start` on; `memory` is used again and again.
    fn mark(&self, start: usize, out: &mut [bool], memory: &mut Vec<f32>) {
        let pixels = self.scale.len();
        let end = start + out.len() / pixels;
        let frames = out.chunks_exact_mut(pixels).zip(start..);
        if let Some(threshold) = self.params.threshold {
            for (out, t) in frames {
                self.scaled(t..t + 1, memory);
                out.iter_mut().zip(&*memory).for_each(|(out, z)| *out = f64::from(*z) > threshold);
            }
            return;
        }
        let marks =
            |t: usize| self.temporal.as_ref().map(|m| m.index_axis(Axis(0), t - self.first));
        let Some(spatial) = &self.params.spatial else {
            for (out, t) in frames {
                if let Some(marks) = marks(t) {
                    out.iter_mut().zip(marks).for_each(|(out, m)| *out = *m);
                }
            }
            return;
        };
        let low = start.saturating_sub(spatial.depth);
        let high = (end + spatial.depth).min(self.frames);
        let mut is_scaled = false;
        for (out, t) in frames {
            let marks = marks(t);
            // Where both must hold and one does not, the other need not be looked at.
            let is_quiet = marks.as_ref().is_some_and(|m| m.iter().all(|m| !m));
            if is_quiet && self.params.combine == Combine::And {
                continue;
            }
            if !is_scaled {
                self.scaled(low..high, memory);
                is_scaled = true;
            }
            let depth = spatial.depth as isize;
            let window: Vec<&[f32]> = (-depth..=depth)
                .map(|d| (t as isize + d).clamp(0, self.frames as isize - 1) as usize - low)
                .map(|i| &memory[i * pixels..][..pixels])
                .collect();
            spatial::mark_frame(&window, window[spatial.depth], spatial, out);
            if let Some(marks) = marks {
                let pixels = out.iter_mut().zip(marks);
                match self.params.combine {
                    Combine::And => pixels.for_each(|(out, m)| *out &= m),
                    Combine::Or => pixels.for_each(|(out, m)| *out |= m),
                }
            }
        }
    }

    /// Leaves frames in the units of the parameters in `memory`.
    fn scaled(&self, frames: Range<usize>, memory: &mut Vec<f32>) {
        memory.clear();
        for t in frames {
            let frame = self.smoothed.index_axis(Axis(0), t);
            memory.extend(frame.iter().zip(self.scale).map(|(g, scale)| g * scale));
        }
    }
}

/// Refuses a movie that looks as if its baseline was never taken out.
///
/// * `levels`: [`frame_level`] of every frame. `noise`: of the smoothed movie.
///
/// # Errors
/// [`EventsError::Raw`] if the median level is more than 20 standard deviations of noise above 0.
pub fn check_baseline(levels: &[f32], noise: &Noise) -> Result<(), EventsError> {
    let level = hooke_filters::order::median(&mut levels.to_vec()).unwrap_or(0.0);
    if noise.median > 0.0 && level > RAW_LEVEL * noise.median {
        return Err(EventsError::Raw { level, noise_sd: noise.median });
    }
    Ok(())
}

/// [`frame_level`] of every frame of a movie in memory.
pub fn frame_levels(movie: ArrayView3<'_, f32>) -> Vec<f32> {
    movie.outer_iter().map(frame_level).collect()
}
