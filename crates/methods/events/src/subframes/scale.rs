//! Mean and standard deviation of a sample or a file.

use ndarray::ArrayView3;

use crate::EventsError;

/// Number of voxels below which a movie is taken whole.
const SMALL: usize = 100_000;

/// One of so many voxels is taken of larger movies.
const STRIDE: usize = 100;

/// A level and a spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileScale {
    /// The level; of a file its median.
    pub mean: f32,
    /// The standard deviation, divided by n.
    pub std: f32,
}

impl FileScale {
    /// Mean and standard deviation of values.
    pub(super) fn of_values(values: impl Iterator<Item = f32> + Clone) -> Self {
        let (sum, count) = values.clone().fold((0.0, 0.0), |(s, n), v| (s + f64::from(v), n + 1.0));
        let mean = sum / f64::max(count, 1.0);
        let squares = values.map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>();
        Self { mean: mean as f32, std: (squares / f64::max(count, 1.0)).sqrt() as f32 }
    }

    /// Brings a value to scale; a spread of 0 divides nothing.
    pub fn apply(self, value: f32) -> f32 {
        let centred = value - self.mean;
        if self.std > 0.0 { centred / self.std } else { centred }
    }
}

/// Takes a fixed sample of a movie that comes in slabs of frames: about 1 % of its voxels.
///
/// One of a hundred voxels, or of a few more, so that the step is prime to the frame's size and no
/// row, column or frame is preferred. Movies below 100,000 voxels are taken whole. Median and standard
/// deviation of the sample are exact.
#[derive(Debug)]
pub struct ScaleSampler {
    image: [usize; 2],
    stride: usize,
    /// Voxels until the next one is taken.
    skip: usize,
    values: Vec<f32>,
}

impl ScaleSampler {
    /// A sampler of a movie `(t, y, x)`.
    pub fn new([frames, height, width]: [usize; 3]) -> Self {
        let area = height.saturating_mul(width);
        let is_small = area.saturating_mul(frames) < SMALL;
        let stride =
            if is_small { 1 } else { (STRIDE..).find(|s| gcd(*s, area) == 1).unwrap_or(STRIDE) };
        Self { image: [height, width], stride, skip: 0, values: Vec::new() }
    }

    /// Takes the next frames. NaN and infinities are left out.
    ///
    /// # Errors
    /// When their size is not that of the movie.
    pub fn push(&mut self, frames: ArrayView3<'_, f32>) -> Result<(), EventsError> {
        let found = [frames.dim().1, frames.dim().2];
        if found != self.image {
            let (expected, found) = (self.image.to_vec(), found.to_vec());
            return Err(EventsError::Shape { what: "movie", expected, found });
        }
        let total = frames.len();
        let taken = frames.iter().skip(self.skip).step_by(self.stride);
        self.values.extend(taken.filter(|v| v.is_finite()));
        let steps = total.saturating_sub(self.skip).div_ceil(self.stride);
        self.skip = self.skip + steps * self.stride - total;
        Ok(())
    }

    /// Median and standard deviation; 0 and 0 of nothing.
    pub fn finish(mut self) -> FileScale {
        let spread = FileScale::of_values(self.values.iter().copied());
        if self.values.is_empty() {
            return spread;
        }
        self.values.sort_by(f32::total_cmp);
        let middle = self.values.len() / 2;
        let median = match self.values.len() % 2 {
            1 => self.values[middle],
            _ => f32::midpoint(self.values[middle - 1], self.values[middle]),
        };
        FileScale { mean: median, std: spread.std }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
