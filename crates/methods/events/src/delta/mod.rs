//! The baseline of every pixel, and what rises above it: dF and dF/F.
//!
//! A baseline is made from the trace of its own pixel (and one number about the whole movie, how it
//! bleaches), so that any set of pixels can be handed over with all their frames: a block of a few
//! rows is worked on in about two and a half times its memory, and the result does not depend on the
//! blocks.
//!
//! | module | holds |
//! |---|---|
//! | `params` | how baselines are made |
//! | `quantile` | running quantile, corrected for noise: the default |
//! | `filters` | astroCAST's minimum filter, suite2p's maximin |
//! | `decay` | how fast the movie bleaches |
//! | `missing` | samples that are not finite |
//!
//! `dF = x - b`; `dFF = (x - b) / max(b - offset, floor)`.

mod decay;
mod filters;
mod missing;
mod params;
mod quantile;

use hooke_filters::order;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, CowArray, Ix3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::EventsError;
use decay::Decay;
pub use filters::min_filter;
pub use missing::{NotFinite, fill_missing, not_finite};
pub use params::{Baseline, DeltaParams, Quantity};

/// Pixels that are worked on side by side.
const LANES: usize = 64;

/// Frames are looked at on a grid of at most about this many pixels for the bleaching.
const MEDIAN_PIXELS: usize = 4096;

/// The level of a frame: the median of an even grid of its pixels, 0 for an empty frame.
///
/// What [`Delta::new`] wants of every frame. A frame of any size costs the same.
pub fn frame_level(frame: ArrayView2<'_, f32>) -> f32 {
    let step = (frame.len() as f64 / MEDIAN_PIXELS as f64).sqrt().floor().max(1.0) as usize;
    let grid = frame.slice(ndarray::s![..;step, ..;step]);
    let mut values: Vec<f32> = grid.iter().copied().collect();
    order::median(&mut values).unwrap_or(0.0)
}

/// What is known of a whole movie before its pixels are worked on.
#[derive(Debug, Clone)]
pub struct Delta {
    params: DeltaParams,
    frames: usize,
    decay: Decay,
    floor: f32,
}

/// Some pixels with all their frames.
#[derive(Debug, Clone)]
pub struct DeltaBlock {
    /// What was asked for, `(t, y, x)`.
    pub values: Array3<f32>,
    /// The baseline, if it was asked for beside.
    pub background: Option<Array3<f32>>,
    /// Standard deviation of each pixel's noise, in the units of the movie.
    pub noise_sd: Array2<f32>,
    /// What a user should know.
    pub report: Report,
}

/// The baselines of some pixels.
#[derive(Debug, Clone)]
pub struct Baselines {
    /// Values that lines go through, `(knot, y, x)`.
    pub knots: Array3<f32>,
    /// Standard deviation of each pixel's noise, in the units of the movie.
    pub noise_sd: Array2<f32>,
    /// What a user should know.
    pub report: Report,
}

/// What a user should know of some baselines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Least baseline; infinite without pixels.
    pub baseline_min: f32,
    /// Pixels whose baseline falls below the floor of dF/F.
    pub pixels_floored: usize,
    /// Pixels that are active in more than half of some window, so that their baseline is too high.
    pub pixels_busy: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self { baseline_min: f32::INFINITY, pixels_floored: 0, pixels_busy: 0 }
    }
}

impl Report {
    /// Of the pixels of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            baseline_min: self.baseline_min.min(other.baseline_min),
            pixels_floored: self.pixels_floored + other.pixels_floored,
            pixels_busy: self.pixels_busy + other.pixels_busy,
        }
    }
}

/// Baselines of some neighbouring pixels.
struct Lanes {
    /// `knots x width`.
    baseline: Vec<f32>,
    width: usize,
    noise_sd: Vec<f32>,
    is_busy: Vec<bool>,
}

/// Where in time knots of a baseline lie.
enum Knots {
    /// One per frame.
    Frames,
    /// One in the middle of each bin of so many frames; what is left at the end is of the last bin.
    Bins(quantile::Bins),
}

impl Knots {
    /// Knot and part of the way to the next; outside of 0..1 beyond the ends.
    fn at(&self, t: usize) -> (usize, f32) {
        match self {
            Self::Frames => (t, 0.0),
            Self::Bins(bins) => bins.place(t),
        }
    }
}

