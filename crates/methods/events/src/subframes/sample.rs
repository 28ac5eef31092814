//! One sample from pixels.

use std::ops::Range;

use hooke_core::seed::rng_at;
use ndarray::{Array2, Array3, ArrayView3, Axis, s};
use rand::RngExt;

use super::{FileScale, Item, Padding, Scaling, SubFrames};
use crate::EventsError;

/// Pixels of a movie: a box of it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The pixels `(t, y, x)`.
    pub pixels: ArrayView3<'a, f32>,
    /// Where they lie in the movie.
    pub origin: [usize; 3],
    /// Shape of the movie.
    pub shape: [usize; 3],
    /// Scale of its file, needed for [`Scaling::Global`].
    pub scale: Option<FileScale>,
}

/// What a network learns from, or predicts.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Frames around the target `(frame, y, x)`: those before, then those behind.
    pub input: Array3<f32>,
    /// The frame in the middle `(y, x)`.
    pub target: Array2<f32>,
    /// What was subtracted, and what then divided by: a prediction goes back by `value * std + mean`.
    pub scale: FileScale,
}

impl SubFrames {
    /// The box of a movie that a sample needs: frames, rows, columns.
    pub fn region(&self, item: &Item, shape: [usize; 3]) -> [Range<usize>; 3] {
        self.places(item, shape).map(|places| {
            let ends = places.iter().min().zip(places.iter().max());
            ends.map_or(0..0, |(first, last)| *first..last + 1)
        })
    }

    /// Which frames, rows and columns of the movie make up a sample.
    fn places(&self, item: &Item, shape: [usize; 3]) -> [Vec<usize>; 3] {
        let size = self.stack_shape();
        std::array::from_fn(|a| {
            let place = |k: usize| inside(item.start[a] + k as i64, shape[a], self.params.padding);
            (0..size[a]).filter_map(place).collect()
        })
    }

    /// Makes a sample.
    ///
    /// # Arguments
    /// * `source`: at least the pixels of [`SubFrames::region`].
    /// * `epoch`, `index`: what the random numbers hang on; `index` is the item's place in the epoch's
    ///   list.
    ///
    /// # Errors
    /// When the item leaves the movie without padding, the pixels do not hold it, or a global scale is
    /// missing.
    pub fn sample(
        &self,
        source: &Source<'_>,
        item: &Item,
        epoch: u64,
        index: u64,
    ) -> Result<Sample, EventsError> {
        let mut stack = self.stack(source, item)?;
        let mut rng = rng_at(self.params.seed, "subframes/sample", &[epoch as i64, index as i64]);
        let turns = self.params.rotations[rng.random_range(0..self.params.rotations.len())];
        let flip = self.params.flips[rng.random_range(0..self.params.flips.len())];
        for _ in 0..turns % 4 {
            stack.invert_axis(Axis(2));
            stack.swap_axes(1, 2);
        }
        if flip >= 0 {
            stack.invert_axis(Axis(flip as usize + 1));
        }
        let amount = self.params.add_noise;
        if amount > 0.0 {
            stack.iter_mut().for_each(|v| *v += amount * rng.random::<f32>());
        }
        let scale = match self.params.scaling {
            Scaling::None => FileScale { mean: 0.0, std: 1.0 },
            Scaling::Local => FileScale::of_values(stack.iter().copied()),
            Scaling::Global => source.scale.ok_or_else(|| EventsError::Parameter {
                name: "scaling",
                reason: "the global scale of the file was not given".to_owned(),
            })?,
        };
        if self.params.scaling != Scaling::None {
            stack.mapv_inplace(|v| scale.apply(v));
        }
        let mut input = self.input_frames(&stack);
        if rng.random::<f64>() < self.params.drop_frame_probability {
            let dropped = rng.random_range(0..input.dim().0);
            input.index_axis_mut(Axis(0), dropped).fill(0.0);
        }
        Ok(Sample { input, target: self.target(&stack), scale })
    }

    fn stack(&self, source: &Source<'_>, item: &Item) -> Result<Array3<f32>, EventsError> {
        let places = self.places(item, source.shape);
        let expected = self.stack_shape();
        let found: [usize; 3] = std::array::from_fn(|a| places[a].len());
        if found != expected {
            let (expected, found) = (expected.to_vec(), found.to_vec());
            return Err(EventsError::Shape { what: "sample within the movie", expected, found });
        }
        let mut is_held = true;
        let stack = Array3::from_shape_fn(expected, |(z, x, y)| {
            let place = [places[0][z], places[1][x], places[2][y]];
            let local: [usize; 3] =
                std::array::from_fn(|a| place[a].wrapping_sub(source.origin[a]));
            source.pixels.get(local).copied().unwrap_or_else(|| {
                is_held = false;
                0.0
            })
        });
        if !is_held {
            let found = source.pixels.shape().to_vec();
            let expected = self.region(item, source.shape).map(|r| r.len()).to_vec();
            return Err(EventsError::Shape { what: "pixels of a sample", expected, found });
        }
        Ok(stack)
    }

    fn input_frames(&self, stack: &Array3<f32>) -> Array3<f32> {
        let [pre, post] = self.params.pre_post_frames;
        let frames: Vec<usize> = (0..pre).chain(stack.dim().0 - post..stack.dim().0).collect();
        stack.select(Axis(0), &frames)
    }

    fn target(&self, stack: &Array3<f32>) -> Array2<f32> {
        let frame = stack.index_axis(Axis(0), self.target_frame());
        let (height, width) = frame.dim();
        let [rows, columns] = self.params.output_size.unwrap_or([height, width]);
        let (top, left) = ((height - rows) / 2, (width - columns) / 2);
        frame.slice(s![top..top + rows, left..left + columns]).to_owned()
    }
}

/// Where a place beyond the border is read; `None` without padding, or of nothing.
fn inside(place: i64, length: usize, padding: Option<Padding>) -> Option<usize> {
    let n = i64::try_from(length).ok().filter(|n| *n > 0)?;
    let place = match padding {
        _ if (0..n).contains(&place) => place,
        None => return None,
        Some(Padding::Edge) => place.clamp(0, n - 1),
        Some(Padding::Symmetric) => {
            let k = place.rem_euclid(2 * n);
            k.min(2 * n - 1 - k)
        }
    };
    usize::try_from(place).ok()
}
