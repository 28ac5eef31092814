//! The baseline of every pixel, and what rises above it: dF and dF/F.
//!
//! A baseline is made from the trace of its own pixel (and one number about the whole movie, how it
//! bleaches), so that any set of pixels can be handed over with all their frames: a block of a few
//! rows is worked on in about two and a half times its memory, and the result does not depend on the
//! blocks.
//!
//! | module | holds |
//! |---|---|
//! | `quantile` | running quantile, corrected for noise: the default |
//! | `filters` | astroCAST's minimum filter, suite2p's maximin |
//! | `decay` | how fast the movie bleaches |
//! | `missing` | samples that are not finite |
//!
//! `dF = x - b`; `dFF = (x - b) / max(b - offset, floor)`.

mod decay;
mod filters;
mod missing;
mod quantile;

use std::str::FromStr;

use hooke_filters::order;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, CowArray, Ix3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::EventsError;
use decay::Decay;
pub use filters::min_filter;
pub use missing::{NotFinite, fill_missing, not_finite};

/// Pixels that are worked on side by side.
const LANES: usize = 64;

/// Frames are looked at on a grid of at most about this many pixels for the bleaching.
const MEDIAN_PIXELS: usize = 4096;

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    /// What rises above the baseline.
    #[serde(rename = "dF")]
    DeltaF,
    /// The same over the baseline.
    #[serde(rename = "dFF")]
    DeltaFOverF,
    /// The baseline.
    #[serde(rename = "background")]
    Background,
}

/// How the baseline is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Running quantile of binned frames, corrected for noise, smoothed.
    Quantile,
    /// astroCAST's minimum filter. Below the truth by about twice the noise.
    MinFilter,
    /// suite2p's: smoothed, running minimum, running maximum.
    Maximin,
}

impl FromStr for Baseline {
    type Err = EventsError;

    fn from_str(name: &str) -> Result<Self, EventsError> {
        let reason = match name {
            "quantile" => return Ok(Self::Quantile),
            "min_filter" => return Ok(Self::MinFilter),
            "maximin" => return Ok(Self::Maximin),
            "rbf" => "`rbf` is not offered: it flattens events; `quantile` is the baseline to use",
            _ => "one of quantile, min_filter, maximin is wanted",
        };
        Err(EventsError::Parameter { name: "baseline", reason: reason.to_owned() })
    }
}

impl Baseline {
    /// The window that is used when none is asked for, frames.
    pub fn default_window(self) -> usize {
        match self {
            Self::MinFilter => 100,
            Self::Quantile | Self::Maximin => 300,
        }
    }
}

/// How baselines are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeltaParams {
    /// What comes out.
    pub method: Quantity,
    /// How the baseline is found.
    pub baseline: Baseline,
    /// Frames that a baseline is found from; `None` is [`Baseline::default_window`].
    pub window: Option<usize>,
    /// Frames averaged before the quantile.
    pub bin: usize,
    /// The quantile, between 0 and 1.
    pub quantile: f64,
    /// Standard deviation in bins of the smoothing after the quantile.
    pub smooth: f64,
    /// Grey level of darkness, for dF/F.
    pub offset: f64,
    /// Least divisor of dF/F; `None` is one part in 100 of the median level above `offset`.
    pub floor: Option<f64>,
    /// Puts the second frame of the result in place of the first, as astroCAST does.
    pub overwrite_first_frame: bool,
}

impl Default for DeltaParams {
    fn default() -> Self {
        Self {
            method: Quantity::DeltaF,
            baseline: Baseline::Quantile,
            window: None,
            bin: 5,
            quantile: 0.3,
            smooth: 6.0,
            offset: 0.0,
            floor: None,
            overwrite_first_frame: false,
        }
    }
}

