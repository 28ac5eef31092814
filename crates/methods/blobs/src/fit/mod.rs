//! Blobs placed finer than a voxel, relative to the voxel of their peak: no block enters.

pub(crate) mod gaussian;
pub(crate) mod plane;
mod quadratic;
mod solve;
pub(crate) mod window;

pub(crate) use quadratic::{MOVES, vertex};
