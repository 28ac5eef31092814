//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_matching;
mod kit;
mod matching_laws;
mod tuples;
