//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod conformance_layout;
mod layout_ops;
