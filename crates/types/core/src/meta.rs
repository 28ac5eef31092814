//! What is known about an image, and where each value came from.

use serde::{Deserialize, Serialize};

use crate::axes::Axes;
use crate::dtype::Dtype;

/// Where a value came from. An assumed size is shown as such, never silently 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Read from the file.
    File,
    /// Given by the user.
    User,
    /// Assumed by a documented rule.
    Assumed,
    /// Not known.
    Unknown,
}

/// A value together with where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value, `None` exactly when nobody knows it.
    pub value: Option<T>,
    /// Where it came from.
    pub from: Origin,
}

impl<T> Sourced<T> {
    /// A value nobody knows.
    pub fn unknown() -> Self {
        Sourced { value: None, from: Origin::Unknown }
    }

    /// A value read from the file.
    pub fn file(value: T) -> Self {
        Sourced { value: Some(value), from: Origin::File }
    }

    /// A value given by the user.
    pub fn user(value: T) -> Self {
        Sourced { value: Some(value), from: Origin::User }
    }

    /// A value assumed by a documented rule.
    pub fn assumed(value: T) -> Self {
        Sourced { value: Some(value), from: Origin::Assumed }
    }
}

impl<T> Default for Sourced<T> {
    fn default() -> Self {
        Sourced::unknown()
    }
}

/// One channel of an image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Channel {
    /// The name, e.g. `DAPI`.
    pub name: Option<String>,
    /// `#RRGGBB`.
    pub color: Option<String>,
    /// Excitation wavelength.
    pub excitation_nm: Option<f64>,
    /// Emission wavelength.
    pub emission_nm: Option<f64>,
}

/// The place of an image among the views of a BigDataViewer file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct View {
    pub setup: u64,
    pub channel: u64,
    pub tile: u64,
    pub angle: u64,
    pub illumination: u64,
}

/// A plane (or, with fewer coordinates, a whole view) known to be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PlaneIndex {
    pub t: u64,
    pub c: u64,
    pub z: u64,
}

/// What is known about one image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMeta {
    /// The image's own name, or the file's stem.
    pub name: String,
    /// Path of the array inside its container.
    pub dataset: Option<String>,
    /// The axes this image has.
    pub axes: Axes,
    /// Where the axes came from.
    pub axes_from: Origin,
    /// Lengths over `t, c, z, y, x`; 1 where the axis is missing.
    pub shape: [u64; 5],
    /// Sample type as read.
    pub dtype: Dtype,
    /// Sample type as stored, e.g. `uint12`, `bool`, `float16`.
    pub stored_dtype: String,
    /// Bits that carry signal.
    pub significant_bits: u32,
    /// Whether samples are identities, not intensities.
    pub labels: bool,
    /// Voxel size in µm over `z, y, x`.
    pub voxel_size_um: [Sourced<f64>; 3],
    /// Position of the centre of voxel (0, 0, 0) in µm over `z, y, x`.
    pub origin_um: [Sourced<f64>; 3],
    /// Row-major 3x4 map from voxel `(x, y, z)` to the file's world, for files that hold one.
    pub affine: Option<[f64; 12]>,
    /// Time between frames in seconds.
    pub frame_interval_s: Option<f64>,
    /// Time of each frame in seconds.
    pub frame_times_s: Option<Vec<f64>>,
    /// One entry per channel, or none where nothing is known.
    pub channels: Vec<Channel>,
    /// Place in a BigDataViewer file.
    pub view: Option<View>,
    /// Planes known to be absent.
    pub missing: Vec<PlaneIndex>,
    /// The vendor's metadata, lossless, for `info --full`.
    pub vendor: Option<serde_json::Value>,
}

impl ImageMeta {
    /// An image of which only axes, shape and type are known.
    pub fn new(name: impl Into<String>, axes: Axes, shape: [u64; 5], dtype: Dtype) -> ImageMeta {
        ImageMeta {
            name: name.into(),
            dataset: None,
            axes,
            axes_from: Origin::File,
            shape,
            dtype,
            stored_dtype: dtype.name().to_owned(),
            significant_bits: 8 * dtype.size() as u32,
            labels: false,
            voxel_size_um: [Sourced::unknown(); 3],
            origin_um: [Sourced::unknown(); 3],
            affine: None,
            frame_interval_s: None,
            frame_times_s: None,
            channels: Vec::new(),
            view: None,
            missing: Vec::new(),
            vendor: None,
        }
    }

    /// Whether the file's map into its world turns or shears, so that sizes and position do not say it.
    pub fn is_turned(&self) -> bool {
        let off_diagonal = |a: &[f64; 12]| [1, 2, 4, 6, 8, 9].iter().any(|n| a[*n] != 0.0);
        self.affine.as_ref().is_some_and(off_diagonal)
    }

    /// Bytes of the whole image.
    pub fn bytes(&self) -> u64 {
        self.shape.iter().fold(self.dtype.size() as u64, |n, s| n.saturating_mul(*s))
    }
}

/// One level of an image pyramid as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Lengths over `t, c, z, y, x`.
    pub shape: [u64; 5],
    /// Factor of level 0 per `z, y, x`.
    pub factors: [f64; 3],
    /// Lengths of a chunk (the unit of reading).
    pub chunk: [u64; 5],
    /// Lengths of a shard (the unit of writing), if chunks are sharded.
    pub shard: Option<[u64; 5]>,
    /// Name of the codec, `none` for raw samples.
    pub codec: String,
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// Pixels or positions cannot be trusted.
    Error,
}

/// Something a user should know about a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word, e.g. `voxel-size-missing`.
    pub code: String,
    /// One sentence.
    pub message: String,
}

impl Problem {
    /// A warning.
    pub fn warning(code: &str, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, code: code.to_owned(), message: message.into() }
    }
}
