//! Overlapping tiles to one seamless volume: align, place, fuse.
//!
//! Arrays in, arrays out: no paths are opened here. Points and shapes are `(z, y, x)`; a
//! two-dimensional tile has `z` = 1. Positions are in voxels of the layout.
//!
//! | module | holds |
//! |---|---|
//! | [`fuse`] | tiles to one volume, block by block |
//! | [`gain`] | one gain and offset per tile, so that overlaps agree |
//! | [`layout`] | tiles, pairs, islands: the model behind `layout.json` |
//! | [`regions`] | disjoint boxes that together cover the tiles |
//! | [`sim`] | simulated tiles with exact truth |
//! | [`overlay`] | coloured pictures in which a wrong position shows |
//! | [`region`] | boxes in layout coordinates, which may be negative |
//! | [`tile_pixels`] | how a method asks for the voxels of a tile |

mod box_index;
pub mod fuse;
pub mod gain;
pub mod layout;
pub mod overlay;
pub mod region;
pub mod regions;
pub mod sim;
pub mod tile_pixels;

pub use layout::{Layout, LayoutError, Pair, Tile};
pub use region::LayoutRegion;
pub use tile_pixels::{TileError, TilePixels};
