//! Reading and writing microscopy images and tables.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | the one error of this crate: file, what was found, what was wanted |
//! | [`expression`] | paths with tags, such as `scan_<X,2>_<Y,2>.tif`, and the files that match |
//! | [`natural`] | natural order of names |

pub mod error;
pub mod expression;
pub mod natural;

pub use error::{Error, Result};
