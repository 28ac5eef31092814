//! `hooke convert`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::convert::{ConvertAllWorkflow, ConvertOptions, ConvertWorkflow};
use hooke_workflows::image_output::{FORMATS, Store};

use super::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Write any readable image in any writable format, block by block.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke convert demo/tile_0_0_0.tif -o tile.ome.zarr
  hooke convert tile.ome.zarr -o crop.tif --z 0:8 --y 32:96 --x 32:96 --dtype uint8 --cast scale

Writes: OUT, OUT.hooke.json and OUT.run.toml beside it")]
pub struct ConvertArgs {
    /// The image, or the files of one like 'cells_<T,3>_<Z,2>.tif'; several are joined along one axis, in
    /// the order given
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// The output; the suffix chooses the format, NAME/ a folder of pictures
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Which image of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImageChoice {
    One(usize),
    All,
}

fn image_choice(text: &str) -> std::result::Result<ImageChoice, String> {
    match text {
        "all" => Ok(ImageChoice::All),
        number => {
            number.parse().map(ImageChoice::One).map_err(|_| "write a number, or all".to_owned())
        }
    }
}

/// What is taken from the input.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Selecting")]
struct SelectArgs {
    /// Image, counted from 0, for files that hold several; `all` writes a set: OUT.zarr, OUT.xml
    /// (BigDataViewer) or OUT.csv (a table and a folder of OME-TIFFs)
    #[arg(long, value_name = "N|all", value_parser = image_choice)]
    image: Option<ImageChoice>,
    /// Member of a container
    #[arg(long, value_name = "PATH")]
    dataset: Option<String>,
    /// Pyramid level to read
    #[arg(long, value_name = "N", default_value_t = 0)]
    level: usize,
    /// What the stored dimensions are, in stored order, like xyz [default: from the file]
    #[arg(long, value_name = "AXES")]
    axes: Option<String>,
    /// Of several inputs, or a folder of pictures: the axis they follow each other along [default: z,
    /// of a folder as its names say]
    #[arg(long, value_name = "AXIS", value_parser = ["t", "c", "z"])]
    along: Option<String>,
    /// Number or names of channels whose planes are stored in turn
    #[arg(long, value_name = "N|NAMES")]
    deinterleave: Option<String>,
    /// With --deinterleave: leave out the last planes if they are no whole set of channels
    #[arg(long, requires = "deinterleave")]
    drop_remainder: bool,
    /// Frames: 5, 2:10 or ::2, the end not included [default: all]
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    t: Option<String>,
    /// Channels: a span, or names separated by commas [default: all]
    #[arg(long, value_name = "SPAN|NAMES", allow_hyphen_values = true)]
    c: Option<String>,
    /// Planes [default: all]
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    z: Option<String>,
    /// Rows [default: all]
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    y: Option<String>,
    /// Columns [default: all]
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    x: Option<String>,
    /// Fill damaged parts instead of refusing them
    #[arg(long)]
    rescue: bool,
}

/// What becomes of values and sizes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Values and sizes")]
struct ValueArgs {
    /// Subtract from every voxel a channel, by name or number, or the mean, median or min of its pixel
    /// over the frames, or the image of a file
    #[arg(long, value_name = "WHAT")]
    subtract: Option<String>,
    /// Resample by a factor, or to YxX or ZxYxX voxels: means of whole voxels when it shrinks by an
    /// integer, else linear; with --labels the nearest
    #[arg(long, value_name = "FACTOR|LENGTHS")]
    rescale: Option<String>,
    /// Sample type, like uint16 [default: as the input]
    #[arg(long, value_name = "DTYPE")]
    dtype: Option<String>,
    /// With --dtype: `exact` refuses a value that is lost, `clip` saturates, `scale` rescales
    #[arg(long, value_name = "HOW", default_value = "exact", value_parser = ["exact", "clip", "scale"])]
    cast: String,
    /// With --cast scale: grey levels lo,hi that fill the new range, percentiles p1,p99.9, or minmax
    #[arg(
        long,
        value_name = "LO,HI|pLO,pHI|minmax",
        default_value = "minmax",
        allow_hyphen_values = true
    )]
    range: String,
    /// Voxel size z,y,x in um [default: from the input]
    #[arg(long, value_name = "AXES")]
    voxel_size: Option<String>,
    /// Position of the first voxel z,y,x in um [default: from the input]
    #[arg(long, value_name = "AXES", allow_hyphen_values = true)]
    origin: Option<String>,
    /// Seconds between frames [default: from the input]
    #[arg(long, value_name = "S")]
    frame_interval: Option<f64>,
    /// Names of the channels, separated by commas [default: from the input]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    channel_names: Vec<String>,
    /// Colours of the channels, #RRGGBB separated by commas [default: from the input]
    #[arg(long, value_name = "COLORS", value_delimiter = ',')]
    channel_colors: Vec<String>,
    /// Integers are identities: no averaging, no scaling
    #[arg(long)]
    labels: bool,
}

