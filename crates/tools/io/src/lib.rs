//! Reading and writing microscopy images and tables.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | the one error of this crate: file, what was found, what was wanted |

pub mod error;

pub use error::{Error, Result};
