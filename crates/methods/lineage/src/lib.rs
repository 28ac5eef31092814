//! Bacterial time-lapses: chambers, cells, poles, tracks, family trees and growth.
//!
//! Arrays in, arrays out: no paths are opened here. An image is `(y, x)`, a contour a list of `(x, y)`, a pole `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`contour`] | border following, polygon geometry, curvature, poles, filled polygons |
//! | [`imgops`] | boxes, grey values, resizing, rotation and shift, labels, windows |
//! | [`measure`] | length, width, area, perimeter, poles, fluorescence of cells |

pub mod contour;
mod error;
pub mod imgops;
pub mod measure;

pub use error::LineageError;
