//! What can be asked of a conversion, and why it can fail.

use hooke_core::Dtype;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::image_output::{OutputError, Store};
use crate::options::BadValue;

/// What to convert, as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConvertOptions {
    /// Index of the image, for files that hold several.
    pub image: Option<usize>,
    /// All images of the file, as a set.
    pub all_images: bool,
    /// Member of a container.
    pub dataset: Option<String>,
    /// Pyramid level to read.
    pub level: usize,
    /// What the stored dimensions are, in stored order.
    pub axes: Option<String>,
    /// The axis that several inputs, or the files of a folder, follow each other along: `t`, `c` or `z`.
    pub along: Option<String>,
    /// Part of each axis, `t, c, z, y, x`.
    pub spans: [Option<String>; 5],
    /// Number or names of channels whose planes are stored in turn.
    pub deinterleave: Option<String>,
    /// Leave planes out that are no whole set of channels.
    pub drop_remainder: bool,
    /// A channel, `mean`, `median`, `min` or the path of an image.
    pub subtract: Option<String>,
    /// A factor or lengths in voxels.
    pub rescale: Option<String>,
    /// Target sample type.
    pub dtype: Option<String>,
    /// `exact`, `clip` or `scale`.
    pub cast: String,
    /// For `scale`: `minmax`, `lo,hi` or percentiles `p1,p99.9`.
    pub range: String,
    /// Voxel size in µm.
    pub voxel_size: Option<String>,
    /// Position of the first voxel in µm.
    pub origin: Option<String>,
    /// Seconds between frames.
    pub frame_interval: Option<f64>,
    /// Names of the channels.
    pub channel_names: Vec<String>,
    /// Colours of the channels.
    pub channel_colors: Vec<String>,
    /// Integers are identities.
    pub labels: bool,
    /// Fill damaged parts.
    pub rescue: bool,
    /// Read the output back and compare; changes no result, so it is no part of a plan.
    #[serde(skip)]
    pub verify: bool,
    /// How the output is stored.
    #[serde(flatten)]
    pub store: Store,
}

/// Why a file cannot be converted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// An option whose text is no value.
    #[error(transparent)]
    Option(#[from] BadValue),
    /// Options that do not fit the file or each other.
    #[error("{what}")]
    Parameters {
        /// What is wrong.
        what: String,
        /// A way on.
        hint: String,
    },
    /// A value that the target type cannot hold.
    #[error("value {value} at {axes} {position:?} does not fit {dtype}")]
    DoesNotFit {
        /// The value.
        value: f64,
        /// Letters of `position`.
        axes: String,
        /// Where, in voxels of the output.
        position: Vec<u64>,
        /// The target type.
        dtype: Dtype,
    },
}

impl From<OutputError> for ConvertError {
    fn from(error: OutputError) -> ConvertError {
        match error {
            OutputError::Io(error) => ConvertError::Io(error),
            OutputError::Option { what, hint } => ConvertError::Parameters { what, hint },
        }
    }
}

impl ConvertError {
    pub(crate) fn parameters(what: impl Into<String>, hint: impl Into<String>) -> ConvertError {
        ConvertError::Parameters { what: what.into(), hint: hint.into() }
    }

    /// Whether the command line itself is wrong.
    pub fn is_usage(&self) -> bool {
        matches!(self, ConvertError::Option(_) | ConvertError::Parameters { .. })
    }

    /// A way on, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConvertError::Io(error) => error.hint(),
            ConvertError::Option(bad) => Some(bad.hint()),
            ConvertError::DoesNotFit { .. } => {
                Some("give --cast clip to saturate, or --cast scale to rescale".to_owned())
            }
            ConvertError::Parameters { hint, .. } if !hint.is_empty() => Some(hint.clone()),
            _ => None,
        }
    }
}