/// How the output is stored.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storing")]
struct StoreArgs {
    /// Format of the output [default: by suffix]
    #[arg(long, value_name = "FORMAT", value_parser = FORMATS)]
    to: Option<String>,
    /// Chunk z,y,x in voxels [default: 32,128,128, of HDF5 32,64,64, of N5
    /// 64,64,64]
    #[arg(long, value_name = "AXES")]
    chunk: Option<String>,
    /// Shard z,y,x in voxels [default: 4 chunks per axis]
    #[arg(long, value_name = "AXES")]
    shard: Option<String>,
    /// Codec and level: none, zstd, gzip, blosc-lz4, blosc-zstd; of TIFF also lzw, deflate, packbits;
    /// of NPZ none, deflate
    /// [default: zstd:3, of OME-TIFF deflate:6, of HDF5 gzip:4, of N5 gzip:6]
    #[arg(long, value_name = "CODEC[:LEVEL]")]
    compression: Option<String>,
    /// Pyramid levels: a number, `auto` or `none`
    #[arg(long, value_name = "N", default_value = "auto")]
    levels: String,
    /// How many times smaller a level is than the one before, z,y,x; steps separated by `;`, the
    /// last repeats [default: 2 along every axis until voxels are cubes and the level is small]
    #[arg(long, value_name = "AXES")]
    factors: Option<String>,
    /// How a level is made from the one before [default: mean, with --labels mode]
    #[arg(long, value_name = "HOW", value_parser = ["mean", "median", "mode", "nearest", "max"])]
    downsample: Option<String>,
    /// Version of OME-Zarr
    #[arg(long, value_name = "VERSION", default_value = "0.5", value_parser = ["0.5", "0.4"])]
    ngff: String,
    /// With OME-Zarr: store all five axes, those of length 1 too, as BigDataViewer wants them
    #[arg(long)]
    pad_5d: bool,
    /// With BigDataViewer: what holds the pixels beside the XML
    #[arg(long, value_name = "FORMAT", default_value = "hdf5", value_parser = ["hdf5", "n5", "zarr"])]
    bdv: String,
    /// With BigDataViewer: what one unit of the world is, a micrometre or a voxel along x
    #[arg(long, value_name = "UNIT", default_value = "um", value_parser = ["um", "px"])]
    bdv_units: String,
    /// Of a film: frames per second
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    fps: f64,
}

/// Runs the command.
pub fn run(args: ConvertArgs, cx: &Context) -> Result {
    let (s, v, w) = (args.select, args.values, args.store);
    let folder = args.output.as_os_str().as_encoded_bytes().ends_with(b"/");
    let plain = args.output.extension().is_none();
    let format = w.to.or_else(|| (folder && plain).then(|| "image-folder".to_owned()));
    // Files beside the output take its name, which ends before the slash.
    let output: PathBuf = args.output.components().collect();
    let options = ConvertOptions {
        image: match s.image {
            Some(ImageChoice::One(image)) => Some(image),
            _ => None,
        },
        all_images: s.image == Some(ImageChoice::All),
        dataset: s.dataset,
        level: s.level,
        axes: s.axes,
        along: s.along,
        spans: [s.t, s.c, s.z, s.y, s.x],
        deinterleave: s.deinterleave,
        drop_remainder: s.drop_remainder,
        subtract: v.subtract,
        rescale: v.rescale,
        dtype: v.dtype,
        cast: v.cast,
        range: v.range,
        voxel_size: v.voxel_size,
        origin: v.origin,
        frame_interval: v.frame_interval,
        channel_names: v.channel_names,
        channel_colors: v.channel_colors,
        labels: v.labels,
        rescue: s.rescue,
        verify: args.common.verify,
        store: Store {
            format,
            chunk: w.chunk,
            shard: w.shard,
            levels: w.levels,
            compression: w.compression,
            factors: w.factors,
            downsample: w.downsample,
            ngff: w.ngff,
            pad_5d: w.pad_5d,
            bdv: w.bdv,
            bdv_units: w.bdv_units,
            fps: w.fps,
            labels: v.labels,
            ..Store::default()
        },
    };
    execute::refuse_existing(&output, &args.common)?;
    if options.all_images {
        let workflow = ConvertAllWorkflow::new(options, &args.inputs, &output)?;
        return execute::run(&workflow, &output, &args.common, cx);
    }
    let workflow = ConvertWorkflow::new(options, &args.inputs, &output)?;
    execute::run(&workflow, &output, &args.common, cx)
}
