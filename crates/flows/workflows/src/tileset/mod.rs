//! `hooke tileset`: sets of fields of view, as expansion microscopy records them.
//!
//! | module | does |
//! |---|---|
//! | [`options`], `find`, `open`, [`mod@set`] | what a user named, to tiles with sizes and places |
//! | `position_file` | positions in tables, BigDataViewer, ND2, layouts, ExM-Toolbox's arrays |
//! | `pixels`, `boxes` | the voxels of the tiles, box by box |
//! | [`mod@info`], [`positions`] | what is there, where it lies, and new positions |
//! | [`calibrate`], [`scale`], [`mask`] | intensities |
//! | [`slice`](mod@slice), [`volume`] | one plane of the mosaic, and all of it |
//! | [`dedup`], [`centroids`], [`to_global`] | labels and points of the whole sample |
//! | [`export_bdv`], [`blank_bdv`], [`mod@set_tile`] | BigDataViewer and BigStitcher |
//! | [`report`] | the page of a mosaic or of unique labels |
//! | [`surface`] | where a section touches the specimen |

pub mod blank_bdv;
mod boxes;
pub mod calibrate;
pub mod centroids;
mod columns;
pub mod dedup;
pub mod error;
pub mod export_bdv;
mod find;
pub mod info;
pub mod mask;
mod open;
pub mod options;
mod pixels;
mod plane;
mod position_file;
pub mod positions;
pub mod report;
pub mod scale;
pub mod set;
pub mod set_tile;
pub mod slice;
pub mod surface;
pub mod to_global;
pub mod volume;

pub use blank_bdv::{BlankBdvOptions, BlankBdvWorkflow};
pub use calibrate::CalibrateOptions;
pub use centroids::CentroidsOptions;
pub use dedup::{DedupOptions, DedupWorkflow};
pub use error::SetError;
pub use export_bdv::{ExportBdvOptions, ExportBdvWorkflow};
pub use info::info;
pub use mask::{MaskOptions, MaskWorkflow};
pub use options::SetOptions;
pub use positions::{PositionsOptions, UpdateOffsetsOptions};
pub use scale::{ScaleOptions, ScaleWorkflow};
pub use set::{SetTile, TileSet};
pub use set_tile::set_tile;
pub use slice::SliceOptions;
pub use surface::SurfaceOptions;
pub use to_global::ToGlobalOptions;
pub use volume::{VolumeOptions, VolumeWorkflow};

pub use crate::step::StepWorkflow;
pub use hooke_tileset::dedup::DedupParams;
pub use hooke_tileset::paste::{Blend, Zeros};
pub use hooke_tileset::percentile::{CalibrateMethod, CalibrateParams};
pub use hooke_tileset::placement::Place;
pub use hooke_tileset::scale::Rounding;
pub use hooke_tileset::slice::SliceOverlap;
pub use hooke_tileset::surface::From as SurfaceFrom;

/// `tileset calibrate`.
pub type CalibrateWorkflow = StepWorkflow<calibrate::Calibrate>;
/// `tileset centroids`.
pub type CentroidsWorkflow = StepWorkflow<centroids::Centroids>;
/// `tileset positions`.
pub type PositionsWorkflow = StepWorkflow<positions::Positions>;
/// `tileset slice`.
pub type SliceWorkflow = StepWorkflow<slice::Slice>;
/// `tileset surface`.
pub type SurfaceWorkflow = StepWorkflow<surface::ContactSurface>;
/// `tileset to-global`.
pub type ToGlobalWorkflow = StepWorkflow<to_global::ToGlobal>;
/// `tileset update-offsets`.
pub type UpdateOffsetsWorkflow = StepWorkflow<positions::UpdateOffsets>;
