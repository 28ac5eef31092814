//! Measuring cells.

mod axis;
mod rod;
mod solve;

pub use rod::{Rod, fit_rod};
