//! `hooke blobs ...`: blobs and their matches.

pub mod colocalize;
pub mod detect;
pub mod export;
mod image_args;
pub mod import;
pub mod pairing;
pub mod stats;

use clap::Subcommand;

use super::Result;
use crate::frame::context::Context;

/// The verbs of `hooke blobs`.
#[derive(Debug, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[allow(clippy::large_enum_variant, reason = "there is one value per run")]
#[command(after_help = "Examples:
  hooke blobs detect brain.ome.zarr -o blobs.parquet --radius 4,8
  hooke blobs match blobs.parquet -o matches.parquet --tol 5
  hooke blobs import spots.csv -o cells.sqlite --voxel-size 3,1,1
  hooke blobs export cells.sqlite -o cells.db")]
pub enum BlobsVerb {
    /// Find cells or spots in every channel, finer than a voxel
    Detect(detect::DetectArgs),
    /// Find which blobs of different channels are one object
    Match(pairing::MatchArgs),
    /// Say for every blob in which channels there is signal at its place
    Colocalize(colocalize::ColocalizeArgs),
    /// Measure how much channels overlap, voxel by voxel
    Stats(stats::StatsArgs),
    /// Add files of blobs to a store, or make one table of them
    Import(import::ImportArgs),
    /// Write a store or a table for another program
    Export(export::ExportArgs),
}

/// Runs the chosen verb.
pub fn run(verb: BlobsVerb, cx: &Context) -> Result {
    match verb {
        BlobsVerb::Detect(args) => detect::run(args, cx),
        BlobsVerb::Colocalize(args) => colocalize::run(args, cx),
        BlobsVerb::Import(args) => import::run(args, cx),
        BlobsVerb::Match(args) => pairing::run(args, cx),
        BlobsVerb::Stats(args) => stats::run(args, cx),
        BlobsVerb::Export(args) => export::run(args, cx),
    }
}
