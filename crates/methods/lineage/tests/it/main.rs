//! The crate's integration tests, one module each.
#![allow(clippy::unwrap_used)]

mod contours;
mod imgops;
mod kit;
mod rods;
