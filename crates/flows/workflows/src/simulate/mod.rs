//! `hooke simulate`: data with exact ground truth.

mod blobs;
mod labels;
mod tiles;

pub use blobs::SimulateBlobs;
pub use hooke_blobs::sim::BlobSimParams;
pub use labels::{LabelSimOptions, SimulateLabels};
pub use tiles::{SimulateTiles, TileSimOptions};
