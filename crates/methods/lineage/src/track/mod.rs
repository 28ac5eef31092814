//! Which cell of a frame became which of the next.

mod assemble;
mod links;

pub use assemble::{Assembled, OldPoleSide, assemble};
pub use links::{Link, Spot};
