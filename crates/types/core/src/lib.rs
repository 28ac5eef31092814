//! What every room of Hooke shares: axes, images, blocks, plans, progress and provenance.
//!
//! Nothing here touches a file, a thread or a terminal. Axes are always `t, c, z, y, x`,
//! points `(z, y, x)`, pixel centres at integer positions.
//!
//! | module | holds |
//! |---|---|
//! | [`axes`] | the five axes and subsets of them |
//! | [`dtype`] | sample types, the [`Sample`] trait and the [`dispatch!`] macro |
//! | [`pixels`] | a five-dimensional block of samples whose type is known at run time |
//! | [`region`] | boxes of an image, half-open |
//! | [`downsample`] | one step of an image pyramid, and which steps to take |
//! | [`layout_region`] | boxes in layout coordinates, which may be negative |
//! | [`meta`] | what is known about an image, and where each value came from |
//! | [`counts`] | counts by integer keys |
//! | [`disjoint_sets`] | which things hang together |
//! | [`exact_sum`] | sums that do not depend on their order |
//! | [`image`] | the traits of readers and writers |
//! | [`tile_pixels`] | how a method asks for the voxels of a tile |
//! | [`blob`] | blobs and pairs of them |
//! | [`budget`] | memory sizes and how a budget is shared |
//! | [`plan`] | stages of blocks, their inputs and outputs, and the hash of a run |
//! | [`progress`] | progress and cancellation |
//! | [`provenance`] | what made an output |
//! | [`path_text`] | paths in JSON |
//! | [`seed`] | random numbers that depend on position only |

pub mod axes;
pub mod blob;
pub mod budget;
pub mod counts;
pub mod disjoint_sets;
pub mod downsample;
pub mod dtype;
pub mod exact_sum;
pub mod image;
pub mod layout_region;
pub mod meta;
pub mod path_text;
pub mod pixels;
pub mod plan;
pub mod progress;
pub mod provenance;
pub mod region;
pub mod seed;
pub mod tile_pixels;

pub use axes::{Axes, Axis};
pub use blob::{Blob, BlobPair, Review, Truth};
pub use budget::Budget;
pub use disjoint_sets::DisjointSets;
pub use downsample::Downsample;
pub use dtype::{Dtype, Sample};
pub use exact_sum::ExactSum;
pub use image::{Dataset, ImageSink, ImageSource, ReadStatus};
pub use layout_region::LayoutRegion;
pub use meta::{Channel, ImageMeta, Level, Origin, Problem, Severity, Sourced};
pub use pixels::Pixels;
pub use plan::{Block, Blocks, InputStamp, OutputSpec, Plan, PlanError, PlanHash, Stage};
pub use progress::{Cancel, Progress};
pub use provenance::{Provenance, Warning};
pub use region::Region;
pub use tile_pixels::{TileError, TilePixels, TilesInMemory};
