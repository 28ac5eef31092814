//! Integration tests of the readers and writers.
#![allow(clippy::unwrap_used)]

mod bdv;
mod blobs;
mod czi;
mod expressions;
mod harness;
mod hdf5;
mod http;
mod image_folder;
mod imaris;
mod jpeg2000;
mod lif;
mod n5;
mod nd2;
mod netcdf;
mod npy;
mod npz_writing;
mod png;
mod tables;
mod tiff_conformance;
mod tiff_faults;
mod tiff_writing;
mod video;
mod video;
mod zarr_conformance;
mod zarr_write;
