//! `hooke blobs export`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::{ExportOptions, ExportWorkflow};

use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Write the blobs or matches of a store or a table for another program.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke blobs import spots.csv -o cells.sqlite --voxel-size 3,1,1
  hooke blobs export cells.sqlite -o cells.db
  hooke blobs export cells.sqlite -o points.csv --format napari-csv --channels 0
  hooke blobs export cells.sqlite -o counts.zarr --cell 30

Formats: parquet (.parquet), csv (.csv, .csv.gz), magmap-npz (.npz), magmap-db (.db),
cellfinder-xml (.xml), clearmap-npy (.npy) and density (.zarr) are known by their suffix; others are
magmap-csv, magmap-blobs-csv, cellfinder-csv, napari-csv, rsfish-csv, trackmate-csv, and neuroglancer,
which is a folder

Writes: one file or folder in that format")]
pub struct ExportArgs {
    /// A store, or a file of blobs
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// The file or folder to write
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// What is written [default: what the format holds, blobs if both]
    #[arg(long, value_name = "WHAT", help_heading = "Output", value_parser = ["blobs", "matches"])]
    table: Option<String>,
    /// Format of the output [default: by suffix]
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    format: Option<String>,
    /// Lengths of a cell of a density in um
    #[arg(long, value_name = "Z,Y,X", help_heading = "Output")]
    cell: Option<String>,
    /// Experiment of a store [default: the only one]
    #[arg(long, value_name = "NAME", help_heading = "Choosing")]
    experiment: Option<String>,
    /// Channels, from 0
    #[arg(long, value_name = "N,...", help_heading = "Choosing")]
    channels: Option<String>,
    /// Lowest corner of a box in voxels; with --shape
    #[arg(long, value_name = "Z,Y,X", help_heading = "Choosing", allow_hyphen_values = true)]
    offset: Option<String>,
    /// Lengths of the box in voxels; with --offset
    #[arg(long, value_name = "Z,Y,X", help_heading = "Choosing")]
    shape: Option<String>,
    /// Only blobs that a person confirmed
    #[arg(long, help_heading = "Choosing")]
    confirmed: bool,
    /// The least score
    #[arg(long, value_name = "SNR", help_heading = "Choosing")]
    min_score: Option<f64>,
    /// Matches of a table of blobs
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    matches: Option<PathBuf>,
    /// Voxel size in um; overrides the source
    #[arg(long, value_name = "Z,Y,X", help_heading = "Input")]
    voxel_size: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: ExportArgs, cx: &Context) -> Result {
    execute::refuse_existing(&args.output, &args.common)?;
    let options = ExportOptions {
        source: args.source,
        table: args.table,
        format: args.format,
        experiment: args.experiment,
        channels: args.channels,
        offset: args.offset,
        shape: args.shape,
        confirmed: args.confirmed,
        min_score: args.min_score,
        matches: args.matches,
        voxel_size: args.voxel_size,
        cell: args.cell,
        output: args.output.clone(),
    };
    let workflow = ExportWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
