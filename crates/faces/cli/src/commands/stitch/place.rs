//! `hooke stitch place`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hooke_core::Axis;
use hooke_workflows::stitch::{PlaceOptions, PlaceWorkflow};

use super::align_options::{axis, word};
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::execute;

/// How positions are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Robust solve that rejects wrong links, with the stage as prior.
    Robust,
    /// Unweighted least squares over all links.
    Optimization,
    /// Sums along shortest paths from one tile.
    Tree,
}

/// How positions are found; shared with `stitch run`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Placing")]
pub struct PlaceChoices {
    /// How positions are found
    #[arg(long, value_enum, value_name = "HOW", default_value = "robust")]
    pub method: Method,
    /// Use links whose quality lies above Q, or strictly between MIN:MAX
    #[arg(long, value_name = "Q|MIN:MAX", allow_hyphen_values = true)]
    pub min_quality: Option<String>,
    /// The tile that is held at its position: an id or `auto`
    #[arg(long, value_name = "ID|auto", default_value = "auto")]
    pub fixed_tile: String,
    /// Round positions to whole voxels, half to even
    #[arg(long)]
    pub round: bool,
    /// `zero` moves the smallest position of every axis to 0, `keep` does not
    #[arg(long, value_name = "WHERE", default_value = "keep", value_parser = ["zero", "keep"])]
    pub origin: String,
    /// Standard deviation of the stage, voxels [default: estimated]
    #[arg(long, value_name = "AXES")]
    pub stage_sigma: Option<String>,
    /// Leave out the links of this tile; repeatable
    #[arg(long, value_name = "ID")]
    pub drop_tile: Vec<usize>,
    /// Leave out this link; repeatable
    #[arg(long, value_name = "I,J")]
    pub drop_pair: Vec<String>,
    /// Let a link take another of its peaks where that agrees better (the default)
    #[arg(long, overrides_with = "no_candidates")]
    pub use_candidates: bool,
    /// Take the best peak of every link only
    #[arg(long)]
    pub no_candidates: bool,
}

impl PlaceChoices {
    /// As the workflow takes them.
    pub fn to_options(&self, axis: Option<Axis>) -> PlaceOptions {
        PlaceOptions {
            method: word(self.method),
            min_quality: self.min_quality.clone(),
            axis,
            fixed_tile: self.fixed_tile.clone(),
            round: self.round,
            origin: self.origin.clone(),
            stage_sigma: self.stage_sigma.clone(),
            drop_tile: self.drop_tile.clone(),
            drop_pair: self.drop_pair.clone(),
            use_candidates: !self.no_candidates,
        }
    }
}

/// Find the positions that fit all measured displacements. Reads no image.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch place layout.json -o placed.json
  hooke stitch place layout.json -o placed.json --method optimization --round

Writes: the layout with positions, their uncertainty, residuals and verdicts; OUT.hooke.json and
OUT.run.toml beside it")]
pub struct PlaceArgs {
    /// The layout with measured pairs
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// The layout to write
    #[arg(short, long, value_name = "FILE", default_value = "placed.json")]
    output: PathBuf,
    #[command(flatten)]
    choices: PlaceChoices,
    /// Solve this axis only, keep the others [default: all]
    #[arg(long, value_name = "AXIS", value_parser = axis)]
    axis: Option<Axis>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: PlaceArgs, cx: &Context) -> Result {
    let options = args.choices.to_options(args.axis);
    execute::refuse_existing(&args.output, &args.common)?;
    let workflow = PlaceWorkflow::new(options, &args.input, &args.output)?;
    execute::run(&workflow, &args.output, &args.common, cx)
}
