//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_fusion;
mod conformance_layout;
mod fusion;
mod layout_ops;
mod slow_fusion;
