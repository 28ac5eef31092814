//! What detection is told.

use serde::{Deserialize, Serialize};

use crate::EventsError;
use crate::split::SplitParams;

/// Units of prominences and thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Units {
    /// Standard deviations of each pixel's noise after smoothing.
    Sd,
    /// The units of the movie.
    Absolute,
}

/// How the two criteria go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// Both must hold.
    And,
    /// One is enough.
    Or,
}

/// What sizes of holes and objects are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// The whole of it, over all frames.
    Event,
    /// Its part in so many frames before and after each frame, as scikit-image counts in a window.
    Frames(usize),
}

/// A Gaussian, cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smooth {
    /// Standard deviations over `t, y, x`: frames, pixels.
    pub sigma: [f64; 3],
    /// Samples to each side; `None` is 2, and 4 standard deviations with a plain threshold.
    pub radius: Option<usize>,
}

impl Default for Smooth {
    fn default() -> Self {
        Self { sigma: [2.0; 3], radius: None }
    }
}

/// Which pixels of a frame stand out from the frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spatial {
    /// Least mean of the pixels above the threshold over the size of the mean of the others.
    pub min_ratio: f64,
    /// Frames before and after that the threshold is found from.
    pub depth: usize,
}

impl Default for Spatial {
    fn default() -> Self {
        Self { min_ratio: 1.0, depth: 1 }
    }
}

/// Which frames of a pixel are part of a peak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Temporal {
    /// Least prominence, in [`Units`].
    pub prominence: f64,
    /// Least width, frames.
    pub width: f64,
    /// Part of the prominence, from the top, that belongs to the peak.
    pub rel_height: f64,
    /// Frames that prominences are searched in; `None` is all.
    pub wlen: Option<f64>,
    /// Least frames on a peak's plateau.
    pub plateau_size: Option<f64>,
    /// Takes frames from the whole part of the left crossing to below that of the right one, as
    /// astroCAST does, and not those between the crossings.
    pub cut_crossings: bool,
}

impl Default for Temporal {
    fn default() -> Self {
        Self {
            prominence: 8.0,
            width: 3.0,
            rel_height: 0.9,
            wlen: Some(60.0),
            plateau_size: None,
            cut_crossings: false,
        }
    }
}

/// How events are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectParams {
    /// A plain threshold in [`Units`] instead of the two criteria.
    pub threshold: Option<f64>,
    /// Units of prominence and threshold.
    pub units: Units,
    /// Smoothing; `None` for none.
    pub smooth: Option<Smooth>,
    /// The criterion in space; `None` for none.
    pub spatial: Option<Spatial>,
    /// The criterion in time; `None` for none.
    pub temporal: Option<Temporal>,
    /// How the two go together.
    pub combine: Combine,
    /// Holes of fewer voxels are filled.
    pub fill_holes: usize,
    /// Objects of fewer voxels are dropped.
    pub min_size: usize,
    /// Axes along which voxels of a hole may differ and be neighbours, 1 to 3.
    pub holes_connectivity: usize,
    /// The same of objects whose size is counted.
    pub object_connectivity: usize,
    /// The same of events.
    pub connectivity: usize,
    /// What sizes of holes are counted in.
    pub holes_depth: Extent,
    /// What sizes of objects are counted in.
    pub objects_depth: Extent,
    /// Drops small objects before holes are filled.
    pub objects_first: bool,
    /// Pixels at the edges of frames where no event is looked for.
    pub exclude_border: usize,
    /// Rows and columns `y0, y1, x0, x1` where events are looked for, half-open; `None` is all.
    pub valid: Option<[usize; 4]>,
    /// How events that have run together are taken apart.
    pub split: SplitParams,
}

impl Default for DetectParams {
    fn default() -> Self {
        Self {
            threshold: None,
            units: Units::Sd,
            smooth: Some(Smooth::default()),
            spatial: Some(Spatial::default()),
            temporal: Some(Temporal::default()),
            combine: Combine::And,
            fill_holes: 10,
            min_size: 20,
            holes_connectivity: 1,
            object_connectivity: 1,
            connectivity: 1,
            holes_depth: Extent::Event,
            objects_depth: Extent::Event,
            objects_first: false,
            exclude_border: 0,
            valid: None,
            split: SplitParams::default(),
        }
    }
}

impl DetectParams {
    /// What astroCAST 0.4.2 does by default, in single precision throughout.
    pub fn astrocast() -> Self {
        Self {
            units: Units::Absolute,
            temporal: Some(Temporal {
                prominence: 10.0,
                cut_crossings: true,
                ..Temporal::default()
            }),
            holes_depth: Extent::Frames(1),
            objects_depth: Extent::Frames(1),
            ..Self::default()
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`EventsError::Parameter`].
    pub fn validate(&self) -> Result<(), EventsError> {
        let sigma = self.smooth.map_or([0.0; 3], |s| s.sigma);
        let radius = self.smooth.and_then(|s| s.radius).unwrap_or(0);
        let spatial = self.spatial.unwrap_or_default();
        let temporal = self.temporal.unwrap_or_default();
        let is_size = |v: f64| v >= 0.0 && v.is_finite();
        let axes = |n: usize| (1..=3).contains(&n);
        let has_criterion =
            self.threshold.is_some() || self.spatial.is_some() || self.temporal.is_some();
        let wlen = temporal.wlen.is_none_or(|w| w > 1.0 && w.is_finite());
        let valid = self.valid.is_none_or(|[y0, y1, x0, x1]| y0 <= y1 && x0 <= x1);
        let checks = [
            ("threshold", self.threshold.is_none_or(f64::is_finite), "a number is wanted"),
            (
                "smooth-sigma",
                sigma.iter().all(|s| (0.0..=100.0).contains(s)),
                "0 to 100 are wanted",
            ),
            ("smooth-radius", radius <= 400, "at most 400 are wanted"),
            ("spatial-min-ratio", spatial.min_ratio.is_finite(), "a number is wanted"),
            ("spatial-depth", spatial.depth <= 1000, "at most 1000 frames are wanted"),
            (
                "prominence",
                temporal.prominence > 0.0 && temporal.prominence.is_finite(),
                "a number above 0 is wanted",
            ),
            ("width", is_size(temporal.width), "a number of frames is wanted"),
            ("rel-height", is_size(temporal.rel_height), "a number >= 0 is wanted"),
            ("wlen", wlen, "more than 1 frame is wanted"),
            ("plateau-size", temporal.plateau_size.is_none_or(is_size), "frames are wanted"),
            ("holes-connectivity", axes(self.holes_connectivity), "1, 2 or 3 is wanted"),
            ("object-connectivity", axes(self.object_connectivity), "1, 2 or 3 is wanted"),
            ("connectivity", axes(self.connectivity), "1, 2 or 3 is wanted"),
            ("no-spatial", has_criterion, "without a criterion nothing can be found"),
            ("valid", valid, "first and last of rows, then of columns are wanted, ascending"),
        ];
        self.split.validate()?;
        match checks.into_iter().find(|(_, is_sound, _)| !is_sound) {
            Some((name, _, wanted)) => {
                Err(EventsError::Parameter { name, reason: wanted.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Samples to each side that smoothing takes in, over `t, y, x`: the halo of a block.
    pub fn halo(&self) -> [usize; 3] {
        let Some(smooth) = self.smooth else { return [0; 3] };
        smooth.sigma.map(|sigma| match (sigma > 0.0, smooth.radius) {
            (false, _) => 0,
            (true, Some(radius)) => radius,
            (true, None) if self.threshold.is_some() => (4.0 * sigma + 0.5) as usize,
            (true, None) => 2,
        })
    }
}
