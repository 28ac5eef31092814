//! What can be wrong with blobs, their pairs or the parameters of their methods.

use thiserror::Error;

/// Blobs that cannot be used as asked. Rows count from 0.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobsError {
    /// A parameter out of its range.
    #[error("{name} is {found}; wanted {wanted}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        wanted: &'static str,
    },
    /// A position that is NaN, infinite or absurdly large.
    #[error("blob {id} lies at {found:?}; every component must be a number below 2^50")]
    Position {
        /// The blob.
        id: u64,
        /// Over `z, y, x`.
        found: [f64; 3],
    },
    /// A gate so wide that nearly everything is a candidate of everything.
    #[error(
        "more than {limit} pairs of blobs lie within the gate; a gate narrower than the spacing \
         of blobs is wanted"
    )]
    TooManyPairs {
        /// Pairs allowed.
        limit: usize,
    },
    /// Two blobs of one id.
    #[error("id {id} stands for more than one blob; number the tables anew")]
    DuplicateId {
        /// The id.
        id: u64,
    },
    /// A pair of a blob that is not in the table.
    #[error("a pair names blob {id}, which is not in the table of blobs")]
    UnknownBlob {
        /// The id.
        id: u64,
    },
    /// A channel that a mask of 64 bits cannot hold.
    #[error("blob {id} is of channel {channel}; objects of several channels take channels 0 to 63")]
    ChannelTooLarge {
        /// The blob.
        id: u64,
        /// Its channel.
        channel: u16,
    },
    /// Two things that must be equally long.
    #[error("{what}: {found} values where {expected} are wanted")]
    Length {
        /// What was counted.
        what: &'static str,
        /// The number wanted.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// Arrays that must have one shape.
    #[error("{what} has the shape {found:?}; wanted {expected:?}")]
    Shape {
        /// The array.
        what: &'static str,
        /// The shape wanted.
        expected: Vec<usize>,
        /// The shape found.
        found: Vec<usize>,
    },
    /// A block that does not hold the voxels around a blob.
    #[error(
        "the block at {start:?} of shape {shape:?} does not hold all voxels within {halo} of \
         the blobs it is asked for"
    )]
    MissingHalo {
        /// First voxel of the block, over `z, y, x`.
        start: [u64; 3],
        /// Lengths of the block.
        shape: [usize; 3],
        /// Voxels needed around a blob.
        halo: u64,
    },
    /// More real-valued samples than are kept one by one, and no range to bin them over.
    #[error(
        "more than {limit} real-valued samples; give the range of both images so that they can \
         be binned"
    )]
    RangeNeeded {
        /// Samples kept one by one.
        limit: usize,
    },
}

impl BlobsError {
    /// A parameter out of its range.
    pub(crate) fn parameter(
        name: &'static str,
        found: impl std::fmt::Debug,
        wanted: &'static str,
    ) -> Self {
        Self::Parameter { name, found: format!("{found:?}"), wanted }
    }
}
