//! Measures how neighbouring tiles are displaced, how well, and how surely.
//!
//! [`prepare`] measures once what all pairs share; [`align_pair`] measures one pair and depends on
//! nothing else; [`align_layout`] does both for a whole layout.
//!
//! | file | holds |
//! |---|---|
//! | `params`, `error` | what can be asked, what stops it |
//! | `geometry` | windows, slabs and overlaps of a pair |
//! | `source` | voxels as the measurement sees them: corrected, stabilised |
//! | `statistics`, `prepare`, `pattern`, `null` | what all pairs share |
//! | `ncc`, `surface`, `coarse` | masked correlation of the binned slabs, and its peaks |
//! | `blocks`, `floors`, `integer` | where to look in full resolution; one level of darkness for both; the best whole voxel |
//! | `smooth`, `patches`, `fine`, `linear` | below the voxel, with an empirical covariance |
//! | `projection`, `msd` | maximum projections; mean squared differences |
//! | `measure`, `pair`, `layout` | the whole of a pair, and of a layout |
//! | `arrays` | two tiles in memory |

mod arrays;
mod blocks;
mod coarse;
mod error;
mod fine;
mod floors;
mod geometry;
mod integer;
mod layout;
mod linear;
mod measure;
mod msd;
mod ncc;
mod null;
mod pair;
mod params;
mod patches;
mod pattern;
mod prepare;
mod projection;
mod smooth;
mod source;
mod statistics;
mod surface;

pub use arrays::{TwoTiles, align_two, pair_projections};
pub use error::AlignError;
pub use layout::align_layout;
pub use pair::{PairOutcome, align_pair, pair_bytes};
pub use params::{
    AlignParams, Background, Clip, Links, Measure, ProjectionMode, Search, SignalCount,
};
pub use prepare::prepare;
pub use source::Correction;
pub use statistics::{FixedPattern, NullDistribution, SharedStatistics, TileLevels};
