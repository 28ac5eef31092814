//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod assemble;
mod chambers;
mod compare;
mod conformance_tree;
mod contours;
mod ctc;
mod growth;
mod imgops;
mod kit;
mod kit_arrays;
mod levelling;
mod link_channels;
mod link_colonies;
mod link_kit;
mod linking_rules;
mod measures;
mod rods;
mod score;
mod segment;
mod segment_kit;
mod sim;
mod tree_edits;
mod tree_laws;
