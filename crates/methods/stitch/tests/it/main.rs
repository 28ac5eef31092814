//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_fusion;
mod conformance_layout;
mod conformance_placement;
mod fusion;
mod layout_ops;
mod link_sim;
mod place_robust;
mod slow_fusion;
