//! `hooke stitch preview`.

use std::path::PathBuf;

use clap::Args;
use hooke_core::Axis;
use hooke_workflows::stitch::{PreviewOptions, preview_file};
use serde_json::json;

use super::align_options::axis;
use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::context::Context;
use crate::frame::outcome::Outcome;

/// Draw what was measured, and what to distrust: one self-contained page, or one picture.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch preview placed.json -o report.html
  hooke stitch preview placed.json -o overlay.png --axis z --percentile 99

Writes: an HTML page with all pictures inside, or a PNG of the overlay")]
pub struct PreviewArgs {
    /// The layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// The page (.html) or the picture (.png)
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Draw stage positions
    #[arg(long)]
    nominal: bool,
    /// Layout coordinate of the plane, voxels [default: the middle]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    coordinate: Option<f64>,
    /// Axis across the picture
    #[arg(long, value_name = "AXIS", default_value = "z", value_parser = axis)]
    axis: Axis,
    /// Grey level of this percentile becomes full brightness
    #[arg(long, value_name = "P", default_value_t = 98.0)]
    percentile: f64,
    /// Colours of the tiles, #RRGGBB separated by commas [default: by the overlap graph]
    #[arg(long, value_name = "COLORS", value_delimiter = ',')]
    colors: Vec<String>,
    /// Only these tiles
    #[arg(long, value_name = "ID", num_args = 1..)]
    tiles: Vec<usize>,
    /// Only this pair
    #[arg(long, value_name = "I,J")]
    pair: Option<String>,
    /// With --pair: maximum projection along the pair's axis
    #[arg(long, value_name = "WHICH", value_parser = ["none", "pair"], default_value = "none")]
    projection: String,
    /// With --pair: the overlap alone
    #[arg(long)]
    overlap_only: bool,
    /// Replace an existing output
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Runs the command.
pub fn run(args: PreviewArgs, cx: &Context) -> Result {
    let options = PreviewOptions {
        nominal: args.nominal,
        coordinate: args.coordinate,
        axis: args.axis,
        percentile: args.percentile,
        colors: args.colors,
        tiles: args.tiles,
        pair: args.pair,
        projection: args.projection == "pair",
        overlap_only: args.overlap_only,
    };
    preview_file(&args.input, &args.output, &options, args.overwrite)?;
    crate::frame::execute::wrote(&args.output, cx, args.brief.quiet);
    let size = std::fs::metadata(&args.output).map_or(0, |m| m.len());
    Ok(Outcome {
        outputs: vec![json!({"path": args.output, "format": "html", "size_bytes": size})],
        ..Outcome::default()
    })
}
