//! Which cell of a frame became which of the next.
//!
//! | module | for |
//! |---|---|
//! | [`dp`] | dead-end channels, where cells keep their order |
//! | [`flow`] | colonies, where cells push each other about |
//! | [`crate::delta_rule`] | scores of pairs, from a network or from overlaps |
//!
//! All of them return [`Link`]s, of which [`assemble`] makes a lineage.

mod assemble;
pub mod dp;
pub mod flow;
mod links;

pub use assemble::{Assembled, OldPoleSide, assemble};
pub use links::{Link, Spot};
