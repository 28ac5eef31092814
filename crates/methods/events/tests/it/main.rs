//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod delta;
mod kit;
mod peaks;
mod sim;
