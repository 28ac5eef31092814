//! `hooke tileset dedup`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::tileset::{DedupOptions, DedupParams, DedupWorkflow};

use super::set_args::{SetArgs, StoreArgs};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Make labels unique over all tiles, objects in overlaps counted once.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke tileset dedup labels/tiles.csv -o unique.zarr
  hooke tileset dedup labels/tiles.csv -o strict.csv --min-iou 0.5 --min-voxels 20

Writes: the tiles with new ids by the suffix (.zarr, .xml, .csv), OUT.ids.parquet with the new id of
every label, OUT.overlaps.parquet with every pair of labels that share voxels; OUT.hooke.json and
OUT.run.toml beside it")]
pub struct DedupArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The set to write: .zarr, .xml or .csv
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Table of ids [default: OUT.ids.parquet]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    table: Option<PathBuf>,
    /// Table of overlaps [default: OUT.overlaps.parquet]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    overlaps: Option<PathBuf>,
    /// Make the tables alone
    #[arg(long, help_heading = "Output")]
    tables_only: bool,
    /// Type of the ids: `auto`, u32 or u64
    #[arg(long, value_name = "DTYPE", help_heading = "Output", default_value = "auto")]
    dtype: String,
    /// Smallest intersection over union, in the overlap, of two labels that are one
    #[arg(long, value_name = "F", help_heading = "Matching", default_value_t = 0.25)]
    min_iou: f64,
    /// Fewest voxels that they share
    #[arg(long, value_name = "N", help_heading = "Matching", default_value_t = 1)]
    min_voxels: u64,
    /// Several labels of one tile may become one: for fragments
    #[arg(long, help_heading = "Matching")]
    many_to_one: bool,
    /// Match tiles that abut, or miss each other by a voxel, over their facing planes
    #[arg(long, help_heading = "Matching")]
    touching: bool,
    /// The first new id
    #[arg(long, value_name = "N", help_heading = "Matching", default_value_t = 1)]
    first_id: u64,
    /// Make the page OUT.report.html too
    #[arg(long, help_heading = "Output")]
    report: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: DedupArgs, cx: &Context) -> Result {
    let options = DedupOptions {
        set: args.set.to_options(),
        params: DedupParams {
            min_iou: args.min_iou,
            min_voxels: args.min_voxels,
            many_to_one: args.many_to_one,
            touching: args.touching,
            first_id: args.first_id,
        },
        table: args.table,
        overlaps: args.overlaps,
        dtype: args.dtype,
        tables_only: args.tables_only,
        store: args.store.to_store(),
        output: args.output,
    };
    let product = options.product();
    execute::refuse_existing(&product, &args.common)?;
    let workflow = DedupWorkflow::new(options)?;
    let mut outcome = execute::run(&workflow, &product, &args.common, cx)?;
    if args.report {
        super::add_report(&mut outcome, &product, &args.common, cx)?;
    }
    Ok(outcome)
}
