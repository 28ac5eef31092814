//! `hooke info`.

use std::path::PathBuf;

use clap::Args;
use hooke_workflows::info::{InfoOptions, inspect, to_text};
use serde_json::{Value, json};

use super::Result;
use crate::frame::context::Context;
use crate::frame::outcome::{Outcome, Status};

/// Tell what is in a file: axes, shape, dtype, voxel size, channels, positions, problems.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke info demo/tile_0_0_0.tif
  hooke info volume.ome.zarr --stats --hash --json")]
pub struct InfoArgs {
    /// Files or containers
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    input: Vec<PathBuf>,
    /// Only this image, counted from 0
    #[arg(long, value_name = "N")]
    image: Option<usize>,
    /// Minimum, maximum, mean, deviation, sum and NaN count (reads the pixels)
    #[arg(long)]
    stats: bool,
    /// SHA-256 of the pixels, equal for the same image in any format (reads the pixels)
    #[arg(long)]
    hash: bool,
    /// The vendor's metadata too
    #[arg(long)]
    full: bool,
    /// What the stored dimensions are, in stored order, like xyz
    #[arg(long, value_name = "AXES")]
    axes: Option<String>,
    /// Only this member of a container
    #[arg(long, value_name = "PATH")]
    dataset: Option<String>,
    /// Of a folder of pictures: the axis they follow each other along [default: z, or as their
    /// names say]
    #[arg(long, value_name = "AXIS", value_parser = ["t", "c", "z"])]
    along: Option<String>,
    /// Fill damaged parts instead of refusing them
    #[arg(long)]
    rescue: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: InfoArgs, _cx: &Context) -> Result {
    let options = InfoOptions {
        image: args.image,
        stats: args.stats,
        hash: args.hash,
        full: args.full,
        axes: args.axes,
        dataset: args.dataset,
        along: args.along,
        rescue: args.rescue,
    };
    let files: Vec<_> = args.input.iter().map(|p| inspect(p, &options, &())).collect();
    let understood = files.iter().all(|f| f.understood);
    let text: String = files.iter().map(|f| to_text(&f.json)).collect();
    let all: Vec<Value> = files.into_iter().map(|f| f.json).collect();
    Ok(Outcome {
        text,
        result: json!({"hooke": env!("CARGO_PKG_VERSION"), "files": all}),
        bare_json: true,
        status: if understood { Status::Done } else { Status::Failed },
        exit_code: u8::from(!understood),
        ..Outcome::default()
    })
}