impl Delta {
    /// Prepares for a movie.
    ///
    /// * `levels`: [`frame_level`] of every frame.
    ///
    /// # Errors
    /// As [`DeltaParams::validate`].
    pub fn new(params: DeltaParams, levels: &[f32]) -> Result<Self, EventsError> {
        params.validate()?;
        let frames = levels.len();
        let level = f64::from(order::median(&mut levels.to_vec()).unwrap_or(0.0));
        let floor = params.floor.unwrap_or((0.01 * (level - params.offset)).max(1e-6)) as f32;
        let decay = Decay::fit(levels, params.bin);
        Ok(Self { params, frames, decay, floor })
    }

    /// Works on a block of pixels. Parallel; equal for any blocks.
    ///
    /// * `movie`: `(t, y, x)`, all frames of some pixels.
    /// * `with_background`: whether the baseline is wanted beside.
    ///
    /// # Errors
    /// [`EventsError::Shape`] if the number of frames is not that of [`Delta::new`];
    /// [`EventsError::NotFinite`].
    pub fn apply(
        &self,
        movie: ArrayView3<'_, f32>,
        with_background: bool,
    ) -> Result<DeltaBlock, EventsError> {
        let found = self.baselines(movie)?;
        let values = |method| self.frames(0, movie, found.knots.view(), method);
        let mut main = values(self.params.method);
        if self.repeats_second_frame() && !main.is_empty() {
            let second = main.index_axis(Axis(0), 1).to_owned();
            main.index_axis_mut(Axis(0), 0).assign(&second);
        }
        let background = with_background.then(|| values(Quantity::Background));
        Ok(DeltaBlock { values: main, background, report: found.report, noise_sd: found.noise_sd })
    }

    /// Baselines of a block of pixels. Parallel; equal for any blocks.
    ///
    /// * `movie`: `(t, y, x)`, all frames of some pixels.
    ///
    /// # Errors
    /// As [`Delta::apply`].
    pub fn baselines(&self, movie: ArrayView3<'_, f32>) -> Result<Baselines, EventsError> {
        let (frames, height, width) = movie.dim();
        if frames != self.frames {
            return Err(EventsError::Shape {
                what: "block",
                expected: vec![self.frames, height, width],
                found: vec![frames, height, width],
            });
        }
        not_finite(movie).into_result()?;
        let mut knots = Array3::zeros((self.knots(), height, width));
        if movie.is_empty() {
            let (noise_sd, report) = (Array2::zeros((height, width)), Report::default());
            return Ok(Baselines { knots, noise_sd, report });
        }
        let movie: CowArray<'_, f32, Ix3> = movie.as_standard_layout();
        let pixels = height * width;
        let lanes = self.lanes(movie.as_slice().unwrap_or_default(), pixels);
        let out = knots.as_slice_mut().unwrap_or_default();
        out.par_chunks_mut(pixels).enumerate().for_each(|(k, row)| {
            for (row, lanes) in row.chunks_mut(LANES).zip(&lanes) {
                row.copy_from_slice(&lanes.baseline[k * lanes.width..][..lanes.width]);
            }
        });
        let noise: Vec<f32> = lanes.iter().flat_map(|l| l.noise_sd.iter().copied()).collect();
        let noise_sd = Array2::from_shape_vec((height, width), noise)
            .unwrap_or_else(|_| Array2::zeros((height, width)));
        let report = self.report(knots.view(), &lanes);
        Ok(Baselines { knots, noise_sd, report })
    }

    /// Whether the second frame of the result stands in place of the first, as astroCAST has it.
    pub fn repeats_second_frame(&self) -> bool {
        self.params.overwrite_first_frame && self.frames > 1
    }

    /// How many values of a baseline are kept; lines go through them.
    pub fn knots(&self) -> usize {
        match self.places() {
            Knots::Frames => self.frames,
            Knots::Bins(bins) => bins.count,
        }
    }

    /// What is made of the frames from number `first` on, whole or a part of their pixels. Parallel.
    ///
    /// * `movie`: `(t, y, x)`. `knots`: of [`Delta::baselines`], of the same pixels, all of them.
    ///
    /// # Panics
    /// When the arrays have different pixels, or there are fewer knots than [`Delta::knots`].
    pub fn frames(
        &self,
        first: usize,
        movie: ArrayView3<'_, f32>,
        knots: ArrayView3<'_, f32>,
        method: Quantity,
    ) -> Array3<f32> {
        let (frames, height, width) = movie.dim();
        let (pixels, places) = (height * width, self.places());
        let mut values = Array3::zeros((frames, height, width));
        if values.is_empty() {
            return values;
        }
        let (movie, knots) = (movie.as_standard_layout(), knots.as_standard_layout());
        let samples = movie.as_slice().unwrap_or_default();
        let baseline = knots.as_slice().unwrap_or_default();
        let last = self.knots() - 1;
        let row = |k: usize| &baseline[k.min(last) * pixels..][..pixels];
        let out = values.as_slice_mut().unwrap_or_default();
        out.par_chunks_mut(pixels).enumerate().for_each(|(t, out)| {
            let (knot, part) = places.at(first + t);
            let source = &samples[t * pixels..][..pixels];
            self.write_frame([row(knot), row(knot + 1)], part, source, method, out);
        });
        values
    }

