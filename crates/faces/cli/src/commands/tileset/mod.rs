//! `hooke tileset ...`: sets of fields of view, as expansion microscopy records them.

pub mod blank_bdv;
pub mod calibrate;
pub mod centroids;
pub mod dedup;
pub mod export_bdv;
pub mod info;
pub mod mask;
pub mod positions;
pub mod scale;
pub mod set_args;
pub mod set_tile;
pub mod slice;
pub mod surface;
pub mod to_global;
pub mod update_offsets;
pub mod volume;

use std::path::Path;

use clap::Subcommand;
use hooke_workflows::tileset::report::write_report;
use serde_json::json;

use super::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;
use crate::frame::outcome::{Outcome, Status};

/// The verbs of `hooke tileset`.
#[derive(Debug, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[allow(clippy::large_enum_variant, reason = "there is one value per run")]
#[command(after_help = "Examples:
  hooke tileset info labels/tiles.csv
  hooke tileset dedup labels/tiles.csv -o unique.zarr
  hooke tileset centroids unique.zarr -o objects.csv

`hooke simulate tiles --help` says how to make labels/.")]
pub enum TilesetVerb {
    /// Tell what tiles there are, where they lie, and what is suspicious
    Info(info::InfoArgs),
    /// Write the positions of tiles as a table
    Positions(positions::PositionsArgs),
    /// Measure one intensity scale for all tiles
    Calibrate(calibrate::CalibrateArgs),
    /// Bring all tiles to one intensity scale
    Scale(scale::ScaleArgs),
    /// Look at one plane of the mosaic
    Slice(slice::SliceArgs),
    /// Paste the tiles into one volume
    Volume(volume::VolumeArgs),
    /// Make labels unique over all tiles, objects in overlaps counted once
    Dedup(dedup::DedupArgs),
    /// Tell where every label of the mosaic lies
    Centroids(centroids::CentroidsArgs),
    /// Bring points of tiles into the whole sample, or back
    ToGlobal(to_global::ToGlobalArgs),
    /// Set voxels outside a mask to 0
    Mask(mask::MaskArgs),
    /// Write the tiles for BigDataViewer and BigStitcher
    ExportBdv(export_bdv::ExportBdvArgs),
    /// Make a BigDataViewer set of noise, to be filled later
    BlankBdv(blank_bdv::BlankBdvArgs),
    /// Replace the pixels of one view of a BigDataViewer set
    SetTile(set_tile::SetTileArgs),
    /// Give the tiles the positions of another file
    UpdateOffsets(update_offsets::UpdateOffsetsArgs),
    /// Find the contact surface of a volume
    Surface(surface::SurfaceArgs),
}

/// Makes the page of an output that is complete.
fn add_report(
    outcome: &mut Outcome,
    output: &Path,
    common: &CommonArgs,
    cx: &Context,
) -> std::result::Result<(), CliError> {
    let made = outcome.status == Status::Done && !common.dry_run && !common.plan_only;
    if made {
        let page = write_report(output)?;
        execute::wrote(&page, cx, common.quiet);
        let size = std::fs::metadata(&page).map_or(0, |m| m.len());
        outcome.outputs.push(json!({"path": page, "format": "html", "size_bytes": size}));
    }
    Ok(())
}

/// Runs the chosen verb.
pub fn run(verb: TilesetVerb, cx: &Context) -> Result {
    match verb {
        TilesetVerb::Info(args) => info::run(args),
        TilesetVerb::Positions(args) => positions::run(args, cx),
        TilesetVerb::Calibrate(args) => calibrate::run(args, cx),
        TilesetVerb::Scale(args) => scale::run(args, cx),
        TilesetVerb::Slice(args) => slice::run(args, cx),
        TilesetVerb::Volume(args) => volume::run(args, cx),
        TilesetVerb::Dedup(args) => dedup::run(args, cx),
        TilesetVerb::Centroids(args) => centroids::run(args, cx),
        TilesetVerb::ToGlobal(args) => to_global::run(args, cx),
        TilesetVerb::Mask(args) => mask::run(args, cx),
        TilesetVerb::ExportBdv(args) => export_bdv::run(args, cx),
        TilesetVerb::BlankBdv(args) => blank_bdv::run(args, cx),
        TilesetVerb::SetTile(args) => set_tile::run(args),
        TilesetVerb::UpdateOffsets(args) => update_offsets::run(args, cx),
        TilesetVerb::Surface(args) => surface::run(args, cx),
    }
}
