//! Everything that is measured on events: a row per label of an event map.
//!
//! Two passes over the map, since what lies around an event is only known once its box is:
//! [`BoxFinder`] finds the boxes, [`Characterizer`] takes the movie with the map. Both take slabs of
//! frames in order, of any length: results are the same to the bit. What is held is the masks of the
//! events that are alive, a few values per pixel of their boxes, and nothing of the movie.
//! [`characterize`] does both for arrays in memory.
//!
//! An event's own mask is always used: where boxes overlap, voxels of another event count as outside.
//!
//! Values are those of scikit-image 0.21 (`regionprops`), with two exceptions: hulls are exact integers
//! (`hull2`, `hull3`), and flat events have a solidity. NaN in the movie is a missing value and left
//! out of means.

mod alive;
mod boxes;
mod columns;
mod contour;
mod footprint;
mod hull2;
mod hull3;
mod kinetics;
mod moments;
mod row;
mod runs;
mod spread;

use std::collections::HashSet;
use std::ops::Range;

use ndarray::{Array2, ArrayView3, CowArray, Ix3};
use rayon::prelude::*;

use crate::EventsError;
use alive::Alive;

pub use boxes::{BoxFinder, EventBox};
pub use columns::{COLUMNS, Cell, Column};
pub use row::EventRow;
pub use runs::{encode_runs, runs_of_ones};

/// The largest movie whose hulls fit 64-bit integers, in voxels.
const MAX_VOXELS: u128 = 1 << 52;

/// What is known of the movie besides its pixels.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Frames, rows, columns.
    pub shape: [usize; 3],
    /// Seconds from frame to frame.
    pub frame_interval_s: Option<f64>,
    /// Height and width of a pixel in µm.
    pub pixel_um: Option<[f64; 2]>,
    /// Standard deviation of the noise of each pixel `(y, x)` of the movie, for `snr`.
    pub noise_sd: Option<Array2<f32>>,
}

impl Recording {
    /// A movie of which only the shape is known.
    pub fn of_shape(shape: [usize; 3]) -> Self {
        Self { shape, ..Self::default() }
    }
}

/// Frames of map and movie, contiguous.
struct Slab<'a> {
    first: usize,
    labels: CowArray<'a, u32, Ix3>,
    movie: CowArray<'a, f32, Ix3>,
    scores: Option<CowArray<'a, f32, Ix3>>,
}

struct Row<'a> {
    labels: &'a [u32],
    movie: &'a [f32],
    scores: Option<&'a [f32]>,
}

impl Slab<'_> {
    fn frames(&self) -> usize {
        self.labels.dim().0
    }

    /// A part of a row of frame `t`, counted from the start of the movie.
    fn row(&self, t: usize, x: usize, columns: Range<usize>) -> Row<'_> {
        fn part<'b, T>(array: &'b CowArray<'_, T, Ix3>, start: usize, length: usize) -> &'b [T] {
            // `Characterizer::push` put it into standard layout.
            &array.as_slice().unwrap_or_default()[start..start + length]
        }
        let (_, height, width) = self.labels.dim();
        let start = ((t - self.first) * height + x) * width + columns.start;
        let length = columns.len();
        Row {
            labels: part(&self.labels, start, length),
            movie: part(&self.movie, start, length),
            scores: self.scores.as_ref().map(|s| part(s, start, length)),
        }
    }
}

/// Measures events while map and movie come in, in slabs of frames.
pub struct Characterizer {
    recording: Recording,
    /// Events to come, the next one last.
    waiting: Vec<EventBox>,
    alive: Vec<Alive>,
    frames: usize,
}

impl Characterizer {
    /// Makes ready for a movie and the events of its map.
    ///
    /// # Errors
    /// When a box leaves the movie, two have one id, the noise is of another shape, or the movie has
    /// more than 2^52 voxels.
    pub fn new(recording: Recording, boxes: &[EventBox]) -> Result<Self, EventsError> {
        let shape = recording.shape;
        let voxels: u128 = shape.iter().map(|v| *v as u128).product();
        if voxels > MAX_VOXELS || shape.iter().any(|v| u32::try_from(*v).is_err()) {
            let reason = format!("{shape:?} is more than this can measure (2^52 voxels)");
            return Err(EventsError::Parameter { name: "shape", reason });
        }
        if let Some(noise) = recording.noise_sd.as_ref().filter(|n| n.shape() != &shape[1..]) {
            let (expected, found) = (shape[1..].to_vec(), noise.shape().to_vec());
            return Err(EventsError::Shape { what: "noise", expected, found });
        }
        let mut waiting = boxes.to_vec();
        waiting.sort_unstable_by_key(|b| std::cmp::Reverse((b.start[0], b.id)));
        for b in &waiting {
            if (0..3).any(|a| b.start[a] >= b.end[a] || b.end[a] > shape[a]) {
                let reason = format!("event {} has the box {:?} to {:?}", b.id, b.start, b.end);
                return Err(EventsError::Parameter { name: "boxes", reason });
            }
        }
        let mut ids: Vec<u32> = waiting.iter().map(|b| b.id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|w| w[0] == w[1]) {
            let reason = format!("event {} is there twice", twice[0]);
            return Err(EventsError::Parameter { name: "boxes", reason });
        }
        Ok(Self { recording, waiting, alive: Vec::new(), frames: 0 })
    }

