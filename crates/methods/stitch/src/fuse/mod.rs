//! Tiles to one volume, block by block.
//!
//! | module | holds |
//! |---|---|
//! | [`params`](self) | [`FuseParams`], [`FuseError`] |
//! | [`plan`](self) | [`FusePlan`]: where every tile lies |
//! | [`block`](self) | [`fuse_block`]: one block of the output |
//! | [`arrays`](self) | [`fuse_arrays`]: small data in memory |
//! | [`weights`](self) | [`blend_weights`] |
//! | [`adjust_max`](self) | [`AdjustMax`]: the first pass of `linear-adjust-max` |

mod adjust_max;
mod arrays;
mod block;
mod params;
mod part;
mod plan;
mod rows;
mod runs;
mod scratch;
mod taps;
mod weights;

pub use adjust_max::{AdjustMax, RegionMaximum};
pub use arrays::fuse_arrays;
pub use block::fuse_block;
pub use params::{Blend, FuseError, FuseParams, Interpolation, Shading};
pub use plan::{FusePlan, FuseTile, SNAP};
pub use scratch::FuseScratch;
pub use weights::blend_weights;
