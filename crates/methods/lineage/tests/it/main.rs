//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod chambers;
mod conformance_tree;
mod contours;
mod growth;
mod imgops;
mod kit;
mod kit_arrays;
mod levelling;
mod linking_rules;
mod measures;
mod rods;
mod sim;
mod tree_edits;
mod tree_laws;
