//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_fusion;
mod conformance_layout;
mod fusion;
mod gains;
mod layout_ops;
mod overlays;
mod slow_fusion;
