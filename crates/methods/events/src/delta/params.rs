//! How baselines are made.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::EventsError;

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
