//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod chance;
mod conformance_matching;
mod contrast;
mod detect_bad_input;
mod detect_conformance;
mod detect_kit;
mod detect_laws;
mod detect_truth;
mod intensity;
mod kit;
mod matching_laws;
mod pixel_stats;
mod score;
mod sim;
mod tuples;
