//! Overlapping tiles to one seamless volume: align, place, fuse.
//!
//! Arrays in, arrays out: no paths are opened here. Points and shapes are `(z, y, x)`; a
//! two-dimensional tile has `z` = 1. Positions are in voxels of the layout.
//!
//! | module | holds |
//! |---|---|
//! | [`align`] | displacements of neighbouring tiles, with their uncertainty |
//! | [`fuse`] | tiles to one volume, block by block |
//! | [`gain`] | one gain and offset per tile, so that overlaps agree |
//! | [`layout`] | tiles, pairs, islands: the model behind `layout.json` |
//! | [`overlay`] | coloured pictures in which a wrong position shows |
//! | [`pairs`] | which tiles are measured against each other |
//! | [`place`] | positions from the displacements of pairs |
//! | [`region`] | boxes in layout coordinates, which may be negative |
//! | [`regions`] | disjoint boxes that together cover the tiles |
//! | [`score`] | a placement against the truth |
//! | [`sim`] | simulated tiles with exact truth |
//! | [`tile_pixels`] | how a method asks for the voxels of a tile |

pub mod align;
mod box_index;
pub mod fuse;
pub mod gain;
pub mod layout;
pub mod overlay;
pub mod pairs;
pub mod place;
pub mod regions;
pub mod score;
pub mod sim;

pub use hooke_core::{layout_region as region, tile_pixels};
pub use layout::{Layout, LayoutError, Pair, Tile};
pub use region::LayoutRegion;
pub use tile_pixels::{TileError, TilePixels};
