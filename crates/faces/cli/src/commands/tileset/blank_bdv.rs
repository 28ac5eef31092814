//! `hooke tileset blank-bdv`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::image_output::Store;
use hooke_workflows::tileset::{BlankBdvOptions, BlankBdvWorkflow};

use super::set_args::{ReadArgs, StoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Make a BigDataViewer set of noise, whose views are filled by `hooke tileset set-tile`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset blank-bdv --count 2 --tile-size 16,128,128 -o blank.xml
  hooke tileset blank-bdv demo/tiles.csv -o like_demo.xml --noise 0

Writes: OUT.xml and OUT.h5, OUT.xml.hooke.json and OUT.xml.run.toml beside them")]
pub struct BlankBdvArgs {
    /// Tiles to stand for; without them give --count and --tile-size
    #[arg(value_name = "TILES", num_args = 0..)]
    input: Vec<String>,
    /// The XML to write; the pixels go to OUT.h5
    #[arg(short, long, value_name = "OUT.xml")]
    output: PathBuf,
    /// Number of tiles
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Size of a tile in voxels, z,y,x; of given tiles the distances change with it
    #[arg(long, value_name = "AXES")]
    tile_size: Option<String>,
    /// Sample type to write
    #[arg(long, value_name = "DTYPE", default_value = "u16")]
    dtype: String,
    /// Noise is uniform from 0 to below this grey level; 0 stores no pixels
    #[arg(long, value_name = "LEVEL", default_value_t = 200.0)]
    noise: f64,
    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// What one unit of the world is: a micrometre or a voxel along x
    #[arg(long, value_name = "UNIT", default_value = "um", value_parser = ["um", "px"])]
    bdv_units: String,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: BlankBdvArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = BlankBdvOptions {
        set: args.read.to_options(args.input),
        count: args.count,
        tile_size: args.tile_size,
        dtype: args.dtype,
        noise: args.noise,
        seed: args.seed,
        store: Store { bdv_units: args.bdv_units, ..args.store.to_store() },
        output: args.output.clone(),
    };
    let workflow = BlankBdvWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