    fn places(&self) -> Knots {
        match self.params.baseline {
            Baseline::Quantile => Knots::Bins(quantile::Bins::new(self.frames, self.params.bin)),
            Baseline::MinFilter | Baseline::Maximin => Knots::Frames,
        }
    }

    /// Baselines of all pixels, some at a time.
    fn lanes(&self, samples: &[f32], pixels: usize) -> Vec<Lanes> {
        let frames = self.frames;
        let window = self.params.window_in(frames);
        let chunks = (0..pixels.div_ceil(LANES)).into_par_iter();
        let of_chunk = |c: usize| (c * LANES, LANES.min(pixels - c * LANES));
        match self.params.baseline {
            Baseline::Quantile => {
                let running = quantile::Running::new(&self.params, frames, window, &self.decay);
                chunks.map(|c| running.lanes(samples, pixels, of_chunk(c))).collect()
            }
            method => chunks
                .map(|c| filters::lanes(method, samples, frames, pixels, of_chunk(c), window))
                .collect(),
        }
    }

    fn write_frame(
        &self,
        [low, high]: [&[f32]; 2],
        part: f32,
        source: &[f32],
        method: Quantity,
        out: &mut [f32],
    ) {
        let (offset, floor) = (self.params.offset as f32, self.floor);
        let baseline = low.iter().zip(high).map(|(a, b)| a + part * (b - a));
        let pixels = out.iter_mut().zip(source).zip(baseline);
        match method {
            Quantity::DeltaF => pixels.for_each(|((out, x), b)| *out = x - b),
            Quantity::Background => pixels.for_each(|((out, _), b)| *out = b),
            Quantity::DeltaFOverF => {
                pixels.for_each(|((out, x), b)| *out = (x - b) / (b - offset).max(floor));
            }
        }
    }

    fn report(&self, knots: ArrayView3<'_, f32>, lanes: &[Lanes]) -> Report {
        // A baseline between knots is between their values; beyond the outer ones it goes on straight.
        let places = self.places();
        let last = knots.dim().0 - 1;
        let mut least = knots.fold_axis(Axis(0), f32::INFINITY, |a, b| a.min(*b));
        for (knot, part) in [0, self.frames - 1].map(|t| places.at(t)) {
            let row = |k: usize| knots.index_axis(Axis(0), k.min(last));
            ndarray::Zip::from(&mut least)
                .and(row(knot))
                .and(row(knot + 1))
                .for_each(|least, a, b| *least = least.min(a + part * (b - a)));
        }
        let is_floored = |b: &&f32| **b - (self.params.offset as f32) < self.floor;
        Report {
            baseline_min: least.iter().fold(f32::INFINITY, |a, b| a.min(*b)),
            pixels_floored: least.iter().filter(is_floored).count(),
            pixels_busy: lanes.iter().flat_map(|l| &l.is_busy).filter(|b| **b).count(),
        }
    }
}

/// Standard deviation of the noise from the differences of samples that share none: the median of their
/// sizes over that of a standard normal one, over the root of 2. Reorders `differences`.
pub(crate) fn sd_of_differences(differences: &mut [f32]) -> f32 {
    let middle = order::median(differences).unwrap_or(0.0);
    (f64::from(middle) / (0.674_489_75 * std::f64::consts::SQRT_2)) as f32
}

/// The baseline of a whole movie in memory: [`Delta`] in one call.
///
/// # Errors
/// As [`Delta::new`] and [`Delta::apply`].
pub fn delta(
    movie: ArrayView3<'_, f32>,
    params: &DeltaParams,
    with_background: bool,
) -> Result<DeltaBlock, EventsError> {
    let levels: Vec<f32> = movie.outer_iter().map(frame_level).collect();
    Delta::new(params.clone(), &levels)?.apply(movie, with_background)
}
