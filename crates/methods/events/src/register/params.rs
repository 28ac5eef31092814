//! What to register, and how.

use serde::{Deserialize, Serialize};

use crate::EventsError;

/// Smallest length of a frame's axes in which motion is looked for, pixels.
pub const SMALLEST_FRAME: usize = 16;

/// Smallest block, pixels.
pub const SMALLEST_BLOCK: usize = 16;

/// Which motion is taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// None, then rigid, then piecewise, as far as the gate allows.
    #[default]
    Auto,
    /// One shift per frame.
    Rigid,
    /// A smooth field of displacements per frame.
    Piecewise,
    /// No motion: the movie is copied.
    None,
}

/// What pixels are that come from outside of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BorderFill {
    /// NaN; 0 for integers.
    Nan,
    /// The nearest pixel of the frame's edge.
    #[default]
    Edge,
    /// 0.
    Zero,
}

/// How pixels between pixels are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Cubic B-spline through all pixels.
    #[default]
    Bspline3,
    /// Sinc of six pixels per axis under a Lanczos window.
    Lanczos3,
    /// Between two pixels per axis; it blurs.
    Linear,
    /// Phase ramp on the mirrored frame. For one shift per frame only.
    Fourier,
}

/// What to register, and how. Pairs are `(y, x)`, lengths pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisterParams {
    /// Which motion is taken out.
    pub mode: Mode,
    /// Largest shift per axis; clipped to half the frame less one.
    pub max_shift: f64,
    /// Side of a block.
    pub block: usize,
    /// Distance of the starts of neighbouring blocks.
    pub stride: usize,
    /// Largest difference between the displacement of a block and its frame's shift, per axis.
    pub max_deviation: f64,
    /// Rounds in which the template is made.
    pub iterations: usize,
    /// Sigmas of the band-pass under which motion is looked for; `None` for no filter.
    pub band: Option<[f64; 2]>,
    /// Number of frames, evenly spread, that the template is made of.
    pub template_frames: usize,
    /// What pixels are that come from outside.
    pub border: BorderFill,
    /// How pixels between pixels are found.
    pub interpolation: Interpolation,
    /// Whether motion must be proven before it is used.
    pub gate: bool,
}

impl Default for RegisterParams {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            max_shift: 50.0,
            block: 64,
            stride: 32,
            max_deviation: 3.0,
            iterations: 3,
            band: Some([1.0, 8.0]),
            template_frames: 300,
            border: BorderFill::Edge,
            interpolation: Interpolation::Bspline3,
            gate: true,
        }
    }
}

impl RegisterParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`EventsError::Parameter`].
    pub fn validate(&self) -> Result<(), EventsError> {
        let band = |[narrow, wide]: [f64; 2]| narrow >= 0.0 && narrow < wide && wide <= 200.0;
        let fourier_field =
            self.interpolation == Interpolation::Fourier && self.mode == Mode::Piecewise;
        let checks = [
            ("max-shift", (1.0..1e5).contains(&self.max_shift), "1 pixel or more is wanted"),
            (
                "block",
                (SMALLEST_BLOCK..=4096).contains(&self.block),
                "a side of 16 to 4096 pixels is wanted",
            ),
            (
                "stride",
                (1..=self.block).contains(&self.stride),
                "1 pixel up to the side of a block is wanted",
            ),
            (
                "max-deviation",
                self.max_deviation >= 0.5 && self.max_deviation + 6.0 <= self.block as f64 / 2.0,
                "0.5 pixels up to 6 less than half a block are wanted",
            ),
            ("iterations", (1..=100).contains(&self.iterations), "1 to 100 rounds are wanted"),
            (
                "band",
                self.band.is_none_or(band),
                "two sigmas are wanted, ascending, at most 200 pixels",
            ),
            (
                "template-frames",
                (1..=100_000).contains(&self.template_frames),
                "1 to 100000 frames are wanted",
            ),
            (
                "interpolation",
                !fourier_field,
                "fourier moves whole frames; the mode rigid, or another interpolation is wanted",
            ),
        ];
        match checks.into_iter().find(|(_, is_sound, _)| !is_sound) {
            Some((name, _, wanted)) => {
                Err(EventsError::Parameter { name, reason: wanted.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Largest whole shift per axis that frames of `shape` are searched for: `max_shift`, or half the
    /// frame less one where that is less.
    pub fn reach(&self, shape: [usize; 2]) -> [usize; 2] {
        shape.map(|n| (self.max_shift.ceil() as usize).min((n / 2).saturating_sub(1)))
    }

    /// Whether frames of `shape` have more than one block, and blocks are wanted.
    pub fn has_blocks(&self, shape: [usize; 2]) -> bool {
        let wanted = match self.mode {
            Mode::Auto => self.interpolation != Interpolation::Fourier,
            Mode::Piecewise => true,
            Mode::Rigid | Mode::None => false,
        };
        wanted && shape.iter().all(|n| *n >= self.block) && shape.iter().any(|n| *n > self.block)
    }

    /// The frames that the template of a movie of `frames` is made of, ascending and evenly spread.
    pub fn template_sample(&self, frames: usize) -> Vec<usize> {
        let count = self.template_frames.min(frames);
        (0..count).map(|i| (2 * i + 1) * frames / (2 * count)).collect()
    }
}
