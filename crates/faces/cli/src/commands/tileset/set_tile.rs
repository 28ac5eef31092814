//! `hooke tileset set-tile`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::set_tile;
use serde_json::json;

use super::set_args::ReadArgs;
use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::outcome::Outcome;

/// Replace the pixels of one view of a BigDataViewer set by an image of the same shape and type.
///
/// The HDF5 file is copied, the copy changed, read back and put in its place; the XML stays.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset blank-bdv --count 2 --tile-size 16,128,128 -o blank.xml
  hooke tileset set-tile blank.xml --tile 1 demo/tile_0_0_0.tif
  hooke tileset set-tile blank.xml --tile 0 demo/tile_0_0_1.tif --flip x

Writes: the view, all its levels, into the HDF5 file of the set")]
pub struct SetTileArgs {
    /// The XML of the set
    #[arg(value_name = "SET.xml")]
    input: PathBuf,
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The tile to replace, counted from 0
    #[arg(long, value_name = "N")]
    tile: usize,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: SetTileArgs) -> Result {
    let image = args.read.to_options(vec![args.image]);
    let result = set_tile(&args.input, args.tile, &image, &())?;
    let _ = args.brief.quiet;
    let pixels = args.input.with_extension("h5");
    let size = std::fs::metadata(&pixels).map_or(0, |m| m.len());
    Ok(Outcome {
        outputs: vec![json!({"path": pixels, "format": "bdv-hdf5", "size_bytes": size})],
        result,
        ..Outcome::default()
    })
}
