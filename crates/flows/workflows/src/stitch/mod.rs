//! `hooke stitch`: overlapping tiles to one seamless volume.
//!
//! | module | does |
//! |---|---|
//! | [`input`] | what a user named, to a layout with nominal positions |
//! | [`tiles`] | the voxels of a layout's tiles, box by box |
//! | [`actions`] | look at, cut and edit a layout |
//! | [`files`] | `layout.json` on disk |

pub mod actions;
pub mod error;
pub mod files;
pub mod input;
mod input_grid;
mod input_kinds;
pub mod tiles;

pub use error::StitchError;
pub use input::InputOptions;
