//! The shift of each frame as a whole.

use ndarray::{ArrayView2, ArrayView3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::correlate::{Correlator, TemplateSpectrum, Work};
use super::params::{RegisterParams, SMALLEST_FRAME};
use super::peak::{Peak, Surface};
use super::prepare::{BandMemory, check_finite, filtered, is_flat};
use super::template::Template;
use crate::EventsError;

/// Side of the tiles of the two sets of pixels, pixels.
const TILE: f64 = 24.0;

/// What one frame alone says of its shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RigidEstimate {
    /// Peaks of the correlation, the highest first; none for a frame without structure.
    pub peaks: Vec<Peak>,
    /// Height of the first peak over that of the second.
    pub peak_ratio: f32,
    /// Shifts by each of two disjoint sets of pixels.
    pub sets: Option<[[f64; 2]; 2]>,
    /// Correlation with the template of the second set's pixels, where they are.
    pub r_none: f32,
    /// The same when moved by the first set's shift.
    pub r_moved: f32,
}

/// Finds shifts of whole frames against a template.
#[derive(Debug)]
pub struct RigidEstimator {
    band: Option<[f64; 2]>,
    correlator: Correlator,
    template: TemplateSpectrum,
}

/// Memory of one thread.
#[derive(Default)]
struct Memory {
    work: Work,
    filtered: Vec<f32>,
    scratch: BandMemory,
    surfaces: [Vec<f32>; 3],
}

/// Correlations of whole frames of a shape over the shifts that are searched.
pub(crate) fn whole_frames(shape: [usize; 2], params: &RegisterParams) -> Correlator {
    Correlator::new(shape, params.reach(shape), TILE)
}

/// Refuses frames in which no motion can be looked for.
pub(crate) fn check_frame(shape: [usize; 2]) -> Result<(), EventsError> {
    if shape.iter().all(|n| *n >= SMALLEST_FRAME) {
        return Ok(());
    }
    let reason = format!(
        "a frame of {} x {} pixels is too small to be registered; {SMALLEST_FRAME} x \
         {SMALLEST_FRAME} are wanted",
        shape[0], shape[1]
    );
    Err(EventsError::Parameter { name: "frame", reason })
}

impl RigidEstimator {
    /// Prepares the comparison with a template.
    ///
    /// # Errors
    /// [`EventsError::Parameter`] for parameters out of range, and a template of less than 16 pixels
    /// along an axis.
    pub fn new(template: &Template, params: &RegisterParams) -> Result<Self, EventsError> {
        params.validate()?;
        check_frame(template.shape())?;
        let correlator = whole_frames(template.shape(), params);
        let (mut image, mut scratch) = (Vec::new(), BandMemory::default());
        filtered(template.image(), params.band, &mut image, &mut scratch);
        Ok(Self { band: params.band, template: correlator.template(&image), correlator })
    }

    /// Estimates the shift of each of some frames, `(t, y, x)`, on its own.
    ///
    /// * `first`: number of the first of them, for messages.
    ///
    /// Parallel in the current rayon pool.
    ///
    /// # Errors
    /// [`EventsError::Shape`] for frames of another shape than the template's,
    /// [`EventsError::NotFinite`] for pixels that are no numbers.
    pub fn estimate(
        &self,
        frames: ArrayView3<'_, f32>,
        first: usize,
    ) -> Result<Vec<RigidEstimate>, EventsError> {
        check_shape(frames, self.correlator.shape())?;
        check_finite(frames.outer_iter(), first)?;
        let frames: Vec<_> = frames.outer_iter().collect();
        Ok(frames
            .into_par_iter()
            .map_init(Memory::default, |memory, frame| self.frame(frame, memory))
            .collect())
    }

    fn frame(&self, frame: ArrayView2<'_, f32>, memory: &mut Memory) -> RigidEstimate {
        let Memory { work, filtered: image, scratch, surfaces } = memory;
        filtered(frame, self.band, image, scratch);
        let len = self.correlator.surface_len();
        surfaces.iter_mut().for_each(|s| s.resize(len, 0.0));
        let [whole, first, second] = surfaces;
        let norm = self.correlator.correlate(
            image,
            &self.template,
            None,
            work,
            whole,
            Some((first, second)),
        );
        if is_flat(frame, norm) {
            return RigidEstimate {
                peaks: Vec::new(),
                peak_ratio: 1.0,
                sets: None,
                r_none: 0.0,
                r_moved: 0.0,
            };
        }
        let reach = self.correlator.reach();
        let surface = |values| Surface { values, reach };
        let (peaks, peak_ratio) = surface(whole).peaks(reach);
        let agreement = self.template.agreement([surface(first), surface(second)], reach);
        RigidEstimate {
            peaks,
            peak_ratio,
            sets: agreement.sets,
            r_none: agreement.r_still,
            r_moved: agreement.r_moved,
        }
    }
}

/// Refuses frames that differ in shape from the template.
pub(crate) fn check_shape(
    frames: ArrayView3<'_, f32>,
    shape: [usize; 2],
) -> Result<(), EventsError> {
    let (t, y, x) = frames.dim();
    if [y, x] == shape {
        return Ok(());
    }
    let expected = vec![t, shape[0], shape[1]];
    Err(EventsError::Shape { what: "frames to register", expected, found: vec![t, y, x] })
}
