//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod delta;
mod detect_conformance;
mod kit;
mod peaks;
mod score_events;
mod sim;
