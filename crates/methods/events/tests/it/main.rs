//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod sim;

mod register_conformance;
mod register_kit;
mod register_laws;
mod register_truth;
