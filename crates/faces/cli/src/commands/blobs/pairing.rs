//! `hooke blobs match`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::blobs::{MatchOptions, MatchWorkflow};

use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// Find which blobs of different channels are one object: exactly, within a gate.
///
/// Of every pair of channels, blobs that lie within an ellipsoid of each other are candidates; of these
/// the best set of pairs is found, in which every blob has at most one partner. Frames are matched each on
/// its own. The order of rows and the number of threads change nothing.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke blobs import spots.csv -o spots.parquet --voxel-size 3,1,1
  hooke blobs match spots.parquet -o matches.parquet --tol 6,5,5
  hooke blobs match spots.parquet -o matches.parquet --tuples objects.parquet
  hooke blobs match spots.parquet -o boxed.parquet --offset 0,0,0 --shape 9,64,64 --chance 99

Writes: OUT, a row per pair; with --tuples FILE, a row per object of any number of channels; with --chance,
chance.json in the folder of OUT; with --renumber, OUT's name with .blobs.parquet: the blobs by their new ids")]
pub struct MatchArgs {
    /// Tables of blobs; several are put together
    #[arg(value_name = "BLOBS", required = true)]
    source: Vec<PathBuf>,
    /// The table of matches, .parquet
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// Also write objects of any number of channels, .parquet; every blob is in exactly one
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    tuples: Option<PathBuf>,
    /// Semi-axes of the gate in um, or one number for all; partners lie strictly inside
    #[arg(long, value_name = "Z,Y,X", default_value = "5", help_heading = "Matching")]
    tol: String,
    /// `cardinality`: the most pairs, of these sets the closest; `distance`: the largest sum of 1 - d, d the
    /// distance as a part of the gate
    #[arg(long, value_name = "NAME", default_value = "cardinality", help_heading = "Matching")]
    #[arg(value_parser = ["cardinality", "distance"])]
    objective: String,
    /// Channels, from 0, of which every pair is matched [default: all]
    #[arg(long, value_name = "N,...", help_heading = "Choosing")]
    channels: Option<String>,
    /// Lowest corner of a box in voxels; with --shape [default: everything]
    #[arg(long, value_name = "Z,Y,X", help_heading = "Choosing", allow_hyphen_values = true)]
    offset: Option<String>,
    /// Lengths of the box in voxels; with --offset
    #[arg(long, value_name = "Z,Y,X", help_heading = "Choosing")]
    shape: Option<String>,
    /// Pairs need an end in the box shrunk by this many voxels on both sides [default: 0]
    #[arg(long, value_name = "Z,Y,X", help_heading = "Choosing")]
    inner_padding: Option<String>,
    /// Compare with chance: this many images in which the second channel is shifted, wrapping at the faces
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Chance")]
    chance: u64,
    /// Seed of the randomisation
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Chance")]
    seed: u64,
    /// Image of the same field of view that is not 0 where blobs can be; those of the second channel are put
    /// at random places in it instead of being shifted
    #[arg(long, value_name = "IMAGE", help_heading = "Chance")]
    mask: Option<PathBuf>,
    /// Number blobs anew: for tables whose ids are not distinct
    #[arg(long, help_heading = "Input")]
    renumber: bool,
    /// Voxel size in um; overrides the tables
    #[arg(long, value_name = "Z,Y,X", help_heading = "Input")]
    voxel_size: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: MatchArgs, cx: &Context) -> Result {
    let options = MatchOptions {
        sources: args.source,
        tol: args.tol,
        channels: args.channels,
        objective: match args.objective.as_str() {
            "distance" => hooke_workflows::blobs::Objective::Distance,
            _ => hooke_workflows::blobs::Objective::Cardinality,
        },
        offset: args.offset,
        shape: args.shape,
        inner_padding: args.inner_padding,
        tuples: args.tuples,
        chance: args.chance,
        seed: args.seed,
        mask: args.mask,
        voxel_size: args.voxel_size,
        renumber: args.renumber,
        output: args.output.clone(),
    };
    for output in options.outputs() {
        execute::refuse_existing(&output, &args.common)?;
    }
    let workflow = MatchWorkflow::new(options)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
