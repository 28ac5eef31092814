//! Bacterial time-lapses: chambers, cells, poles, tracks, family trees and growth.
//!
//! Arrays in, arrays out: no paths are opened here. An image is `(y, x)`, a contour a list of `(x, y)`, a pole `(y, x)`.
//!
//! | module | holds |
//! |---|---|
//! | [`segment`] | cells of channels and colonies without a network |
//! | [`sim`] | simulated mother machines and colonies with exact truth |

mod error;
pub mod segment;
pub mod sim;

pub use error::LineageError;
