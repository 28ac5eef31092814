//! `hooke blobs`: blobs and their matches.
//!
//! | module | does |
//! |---|---|
//! | [`mod@import`] | files of any program into a store, or into one table |
//! | [`export`] | a store or a table into the files of other programs |
//! | [`pairing`] | which blobs of different channels are one object |
//! | `chance_field` | where blobs could have been |
//! | [`stats`], `stats_table`, `stats_image` | how much two channels overlap, voxel by voxel |
//! | `density` | how many blobs there are in each cell of a coarse grid |
//! | `gather` | the sources of an import, read |
//! | `source` | the source of an export, read and filtered |
//! | `tables` | tables of blobs put together |
//! | `options` | what a user types |

mod chance_field;
mod density;
mod error;
pub mod export;
mod gather;
pub mod import;
mod options;
pub mod pairing;
mod source;
pub mod stats;
mod stats_image;
mod stats_table;
pub(crate) mod tables;

pub use error::BlobsError;
pub(crate) use gather::read_matches;
pub(crate) use options::voxel_size as read_voxel_size;
pub use export::ExportOptions;
pub use hooke_blobs::matching::Objective;
pub use import::{ImportOptions, import, is_table, look};
pub use pairing::MatchOptions;
pub use stats::StatsOptions;

use crate::step::StepWorkflow;

/// `blobs export`.
pub type ExportWorkflow = StepWorkflow<export::Export>;
/// `blobs import` into a table.
pub type ImportTableWorkflow = StepWorkflow<import::ImportTable>;
/// `blobs match`.
pub type MatchWorkflow = StepWorkflow<pairing::Match>;
/// `blobs stats`.
pub type StatsWorkflow = StepWorkflow<stats::Stats>;
