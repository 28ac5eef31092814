//! Bacterial time-lapses: chambers, cells, poles, tracks, family trees and growth.
//!
//! Arrays in, arrays out: no paths are opened here. An image is `(y, x)`, a contour a list of `(x, y)`, a pole `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`contour`] | border following, polygon geometry, curvature, poles, filled polygons |

pub mod contour;
mod error;

pub use error::LineageError;
