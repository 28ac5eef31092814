//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod characterize_conformance;
mod characterize_kit;
mod characterize_laws;
mod chunks;
mod cluster_conformance;
mod cluster_laws;
mod coincidence;
mod conformance_kit;
mod delta;
mod detect_bad_input;
mod detect_conformance;
mod detect_laws;
mod kit;
mod peaks;
mod register_conformance;
mod register_kit;
mod register_laws;
mod register_truth;
mod score_events;
mod sim;
mod split;
mod subframes;
mod table_conformance;
mod table_laws;
