//! Integration tests of the workflows.
#![allow(clippy::unwrap_used)]

mod engine;
