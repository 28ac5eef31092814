//! Integration tests of the readers and writers.
#![allow(clippy::unwrap_used)]

mod expressions;
mod tiff_conformance;
