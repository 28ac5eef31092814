//! The movie, as commands take it.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::events::MovieOptions;
use hooke_workflows::image_output::Store;

/// Which movie, and what of it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub struct MovieArgs {
    /// The movie: OME-Zarr, TIFF, HDF5, NPY, ND2 or any other image that Hooke reads
    #[arg(value_name = "MOVIE")]
    movie: PathBuf,
    /// Image, counted from 0, for files that hold several
    #[arg(long = "image", value_name = "N")]
    index: Option<usize>,
    /// Member of a container
    #[arg(long, value_name = "PATH")]
    dataset: Option<String>,
    /// What the stored dimensions are, in stored order, like tyx [default: from the file]
    #[arg(long, value_name = "AXES")]
    axes: Option<String>,
    /// Channel, by number from 0 or by name; needed when there are several
    #[arg(long, value_name = "N|NAME")]
    channel: Option<String>,
    /// Plane, for movies of volumes
    #[arg(long, value_name = "N")]
    z: Option<u64>,
    /// Frames, the end not included [default: all]
    #[arg(long, value_name = "A:B", allow_hyphen_values = true)]
    frames: Option<String>,
    /// Seconds between frames [default: from the file]
    #[arg(long, value_name = "S")]
    frame_interval: Option<f64>,
    /// Pixel size in um [default: from the file]
    #[arg(long, value_name = "Y,X")]
    voxel_size: Option<String>,
}

impl MovieArgs {
    pub fn options(self) -> MovieOptions {
        MovieOptions {
            movie: self.movie,
            index: self.index,
            dataset: self.dataset,
            axes: self.axes,
            channel: self.channel,
            z: self.z,
            frames: self.frames,
            frame_interval: self.frame_interval,
            voxel_size: self.voxel_size,
        }
    }
}

/// How a movie is stored.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storing")]
pub struct MovieStoreArgs {
    /// Format of the output [default: by its suffix]
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Compression of the output: none, zstd:3, gzip:6, blosc-lz4 or blosc-zstd [default: the format's own]
    #[arg(long, value_name = "CODEC")]
    compression: Option<String>,
}

impl MovieStoreArgs {
    pub fn store(self) -> Store {
        Store {
            format: self.format,
            compression: self.compression,
            levels: "none".to_owned(),
            ..Store::default()
        }
    }
}