    /// Takes the next frames `(t, y, x)` of the map, of the movie, and of its smoothed z-score where
    /// there is one.
    ///
    /// `peak_z` and `onset` come from the z-score; without it `onset` is that of the movie. Returns
    /// the rows of the events that ended, by id. Events are measured in parallel.
    ///
    /// # Errors
    /// When the arrays differ in shape from each other or from the recording, or an event has other
    /// voxels than its box said.
    pub fn push(
        &mut self,
        labels: ArrayView3<'_, u32>,
        movie: ArrayView3<'_, f32>,
        scores: Option<ArrayView3<'_, f32>>,
    ) -> Result<Vec<EventRow>, EventsError> {
        let [frames, height, width] = self.recording.shape;
        let slab_frames = labels.dim().0;
        let expected = vec![slab_frames.min(frames - self.frames), height, width];
        let shapes = [
            ("event map", labels.shape()),
            ("movie", movie.shape()),
            ("z-score", scores.as_ref().map_or(labels.shape(), |s| s.shape())),
        ];
        if let Some((what, found)) = shapes.into_iter().find(|(_, found)| *found != expected) {
            let found = found.to_vec();
            return Err(EventsError::Shape { what, expected, found });
        }
        let slab = Slab {
            first: self.frames,
            labels: labels.as_standard_layout(),
            movie: movie.as_standard_layout(),
            scores: scores.as_ref().map(|s| s.as_standard_layout()),
        };
        self.frames += slab_frames;
        while let Some(next) = self.waiting.pop_if(|b| b.start[0] < self.frames) {
            self.alive.push(Alive::new(next));
        }
        self.alive.par_iter_mut().for_each(|event| event.take(&slab));
        let (mut ended, alive): (Vec<Alive>, Vec<Alive>) =
            self.alive.drain(..).partition(|event| event.place.end[0] <= self.frames);
        self.alive = alive;
        ended.sort_unstable_by_key(|event| event.place.id);
        for event in &ended {
            let (found, expected) = (event.voxels(), event.place.voxels);
            if found != expected {
                let id = event.place.id;
                let reason = format!("event {id} should have {expected} voxels, has {found}");
                return Err(EventsError::Parameter { name: "boxes", reason });
            }
        }
        Ok(ended.into_par_iter().map(|event| event.into_row(&self.recording)).collect())
    }

    /// Makes sure that the whole movie was pushed.
    ///
    /// # Errors
    /// When frames are missing.
    pub fn finish(self) -> Result<(), EventsError> {
        let (expected, found) = (vec![self.recording.shape[0]], vec![self.frames]);
        if expected != found {
            return Err(EventsError::Shape { what: "movie", expected, found });
        }
        Ok(())
    }
}

/// Measures every event of a label map `(t, y, x)` on its movie: rows by id.
///
/// # Arguments
/// * `labels`: 0 is background; ids may have gaps, a label may be in several pieces.
/// * `movie`: dF or the like, of the map's shape.
/// * `scores`: the smoothed z-score of the movie, where there is one.
/// * `recording`: its shape must be the map's.
/// * `ids`: only these; all for `None`. Ids that are not in the map have no row.
///
/// # Errors
/// When shapes differ.
pub fn characterize(
    labels: ArrayView3<'_, u32>,
    movie: ArrayView3<'_, f32>,
    scores: Option<ArrayView3<'_, f32>>,
    recording: Recording,
    ids: Option<&[u32]>,
) -> Result<Vec<EventRow>, EventsError> {
    let mut finder = BoxFinder::new();
    finder.push(labels)?;
    let mut boxes = finder.finish();
    let wanted: Option<HashSet<u32>> = ids.map(|ids| ids.iter().copied().collect());
    boxes.retain(|b| wanted.as_ref().is_none_or(|ids| ids.contains(&b.id)));
    let mut characterizer = Characterizer::new(recording, &boxes)?;
    let rows = characterizer.push(labels, movie, scores)?;
    characterizer.finish()?;
    Ok(rows)
}
