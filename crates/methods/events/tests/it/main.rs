//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod characterize_conformance;
mod characterize_kit;
mod characterize_laws;
mod conformance_kit;
mod table_conformance;
mod table_laws;
