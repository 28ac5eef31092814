//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod align_faults;
mod align_metamorphic;
mod align_sets;
mod align_truth;
mod conformance_align;
mod conformance_fusion;
mod conformance_layout;
mod conformance_placement;
mod fusion;
mod gains;
mod layout_ops;
mod link_sim;
mod overlays;
mod place_robust;
mod slow_fusion;
