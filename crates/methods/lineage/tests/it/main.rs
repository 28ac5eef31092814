//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod assemble;
mod compare;
mod conformance_tree;
mod ctc;
mod growth;
mod kit;
mod link_channels;
mod link_colonies;
mod link_kit;
mod linking_rules;
mod score;
mod segment;
mod segment_kit;
mod sim;
mod tree_edits;
mod tree_laws;
