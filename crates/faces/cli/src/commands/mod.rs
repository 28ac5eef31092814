//! One file per command; every noun is a folder.

pub mod blobs;
pub mod block;
pub mod completions;
pub mod convert;
pub mod doctor;
pub mod events;
pub mod info;
pub mod man;
pub mod report;
pub mod schema;
pub mod score;
pub mod simulate;
pub mod stitch;
pub mod tileset;

use clap::{Command, CommandFactory, Parser, Subcommand};

use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::outcome::Outcome;

/// What a command gives.
pub type Result = std::result::Result<Outcome, CliError>;

/// Turns what a microscope records into numbers a biologist can publish.
#[derive(Debug, Parser)]
#[command(name = "hooke", bin_name = "hooke", version = crate::version(), max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true, infer_long_args = false)]
#[command(after_help = "Examples:
  hooke simulate tiles -o demo --grid 2,2 --tile 16,128,128 --overlap 20% --jitter z=1,y=5,x=5
  hooke stitch run demo/tiles.csv -o volume.ome.zarr --max-shift 12
  hooke info volume.ome.zarr

`hooke COMMAND --help` explains a command, with its own examples.")]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Noun,
}

/// The nouns.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one value per run")]
pub enum Noun {
    /// Tell what is in a file
    Info(info::InfoArgs),
    /// Write an image in another format
    Convert(convert::ConvertArgs),
    /// Overlapping tiles to one seamless volume
    #[command(subcommand)]
    Stitch(stitch::StitchVerb),
    /// Sets of fields of view: one scale, one mosaic, labels unique over all tiles
    #[command(subcommand)]
    Tileset(tileset::TilesetVerb),
    /// Cells and spots: found, matched and measured; tables, a store, files of other programs
    #[command(subcommand)]
    Blobs(blobs::BlobsVerb),
    /// Calcium movies: registered, their baseline taken out, events found and measured
    #[command(subcommand)]
    Events(events::EventsVerb),
    /// Make data with exact ground truth
    #[command(subcommand)]
    Simulate(simulate::SimulateVerb),
    /// Compare a result with a truth
    #[command(subcommand)]
    Score(score::ScoreVerb),
    /// Make the HTML page of an output
    Report(report::ReportArgs),
    /// Run a plan block by block, for clusters
    #[command(subcommand)]
    Block(block::BlockVerb),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Man(man::ManArgs),
    /// Tell what this machine can do
    Doctor(doctor::DoctorArgs),
    /// Print the options of a command as JSON Schema
    Schema(schema::SchemaArgs),
}

/// Every command with its options, as the command line is read and shown.
pub fn app() -> Command {
    let mut app = Cli::command();
    app.build();
    app.mut_subcommands(arranged)
}

/// `--help` stands with the common options, below the command's own.
fn arranged(command: Command) -> Command {
    let common = command.get_arguments().find_map(|a| match a.get_id() == "json" {
        true => a.get_help_heading().map(str::to_owned),
        false => None,
    });
    let command = command.mut_subcommands(arranged);
    match common {
        None => command,
        Some(heading) => command.mut_arg("help", |a| a.help_heading(heading)),
    }
}

/// Runs the chosen command.
pub fn run(cli: Cli, cx: &Context) -> Result {
    match cli.command {
        Noun::Info(args) => info::run(args, cx),
        Noun::Convert(args) => convert::run(args, cx),
        Noun::Stitch(verb) => stitch::run(verb, cx),
        Noun::Tileset(verb) => tileset::run(verb, cx),
        Noun::Blobs(verb) => blobs::run(verb, cx),
        Noun::Events(verb) => events::run(verb, cx),
        Noun::Simulate(verb) => simulate::run(verb, cx),
        Noun::Score(verb) => score::run(verb),
        Noun::Report(args) => report::run(args, cx),
        Noun::Block(verb) => block::run(verb, cx),
        Noun::Completions(args) => completions::run(args),
        Noun::Man(args) => man::run(args),
        Noun::Doctor(args) => doctor::run(args, cx),
        Noun::Schema(args) => schema::run(args),
    }
}
