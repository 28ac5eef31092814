//! Samples that are not finite: counted, or filled in.

use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use crate::EventsError;

/// How many samples of a movie, or of a part of it, are not finite, and where the first is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotFinite {
    /// Their number.
    pub count: u64,
    /// The first one, `(t, y, x)`.
    pub first: Option<[usize; 3]>,
}

impl NotFinite {
    /// Both parts together; places are taken as they are.
    pub fn and(self, other: Self) -> Self {
        let first = [self.first, other.first].into_iter().flatten().min();
        Self { count: self.count + other.count, first }
    }

    /// The same places seen from a whole whose part begins at `origin`.
    pub fn moved_by(self, origin: [usize; 3]) -> Self {
        let moved = |p: [usize; 3]| std::array::from_fn(|d| p[d] + origin[d]);
        Self { first: self.first.map(moved), ..self }
    }

    /// An error if there is any.
    ///
    /// # Errors
    /// [`EventsError::NotFinite`].
    pub fn into_result(self) -> Result<(), EventsError> {
        match self.first {
            Some([frame, row, column]) => {
                Err(EventsError::NotFinite { count: self.count, frame, row, column })
            }
            None => Ok(()),
        }
    }
}

/// Looks for samples that are NaN or infinite. Parallel.
pub fn not_finite(movie: ArrayView3<'_, f32>) -> NotFinite {
    let frames: Vec<_> = movie.outer_iter().enumerate().collect();
    let of_frame = |(t, frame): (usize, ndarray::ArrayView2<'_, f32>)| {
        // Without a way out of the middle of a row the loop runs on many samples at a time.
        let is_sound = |row: ndarray::ArrayView1<'_, f32>| match row.as_slice() {
            Some(row) => row.iter().fold(true, |all, v| all & v.is_finite()),
            None => row.iter().all(|v| v.is_finite()),
        };
        let mut found = NotFinite::default();
        for (y, row) in frame.outer_iter().enumerate().filter(|(_, row)| !is_sound(row.view())) {
            for x in (0..row.len()).filter(|x| !row[*x].is_finite()) {
                found = found.and(NotFinite { count: 1, first: Some([t, y, x]) });
            }
        }
        found
    };
    let found: Vec<NotFinite> = frames.into_par_iter().map(of_frame).collect();
    found.into_iter().fold(NotFinite::default(), NotFinite::and)
}

/// Fills samples that are not finite from the frames before and after, in a straight line; at the ends the
/// nearest goes on, and a pixel without any finite sample becomes 0. Returns how many were filled.
///
/// * `movie`: `(t, y, x)`, all frames of some pixels.
pub fn fill_missing(mut movie: ArrayViewMut3<'_, f32>) -> u64 {
    let mut filled = 0;
    for mut lane in movie.lanes_mut(Axis(0)) {
        if lane.iter().all(|v| v.is_finite()) {
            continue;
        }
        let sound: Vec<usize> = (0..lane.len()).filter(|t| lane[*t].is_finite()).collect();
        for t in 0..lane.len() {
            if lane[t].is_finite() {
                continue;
            }
            filled += 1;
            let after = sound.partition_point(|s| *s < t);
            let before = after.checked_sub(1).map(|i| sound[i]);
            lane[t] = match (before, sound.get(after)) {
                (Some(a), Some(b)) => {
                    let part = (t - a) as f64 / (b - a) as f64;
                    let (low, high) = (f64::from(lane[a]), f64::from(lane[*b]));
                    (low + part * (high - low)) as f32
                }
                (Some(a), None) => lane[a],
                (None, Some(b)) => lane[*b],
                (None, None) => 0.0,
            };
        }
    }
    filled
}
