//! BigDataViewer: an XML of views with positions, and an HDF5 file of their pixels.
//!
//! | module | holds |
//! |---|---|
//! | `affine` | 3x4 maps from voxels `(x, y, z)` to the world |
//! | `model` | what the XML says: setups, timepoints, missing views, registrations |
//! | `parse` | XML to the model |
//! | `emit` | the model to XML |
//! | `read` | views as images |
//! | `replace` | one view replaced by another image |
//! | `view` | one setup of the HDF5 file: levels, views, pixels |
//! | `write` | images to XML and HDF5 |
//! | `tiles` | an XML as a list of tiles, and a list of placed tiles as an XML |

mod affine;
mod emit;
mod model;
mod parse;
mod read;
mod replace;
mod tiles;
mod view;
mod write;

pub use affine::Affine;
pub use emit::emit;
pub use model::{
    FileMapping, Loader, NamedAffine, Setup, SpimData, UnknownAxes, ViewKey, VoxelSize,
};
pub use parse::parse;
pub use read::{BdvDataset, is_bdv_hdf5, open_hdf5, open_xml};
pub use replace::replace_view;
pub use tiles::{BdvTile, BdvTileSource, PlacedTile, export_tiles, placed_xml, read_tiles};
pub use write::{BdvFile, BdvSettings, BdvSink, WorldUnit};

use crate::open::Probe;

/// Whether a file is XML with `SpimData`.
pub fn recognises_xml(probe: &Probe) -> bool {
    let text = String::from_utf8_lossy(&probe.head);
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<') && text.contains("<SpimData")
}
