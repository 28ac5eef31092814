//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod segment;
mod segment_kit;
mod sim;
