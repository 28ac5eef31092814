//! `hooke stitch`: overlapping tiles to one seamless volume.
//!
//! | module | does |
//! |---|---|
//! | [`input`] | what a user named, to a layout with nominal positions |
//! | [`detect`] | an expression from the names of tiles |
//! | [`tiles`] | the voxels of a layout's tiles, box by box |
//! | [`align`], [`align_options`] | the displacement of every pair |
//! | [`mod@place`] | positions from displacements |
//! | [`fuse`], [`fuse_options`] | a placed layout to a volume |
//! | [`actions`], [`export`] | look at, cut, edit and export a layout |
//! | [`preview`], [`mod@report`] | pictures and the page |
//! | [`files`] | `layout.json` on disk |

pub mod actions;
mod adjust;
pub mod align;
pub mod align_options;
pub mod detect;
pub mod error;
pub mod export;
pub mod files;
pub mod fuse;
mod fuse_channels;
pub mod fuse_options;
mod fuse_stage;
mod gains;
pub mod input;
mod input_grid;
pub(crate) mod input_kinds;
pub mod place;
pub(crate) mod plane;
pub mod preview;
pub mod report;
mod report_map;
pub mod tiles;

pub use align::AlignWorkflow;
pub use align_options::AlignOptions;
pub use error::StitchError;
pub use export::export_layout;
pub use fuse::FuseWorkflow;
pub use fuse_options::FuseOptions;
pub use hooke_stitch::Layout;
pub use input::InputOptions;
pub use place::{PlaceOptions, PlaceWorkflow, parse_min_quality};
pub use preview::{PreviewOptions, preview_file, write_report};

/// `OUT.suffix` beside an output.
pub fn sibling(output: &std::path::Path, suffix: &str) -> std::path::PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    output.with_file_name(name)
}
