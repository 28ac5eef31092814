//! BigDataViewer: an XML of views with positions, and an HDF5 file, an N5 container or OME-Zarr
//! images of their pixels.
//!
//! | module | holds |
//! |---|---|
//! | `affine` | 3x4 maps from voxels `(x, y, z)` to the world |
//! | `model` | what the XML says: setups, timepoints, missing views, registrations |
//! | `parse` | XML to the model |
//! | `emit` | the model to XML |
//! | `read` | views as images |
//! | `replace` | one view replaced by another image |
//! | `view` | one setup: a view per timepoint, wherever its pixels are |
//! | `hdf5` | one setup of an HDF5 file: levels, pixels |
//! | `n5` | one setup of an N5 container: levels, pixels |
//! | `zarr` | one setup of a folder of OME-Zarr images |
//! | `describe` | what the XML of written images says |
//! | `write` | images to XML and HDF5 |
//! | `write_n5` | an image to XML and N5 |
//! | `write_zarr` | an image to XML and OME-Zarr |
//! | `tiles` | an XML as a list of tiles, and a list of placed tiles as an XML |

mod affine;
mod describe;
mod emit;
mod hdf5;
mod model;
mod n5;
mod parse;
mod read;
mod replace;
mod tiles;
mod view;
mod write;
mod write_n5;
mod write_zarr;
mod zarr;

pub use affine::Affine;
pub use describe::WorldUnit;
pub use emit::emit;
pub use model::{
    FileMapping, Loader, NamedAffine, Setup, SpimData, UnknownAxes, ViewKey, VoxelSize, ZarrGroup,
};
pub use parse::parse;
pub use read::{BdvDataset, is_bdv_hdf5, open_hdf5, open_xml};
pub use replace::replace_view;
pub use tiles::{BdvTile, BdvTileSource, PlacedTile, export_tiles, placed_xml, read_tiles};
pub use write::{BdvFile, BdvSettings, BdvSink};
pub use write_n5::BdvN5Sink;
pub use write_zarr::BdvZarrSink;

use crate::open::Probe;

/// Whether a file is XML with `SpimData`.
pub fn recognises_xml(probe: &Probe) -> bool {
    let text = String::from_utf8_lossy(&probe.head);
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<') && text.contains("<SpimData")
}
