//! The TIFF family: TIFF, BigTIFF, OME-TIFF, ImageJ hyperstacks; planar and tiled, read and write.
//!
//! | module | holds |
//! |---|---|
//! | `dataset` | [`open`]: which flavour a file is, and its images |
//! | `series`, `stack`, `ome` | the images of plain files, of ImageJ and STK files, of OME-TIFF |
//! | `image`, `chunk` | regions, read in parallel |
//! | `ifd`, `file`, `tag` | bytes, directories, values of tags |
//! | `layout`, `page`, `planes`, `ome_planes` | what a page holds, where planes are |
//! | `decompress`, `jpeg`, `predictor`, `samples` | from compressed bytes to samples |
//! | `write` | [`TiffSink`]: writing, block by block |
//! | `resolution`, `units`, `imagej`, `ome_xml`, `metaseries`, `micromanager`, `shaped` | metadata |

mod chunk;
mod dataset;
mod decompress;
mod file;
mod ifd;
mod image;
mod imagej;
mod jpeg;
mod layout;
mod metaseries;
mod micromanager;
mod ome;
mod ome_planes;
mod ome_xml;
mod page;
mod planes;
mod predictor;
mod resolution;
mod samples;
mod series;
mod shaped;
mod stack;
mod tag;
mod units;
mod write;

pub use dataset::{TiffDataset, open, open_bytes};
pub use image::TiffImage;
pub use write::{Compression, Kind, TiffSink, WriteOptions, lost_items};
