//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod delta;
mod detect_conformance;
mod kit;
mod peaks;
mod sim;
