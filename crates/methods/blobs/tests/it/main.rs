//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod chance;
mod conformance_matching;
mod intensity;
mod kit;
mod matching_laws;
mod pixel_stats;
mod score;
mod tuples;
