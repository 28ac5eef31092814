//! `hooke blobs`: blobs and their matches.
//!
//! | module | does |
//! |---|---|
//! | [`mod@import`] | files of any program into a store, or into one table |
//! | [`export`] | a store or a table into the files of other programs |
//! | `density` | how many blobs there are in each cell of a coarse grid |
//! | `gather` | the sources of an import, read |
//! | `source` | the source of an export, read and filtered |
//! | `options` | what a user types |

mod density;
mod error;
pub mod export;
mod gather;
pub mod import;
mod options;
mod source;

pub use error::BlobsError;
pub use export::ExportOptions;
pub use import::{ImportOptions, import, is_table, look};

use crate::step::StepWorkflow;

/// `blobs export`.
pub type ExportWorkflow = StepWorkflow<export::Export>;
/// `blobs import` into a table.
pub type ImportTableWorkflow = StepWorkflow<import::ImportTable>;
