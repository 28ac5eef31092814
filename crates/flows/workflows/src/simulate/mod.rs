//! `hooke simulate`: data with exact ground truth.

mod blobs;
mod labels;
mod movie;
mod tiles;

pub use blobs::SimulateBlobs;
pub use hooke_blobs::sim::BlobSimParams;
pub use hooke_events::sim::{Motion, MovieSimParams};
pub use labels::{LabelSimOptions, SimulateLabels};
pub use movie::{MovieSimOptions, SimulateMovie};
pub use tiles::{SimulateTiles, TileSimOptions};
