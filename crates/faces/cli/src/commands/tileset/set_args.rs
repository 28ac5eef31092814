//! The options that all verbs of `hooke tileset` share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::image_output::Store;
use hooke_workflows::tileset::{Blend, SetOptions, Zeros};

/// How tiles are read and where they lie.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tiles")]
pub struct ReadArgs {
    /// Positions that override those of the input: a table by tile, .xml, .nd2, layout.json or .npy
    #[arg(long, value_name = "FILE")]
    pub positions: Option<PathBuf>,
    /// Voxel size z,y,x in um; overrides the files [default: from the files]
    #[arg(long, value_name = "AXES")]
    pub voxel_size: Option<String>,
    /// Which image axis stage X, Y and Z drive, and which way, like -x,y,z [default: as the files say]
    #[arg(long, value_name = "AXES", allow_hyphen_values = true)]
    pub stage_axes: Option<String>,
    /// Take every n-th voxel, z,y,x [default: 1,1,1]
    #[arg(long, value_name = "AXES")]
    pub downscale: Option<String>,
    /// Only these tiles, like 0,3,5:8; they are then counted anew from 0 [default: all]
    #[arg(long, value_name = "LIST")]
    pub tiles: Option<String>,
    /// Reverse these axes of every tile, like y,x
    #[arg(long, value_name = "AXES")]
    pub flip: Option<String>,
    /// Channel, index or name
    #[arg(long, value_name = "CHANNEL", default_value = "0")]
    pub channel: String,
    /// Frame, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub t: u64,
    /// What the stored dimensions of the files are, in stored order, like xyz [default: as they say]
    #[arg(long, value_name = "AXES")]
    pub axes: Option<String>,
    /// Use the shifts of a rotated BigDataViewer XML alone
    #[arg(long)]
    pub ignore_rotation: bool,
}

impl ReadArgs {
    /// As the workflows take them.
    pub fn to_options(&self, input: Vec<String>) -> SetOptions {
        SetOptions {
            input,
            positions: self.positions.clone(),
            voxel_size: self.voxel_size.clone(),
            stage_axes: self.stage_axes.clone(),
            downscale: self.downscale.clone(),
            tiles: self.tiles.clone(),
            flip: self.flip.clone(),
            channel: self.channel.clone(),
            t: self.t,
            axes: self.axes.clone(),
            ignore_rotation: self.ignore_rotation,
        }
    }
}

/// The tiles, and how they are read.
#[derive(Debug, Clone, Args)]
pub struct SetArgs {
    /// A BigDataViewer .xml, an .nd2 or other file of several images, layout.json, a table, an
    /// OME-Zarr collection, a folder, or a list of files
    #[arg(value_name = "TILES", required = true, num_args = 1..)]
    pub input: Vec<String>,
    #[command(flatten)]
    pub read: ReadArgs,
}

impl SetArgs {
    /// As the workflows take them.
    pub fn to_options(&self) -> SetOptions {
        self.read.to_options(self.input.clone())
    }
}

/// Which tile a voxel of the mosaic is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Overlap {
    /// The last tile.
    Last,
    /// The first tile.
    First,
    /// The largest value.
    Max,
    /// The mean of all tiles there, zeros counted.
    Mean,
}

impl Overlap {
    /// As the workflows take it.
    pub fn blend(self) -> Blend {
        match self {
            Overlap::Last => Blend::Last,
            Overlap::First => Blend::First,
            Overlap::Max => Blend::Max,
            Overlap::Mean => Blend::Mean,
        }
    }
}

/// What a 0 in a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ZeroKind {
    /// Nothing: another tile shows through.
    Transparent,
    /// A value like any other.
    Opaque,
}

impl ZeroKind {
    /// As the workflows take it.
    pub fn zeros(self) -> Zeros {
        match self {
            ZeroKind::Transparent => Zeros::Transparent,
            ZeroKind::Opaque => Zeros::Opaque,
        }
    }
}

/// How tiles or a mosaic are stored.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storing")]
pub struct StoreArgs {
    /// Chunk z,y,x in voxels [default: 32,128,128, of HDF5 32,64,64]
    #[arg(long, value_name = "AXES")]
    pub chunk: Option<String>,
    /// Shard z,y,x in voxels [default: 4 chunks per axis]
    #[arg(long, value_name = "AXES")]
    pub shard: Option<String>,
    /// Pyramid levels: a number, `auto` or `none`
    #[arg(long, value_name = "N", default_value = "auto")]
    pub levels: String,
    /// Codec and level, like zstd:3 or none [default: zstd:3, of OME-TIFF deflate:6, of HDF5 gzip:4]
    #[arg(long, value_name = "CODEC[:LEVEL]")]
    pub compression: Option<String>,
}

impl StoreArgs {
    /// As the workflows take them.
    pub fn to_store(&self) -> Store {
        Store {
            chunk: self.chunk.clone(),
            shard: self.shard.clone(),
            levels: self.levels.clone(),
            compression: self.compression.clone(),
            ..Store::default()
        }
    }
}
