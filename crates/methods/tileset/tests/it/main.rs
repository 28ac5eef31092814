//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_images;
mod conformance_labels;
mod conformance_positions;
mod dedup_truth;
mod kit;
mod laws;
mod laws_labels;
mod streaming;
