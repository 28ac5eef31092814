//! `hooke simulate`: data with exact ground truth.

mod tiles;

pub use tiles::{SimulateTiles, TileSimOptions};
