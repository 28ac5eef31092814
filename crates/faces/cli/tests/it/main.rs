//! The real command from outside: files, streams, exit codes.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod blobs;
mod convert;
mod convert_values;
mod errors;
mod events;
mod frame;
mod hooke;
mod real_data;
mod same_bits;
mod stitch;
mod tileset;
