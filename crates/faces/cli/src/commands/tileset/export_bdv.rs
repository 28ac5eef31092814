//! `hooke tileset export-bdv`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::image_output::Store;
use hooke_workflows::tileset::{ExportBdvOptions, ExportBdvWorkflow};

use super::set_args::{SetArgs, StoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Write the tiles for BigDataViewer and BigStitcher: one view per tile, at its position.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset export-bdv demo/tiles.csv -o tiles.xml
  hooke tileset export-bdv demo/tiles.csv -o bytes.xml --dtype u8 --cast scale --range 0,4000

Writes: OUT.xml and OUT.h5, OUT.xml.hooke.json and OUT.xml.run.toml beside them")]
pub struct ExportBdvArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The XML to write; the pixels go to OUT.h5
    #[arg(short, long, value_name = "OUT.xml", help_heading = "Output")]
    output: PathBuf,
    /// Sample type to write [default: as the tiles]
    #[arg(long, value_name = "DTYPE", help_heading = "Values")]
    dtype: Option<String>,
    /// With --dtype: `exact` refuses a value that is lost, `clip` saturates, `scale` rescales
    #[arg(long, value_name = "HOW", help_heading = "Values", default_value = "exact")]
    #[arg(value_parser = ["exact", "clip", "scale"])]
    cast: String,
    /// With --cast scale: grey levels that fill the new range
    #[arg(long, value_name = "LO,HI", help_heading = "Values", allow_hyphen_values = true)]
    range: Option<String>,
    /// What one unit of the world is: a micrometre or a voxel along x
    #[arg(long, value_name = "UNIT", help_heading = "Storing", default_value = "um")]
    #[arg(value_parser = ["um", "px"])]
    bdv_units: String,
    /// Where the pixels are stored
    #[arg(long, value_name = "BACKEND", help_heading = "Storing", default_value = "hdf5")]
    #[arg(value_parser = ["hdf5"])]
    bdv: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ExportBdvArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    // There is one backend so far.
    let _ = args.bdv.as_str();
    let options = ExportBdvOptions {
        set: args.set.to_options(),
        dtype: args.dtype,
        cast: args.cast,
        range: args.range,
        store: Store { bdv_units: args.bdv_units, ..args.store.to_store() },
        output: args.output.clone(),
    };
    let workflow = ExportBdvWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
