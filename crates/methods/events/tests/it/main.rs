//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod delta;
mod detect_bad_input;
mod detect_conformance;
mod detect_laws;
mod kit;
mod peaks;
mod score_events;
mod sim;
mod split;
