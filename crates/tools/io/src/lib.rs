//! Reading and writing microscopy images and tables.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@open`] | the one door for reading: what a file is, by its content |
//! | [`tiff`] | TIFF, BigTIFF, OME-TIFF, ImageJ hyperstacks |
//! | [`error`] | the one error of this crate: file, what was found, what was wanted |
//! | [`atomic`] | files that appear complete or not at all |
//! | [`bdv`] | BigDataViewer: XML with HDF5, N5 or OME-Zarr |
//! | [`blobs`] | tables, store and exchange of blobs and matches |
//! | [`chunk_cache`] | decoded chunks, bounded in bytes, shared by all sources |
//! | [`czi`] | Zeiss CZI |
//! | [`expression`] | paths with tags, such as `scan_<X,2>_<Y,2>.tif`, and the files that match |
//! | [`hdf5`] | HDF5 |
//! | [`http`] | containers on web servers |
//! | [`image_entry`] | one image as `hooke info --json` prints it |
//! | [`image_folder`] | folders of pictures as one stack |
//! | [`imaris`] | Imaris `.ims` |
//! | [`jpeg2000`] | JPEG 2000 images |
//! | [`lif`] | Leica LIF |
//! | [`npy`] | numpy's array files |
//! | [`png`] | PNG pictures |
//! | [`stored_axes`] | the axes of an array as they are stored |
//! | [`strided`] | regions of raw arrays in files |
//! | [`tables`] | tables of tiles and record batches: CSV, Parquet, JSON |
//! | [`terastitcher`] | TeraStitcher's XML |
//! | [`n5`] | N5 |
//! | [`nd2`] | Nikon ND2 |
//! | [`netcdf`] | netCDF-4 |
//! | [`natural`] | natural order of names |
//! | [`ome_zarr`] | OME-Zarr and plain Zarr |
//! | [`pyramid`] | pyramid levels of an image that is being written |
//! | [`video`] | MP4 films, written only |

pub mod atomic;
pub mod bdv;
pub mod blobs;
pub mod chunk_cache;
mod chunked;
pub mod czi;
pub mod error;
pub mod expression;
pub mod hdf5;
pub mod http;
pub mod image_entry;
pub mod image_folder;
pub mod imaris;
pub mod jpeg2000;
mod kept;
pub mod lif;
pub mod n5;
pub mod natural;
pub mod nd2;
pub mod netcdf;
pub mod npy;
pub mod ome_zarr;
pub mod open;
mod packed;
pub mod png;
mod positional;
pub mod pyramid;
pub mod stored_axes;
mod stream_order;
pub mod strided;
pub mod tables;
pub mod terastitcher;
pub mod tiff;
mod units;
pub mod video;

pub use chunk_cache::ChunkCache;
pub use error::{Error, Result};
pub use open::{OpenOptions, open};
