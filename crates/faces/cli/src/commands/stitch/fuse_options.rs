//! The options of `stitch fuse`, shared with `stitch run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_workflows::stitch::FuseOptions;

use super::align_options::word;

/// How overlapping tiles become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BlendKind {
    /// Weighted mean, weight = distance to the tile's border.
    Linear,
    /// Weighted mean with a smooth ramp.
    Cosine,
    /// Largest value.
    Max,
    /// Smallest value.
    Min,
    /// Plain mean.
    Mean,
    /// The tile with the lowest id.
    First,
    /// The tile with the highest id.
    Last,
    /// The tile whose border is farthest.
    Closest,
    /// Linear, then scaled to the inputs' maximum region by region.
    LinearAdjustMax,
}

/// How fractional positions are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InterpolationKind {
    /// The nearest voxel.
    Nearest,
    /// Between two voxels per axis.
    Linear,
    /// Catmull-Rom over four voxels per axis.
    Cubic,
}

/// How tiles become a volume.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Fusing")]
pub struct BlendArgs {
    /// How overlapping tiles become one value
    #[arg(long, value_enum, value_name = "HOW", default_value = "linear")]
    pub blend: BlendKind,
    /// How fractional positions are evaluated; whole ones are copied exactly
    #[arg(long, value_enum, value_name = "HOW", default_value = "linear")]
    pub interpolation: InterpolationKind,
    /// With --blend cosine: width of the ramp, voxels [default: the largest overlap]
    #[arg(long, value_name = "AXES")]
    pub ramp: Option<String>,
    /// Fuse stage positions
    #[arg(long)]
    pub nominal: bool,
    /// Part of the output, output voxels, ends not included [default: whole]
    #[arg(long, value_name = "BOX", allow_hyphen_values = true)]
    pub region: Option<String>,
    /// Other files for the same layout: MATCH=REPLACE expressions; repeatable
    #[arg(long, value_name = "MATCH=REPLACE")]
    pub source: Vec<String>,
    /// Even out brightness: `none`, or `pairs` for one gain and offset per tile
    #[arg(long, value_name = "HOW", default_value = "none", value_parser = ["none", "pairs"])]
    pub gain: String,
}

/// How the volume is written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Writing")]
pub struct WriteArgs {
    /// Format of the output [default: by suffix, else ome-zarr]
    #[arg(long, value_name = "FORMAT", value_parser = ["ome-zarr", "ome-tiff", "tiff", "imagej-tiff", "hdf5", "netcdf", "bdv", "npy"])]
    pub format: Option<String>,
    /// Sample type of the output [default: as the tiles]
    #[arg(long, value_name = "DTYPE")]
    pub dtype: Option<String>,
    /// Grey level where there is no tile
    #[arg(long, value_name = "LEVEL", default_value_t = 0.0, allow_hyphen_values = true)]
    pub fill: f64,
    /// Chunk z,y,x in voxels [default: 64,256,256, of HDF5 32,64,64]
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

/// Everything of `fuse` that `run` has too.
pub fn to_options(
    blend: &BlendArgs,
    write: &WriteArgs,
    flat: Option<PathBuf>,
    dark: Option<PathBuf>,
) -> FuseOptions {
    FuseOptions {
        blend: word(blend.blend),
        interpolation: word(blend.interpolation),
        ramp: blend.ramp.clone(),
        nominal: blend.nominal,
        region: blend.region.clone(),
        channel: None,
        strict: false,
        source: blend.source.clone(),
        gain: blend.gain.clone(),
        flat,
        dark,
        format: write.format.clone(),
        dtype: write.dtype.clone(),
        fill: write.fill,
        chunk: write.chunk.clone(),
        shard: write.shard.clone(),
        levels: write.levels.clone(),
        compression: write.compression.clone(),
    }
}
