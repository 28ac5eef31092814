//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_tree;
mod growth;
mod kit;
mod link_channels;
mod link_colonies;
mod link_kit;
mod linking_rules;
mod sim;
mod tree_edits;
mod tree_laws;