impl DeltaParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`EventsError::Parameter`].
    pub fn validate(&self) -> Result<(), EventsError> {
        let floor_is_sound = self.floor.is_none_or(|f| f > 0.0 && f.is_finite());
        let checks = [
            ("window", self.window.is_none_or(|w| w >= 2), "at least 2 frames are wanted"),
            ("bin", self.bin >= 1, "at least 1 frame is wanted"),
            (
                "quantile",
                self.quantile > 0.0 && self.quantile < 1.0,
                "a number between 0 and 1 is wanted",
            ),
            ("smooth", (0.0..1e4).contains(&self.smooth), "0 to 10,000 bins are wanted"),
            ("offset", self.offset.is_finite(), "a number is wanted"),
            ("floor", floor_is_sound, "a number above 0 is wanted"),
        ];
        match checks.into_iter().find(|(_, is_sound, _)| !is_sound) {
            Some((name, _, wanted)) => {
                Err(EventsError::Parameter { name, reason: wanted.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// The window in a movie of so many frames: never longer than the movie.
    pub fn window_in(&self, frames: usize) -> usize {
        self.window.unwrap_or(self.baseline.default_window()).min(frames)
    }
}

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
    /// Least baseline; infinite without pixels.
    pub baseline_min: f32,
    /// Pixels whose baseline falls below the floor of dF/F.
    pub pixels_floored: usize,
    /// Pixels that are active in more than half of some window, so that their baseline is too high.
    pub pixels_busy: usize,
}

impl DeltaBlock {
    fn empty(dim: (usize, usize, usize), with_background: bool) -> Self {
        Self {
            values: Array3::zeros(dim),
            background: with_background.then(|| Array3::zeros(dim)),
            noise_sd: Array2::zeros((dim.1, dim.2)),
            baseline_min: f32::INFINITY,
            pixels_floored: 0,
            pixels_busy: 0,
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
        let (frames, height, width) = movie.dim();
        if frames != self.frames {
            return Err(EventsError::Shape {
                what: "block",
                expected: vec![self.frames, height, width],
                found: vec![frames, height, width],
            });
        }
        not_finite(movie).into_result()?;
        if movie.is_empty() {
            return Ok(DeltaBlock::empty(movie.dim(), with_background));
        }
        let movie: CowArray<'_, f32, Ix3> = movie.as_standard_layout();
        let pixels = height * width;
        let samples = movie.as_slice().unwrap_or_default();
        let (lanes, knots) = self.baselines(samples, pixels);
        let mut values = Array3::zeros((frames, height, width));
        let mut background = with_background.then(|| Array3::zeros((frames, height, width)));
        let write = |out: &mut Array3<f32>, method| {
            let out = out.as_slice_mut().unwrap_or_default();
            out.par_chunks_mut(pixels).enumerate().for_each(|(t, out)| {
                let source = &samples[t * pixels..][..pixels];
                self.write_frame(&lanes, knots.at(t), source, method, out);
            });
        };
        write(&mut values, self.params.method);
        if let Some(background) = &mut background {
            write(background, Quantity::Background);
        }
        if self.params.overwrite_first_frame && frames > 1 {
            let second = values.index_axis(ndarray::Axis(0), 1).to_owned();
            values.index_axis_mut(ndarray::Axis(0), 0).assign(&second);
        }
        Ok(self.report(values, background, &lanes, &knots, [height, width]))
    }

    /// Baselines of all pixels, some at a time.
    fn baselines(&self, samples: &[f32], pixels: usize) -> (Vec<Lanes>, Knots) {
        let frames = self.frames;
        let window = self.params.window_in(frames);
        let chunks = 0..pixels.div_ceil(LANES);
        let of_chunk = |c: usize| (c * LANES, LANES.min(pixels - c * LANES));
        match self.params.baseline {
            Baseline::Quantile => {
                let running = quantile::Running::new(&self.params, frames, window, &self.decay);
                let lanes = |c| running.lanes(samples, pixels, of_chunk(c));
                let lanes = chunks.into_par_iter().map(lanes).collect();
                (lanes, Knots::Bins(running.bins))
            }
            Baseline::MinFilter | Baseline::Maximin => {
                let lanes = |c| {
                    let method = self.params.baseline;
                    filters::lanes(method, samples, frames, pixels, of_chunk(c), window)
                };
                (chunks.into_par_iter().map(lanes).collect(), Knots::Frames)
            }
        }
    }

    fn write_frame(
        &self,
        lanes: &[Lanes],
        (knot, part): (usize, f32),
        source: &[f32],
        method: Quantity,
        out: &mut [f32],
    ) {
        let (offset, floor) = (self.params.offset as f32, self.floor);
        let chunks = source.chunks(LANES).zip(out.chunks_mut(LANES)).zip(lanes);
        for ((source, out), lanes) in chunks {
            let (low, high) = lanes.knot(knot);
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
    }

    fn report(
        &self,
        values: Array3<f32>,
        background: Option<Array3<f32>>,
        lanes: &[Lanes],
        knots: &Knots,
        [height, width]: [usize; 2],
    ) -> DeltaBlock {
        // A baseline between knots is between their values; beyond the outer ones it goes on straight.
        let ends = [0, self.frames - 1].map(|t| knots.at(t));
        let mut baseline_min = f32::INFINITY;
        let mut pixels_floored = 0;
        for lanes in lanes {
            let mut least = vec![f32::INFINITY; lanes.width];
            for row in lanes.baseline.chunks_exact(lanes.width) {
                least.iter_mut().zip(row).for_each(|(least, b)| *least = least.min(*b));
            }
            for (knot, part) in ends {
                let (low, high) = lanes.knot(knot);
                let ends = low.iter().zip(high).map(|(a, b)| a + part * (b - a));
                least.iter_mut().zip(ends).for_each(|(least, b)| *least = least.min(b));
            }
            for least in least {
                baseline_min = baseline_min.min(least);
                pixels_floored += usize::from(least - (self.params.offset as f32) < self.floor);
            }
        }
        let noise: Vec<f32> = lanes.iter().flat_map(|l| l.noise_sd.iter().copied()).collect();
        DeltaBlock {
            values,
            background,
            noise_sd: Array2::from_shape_vec((height, width), noise)
                .unwrap_or_else(|_| Array2::zeros((height, width))),
            baseline_min,
            pixels_floored,
            pixels_busy: lanes.iter().flat_map(|l| &l.is_busy).filter(|b| **b).count(),
        }
    }
}

impl Lanes {
    /// Baselines at a knot and at the one after it; the last knot goes with itself.
    fn knot(&self, knot: usize) -> (&[f32], &[f32]) {
        let row = |k: usize| &self.baseline[k * self.width..][..self.width];
        let last = self.baseline.len() / self.width - 1;
        (row(knot.min(last)), row((knot + 1).min(last)))
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
