//! `hooke simulate`: data with exact ground truth.

mod labels;
mod tiles;

pub use labels::{LabelSimOptions, SimulateLabels};
pub use tiles::{SimulateTiles, TileSimOptions};
