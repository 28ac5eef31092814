//! `hooke blobs`: blobs and their matches.
//!
//! | module | does |
//! |---|---|
//! | [`detect`] with `detect_table`, `detect_page`, `projection` | the blobs of an image, block by block |
//! | [`colocalize`] | the signal of every channel at every blob |
//! | `image`, `regions` | the image of blobs; masks and regions over it |
//! | [`mod@import`] | files of any program into a store, or into one table |
//! | [`export`] | a store or a table into the files of other programs |
//! | [`pairing`] | which blobs of different channels are one object |
//! | `chance_field` | where blobs could have been |
//! | [`stats`] with `stats_choice`, `stats_image`, `stats_table` | how much two channels overlap, voxel by voxel |
//! | `density` | how many blobs there are in each cell of a coarse grid |
//! | `gather` | the sources of an import, read |
//! | `source` | the source of an export, read and filtered |
//! | `tables` | tables of blobs put together |
//! | `options` | what a user types |

mod chance_field;
pub mod colocalize;
mod density;
pub mod detect;
mod detect_page;
mod detect_table;
mod error;
pub mod export;
mod gather;
mod image;
pub mod import;
mod options;
pub mod pairing;
mod projection;
mod regions;
mod source;
pub mod stats;
mod stats_choice;
mod stats_image;
mod stats_table;
pub(crate) mod tables;

pub use colocalize::ColocalizeOptions;
pub use detect::{DetectOptions, DetectWorkflow};
pub use error::BlobsError;
pub use export::ExportOptions;
pub(crate) use gather::read_matches;
pub use hooke_blobs::detect::{DetectParams, Fit, Method};
pub use hooke_blobs::matching::Objective;
pub use image::ImageOptions;
pub use import::{ImportOptions, check_store, import, is_table, look};
pub(crate) use options::voxel_size as read_voxel_size;
pub use pairing::MatchOptions;
pub use stats::StatsOptions;

use crate::step::StepWorkflow;

/// `blobs colocalize`.
pub type ColocalizeWorkflow = StepWorkflow<colocalize::Colocalize>;
/// `blobs export`.
pub type ExportWorkflow = StepWorkflow<export::Export>;
/// `blobs import` into a table.
pub type ImportTableWorkflow = StepWorkflow<import::ImportTable>;
/// `blobs match`.
pub type MatchWorkflow = StepWorkflow<pairing::Match>;
/// `blobs stats`.
pub type StatsWorkflow = StepWorkflow<stats::Stats>;
