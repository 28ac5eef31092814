//! `hooke stitch layout ...`: show, cut and edit a layout.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hooke_core::Axis;
use hooke_workflows::stitch::actions::{self, Relocation};
use hooke_workflows::stitch::files::{folder_of, move_paths, open_layout, save_layout};
use hooke_workflows::stitch::{Layout, StitchError, export_layout, parse_min_quality};
use serde_json::Value;

use super::align_options::axis;
use crate::commands::Result;
use crate::frame::common::BriefArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::outcome::Outcome;

/// The actions on a layout.
#[derive(Debug, Clone, Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hooke stitch layout show placed.json
  hooke stitch layout remove placed.json --tile 0 -o without.json")]
pub enum LayoutVerb {
    /// Table of tiles, pairs and islands
    Show(ShowArgs),
    /// Connected components: lists of tile ids
    Components(ComponentsArgs),
    /// The disjoint boxes of the union and the tiles that cover each
    Regions(RegionsArgs),
    /// Only the tiles and pairs that touch a box
    Crop(CropArgs),
    /// The two-dimensional layout of one plane
    Slice(SliceArgs),
    /// Point the tiles to another channel or to moved files
    Relocate(RelocateArgs),
    /// Positions from a table
    SetPositions(SetPositionsArgs),
    /// Remove tiles and their pairs
    Remove(RemoveArgs),
    /// New nominal positions of a grid from an overlap
    Overlap(OverlapArgs),
    /// Write the layout for another program
    Export(ExportArgs),
}

/// Print the tiles, pairs and islands of a layout as tables.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout show placed.json
  hooke stitch layout show placed.json --json")]
pub struct ShowArgs {
    /// The layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Print the sets of tiles that links connect, one line of tile ids each.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout components placed.json
  hooke stitch layout components layout.json --min-quality 0.5 --json")]
pub struct ComponentsArgs {
    /// The layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// Count links whose quality lies above Q, or strictly between MIN:MAX
    #[arg(long, value_name = "Q|MIN:MAX", allow_hyphen_values = true)]
    min_quality: Option<String>,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Print the disjoint boxes of the union of all tiles, and the tiles that cover each.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout regions placed.json
  hooke stitch layout regions placed.json -o regions.json

Writes: with -o, one JSON object")]
pub struct RegionsArgs {
    /// The layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// Write the regions to a file instead of printing them
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing output
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    brief: BriefArgs,
}

/// What every action that writes a layout takes.
#[derive(Debug, Clone, Args)]
pub struct EditArgs {
    /// The layout
    #[arg(value_name = "LAYOUT")]
    input: PathBuf,
    /// The layout to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace an existing output
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    brief: BriefArgs,
}

/// Keep only the tiles and pairs that touch a box; positions stay.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout crop placed.json --region y=0:50,x=0:50 -o corner.json

Writes: a layout")]
pub struct CropArgs {
    /// Box in layout voxels, ends not included: z=0:10,y=0:500,x=0:500
    #[arg(long, value_name = "BOX", allow_hyphen_values = true)]
    region: String,
    #[command(flatten)]
    edit: EditArgs,
}

/// Cut one plane out of a layout: a two-dimensional layout of the tiles that hold it.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout slice placed.json --axis z --at 8 -o plane.json

Writes: a layout")]
pub struct SliceArgs {
    /// Axis across the plane
    #[arg(long, value_name = "AXIS", value_parser = axis)]
    axis: Axis,
    /// Layout coordinate of the plane, voxels
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    at: f64,
    #[command(flatten)]
    edit: EditArgs,
}

/// Point the tiles to another channel or to moved files; positions and pairs stay.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout relocate placed.json -o moved.json --plain --match demo/ --replace demo/
  hooke stitch layout relocate by_name.json --set Z=0 -o other.json

Writes: a layout")]
pub struct RelocateArgs {
    /// Expression of the old paths; with --plain any part of a path [default: the one that `align`
    /// was given]
    #[arg(
        long = "match",
        value_name = "EXPRESSION",
        id = "match",
        required_unless_present = "set_tag"
    )]
    matching: Option<String>,
    /// Expression of the new paths; with --plain the new part
    #[arg(long, value_name = "EXPRESSION", required_unless_present = "set_tag")]
    replace: Option<String>,
    /// Give a tag of the expression another value; repeatable
    #[arg(long = "set", alias = "tag", value_name = "TAG=VALUE", id = "set_tag")]
    #[arg(conflicts_with_all = ["replace", "plain"])]
    tags: Vec<String>,
    /// Replace text, not expressions
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    edit: EditArgs,
}

/// Give the tiles the positions of a table, matched by path, else by name.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout export placed.json --format csv -o positions.csv
  hooke stitch layout set-positions placed.json --table positions.csv -o edited.json

Writes: a layout")]
pub struct SetPositionsArgs {
    /// Table with path or name and z_px,y_px,x_px or z_um,y_um,x_um
    #[arg(long, value_name = "TABLE")]
    table: PathBuf,
    /// Measured displacements become the difference of the new positions
    #[arg(long)]
    update_pairs: bool,
    #[command(flatten)]
    edit: EditArgs,
}

/// Remove tiles and their pairs; the ids of the others stay.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout remove placed.json --tile 0 -o without.json

Writes: a layout")]
pub struct RemoveArgs {
    /// Ids of the tiles to remove
    #[arg(long, value_name = "ID", required = true, num_args = 1..)]
    tile: Vec<usize>,
    #[command(flatten)]
    edit: EditArgs,
}

/// Give a grid new nominal positions from an overlap.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout overlap layout.json --overlap 15% -o closer.json

Writes: a layout")]
pub struct OverlapArgs {
    /// Nominal overlap in voxels, um or %
    #[arg(long, value_name = "AXES", allow_hyphen_values = true)]
    overlap: String,
    #[command(flatten)]
    edit: EditArgs,
}

/// Write the layout for another program.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke stitch layout export placed.json --format bdv-xml -o tiles.xml
  hooke stitch layout export placed.json --format csv -o positions.csv

Writes: a BigDataViewer XML, a TeraStitcher XML or a table")]
pub struct ExportArgs {
    /// The other program's format
    #[arg(long, value_name = "FORMAT", value_parser = ["bdv-xml", "terastitcher", "csv"])]
    format: String,
    #[command(flatten)]
    edit: EditArgs,
}

/// Runs the chosen action.
pub fn run(verb: LayoutVerb, cx: &Context) -> Result {
    match verb {
        LayoutVerb::Show(args) => {
            let (text, json) = actions::show(&open_layout(&args.input)?);
            let _ = args.brief.quiet;
            Ok(Outcome::text(text, json))
        }
        LayoutVerb::Components(args) => {
            let min = args.min_quality.as_deref().map(parse_min_quality).transpose()?;
            let (text, json) = actions::components(&open_layout(&args.input)?, min);
            Ok(Outcome { bare_json: true, ..Outcome::text(text, json) })
        }
        LayoutVerb::Regions(args) => regions(args, cx),
        LayoutVerb::Crop(a) => edit(&a.edit, cx, |l, _| {
            *l = actions::crop(l, &a.region)?;
            Ok(())
        }),
        LayoutVerb::Slice(a) => edit(&a.edit, cx, |l, _| {
            *l = actions::slice(l, a.axis, a.at)?;
            Ok(())
        }),
        LayoutVerb::Relocate(a) => {
            let how = relocation(&a, &open_layout(&a.edit.input)?)?;
            edit(&a.edit, cx, |l, folder| actions::relocate(l, folder, &how))
        }
        LayoutVerb::SetPositions(a) => edit(&a.edit, cx, |l, folder| {
            actions::set_positions(l, folder, &a.table, a.update_pairs)
        }),
        LayoutVerb::Remove(a) => {
            edit(&a.edit, cx, |l, _| l.remove(&a.tile).map_err(StitchError::Layout))
        }
        LayoutVerb::Overlap(a) => edit(&a.edit, cx, |l, _| actions::set_overlap(l, &a.overlap)),
        LayoutVerb::Export(a) => {
            export_layout(&a.edit.input, &a.edit.output, &a.format, a.edit.overwrite)?;
            crate::frame::execute::wrote(&a.edit.output, cx, a.edit.brief.quiet);
            Ok(Outcome::default())
        }
    }
}

fn edit(
    args: &EditArgs,
    cx: &Context,
    change: impl FnOnce(&mut Layout, &Path) -> std::result::Result<(), StitchError>,
) -> Result {
    let mut layout = open_layout(&args.input)?;
    let from = folder_of(&args.input);
    change(&mut layout, &from)?;
    move_paths(&mut layout, &from, &folder_of(&args.output));
    save_layout(&args.output, &layout, args.overwrite)?;
    crate::frame::execute::wrote(&args.output, cx, args.brief.quiet);
    let result = serde_json::json!({"tiles": layout.tiles.len(), "pairs": layout.pairs.len()});
    Ok(Outcome { result, ..Outcome::default() })
}

fn relocation(args: &RelocateArgs, layout: &Layout) -> std::result::Result<Relocation, CliError> {
    if !args.tags.is_empty() {
        let split = |t: &String| match t.split_once('=') {
            Some((tag, value)) => Ok((tag.to_owned(), value.to_owned())),
            None => Err(CliError::usage(format!("--set `{t}` has no `=`"))
                .hint("write --set TAG=VALUE, like --set C=1")),
        };
        let values = args.tags.iter().map(split).collect::<std::result::Result<_, _>>()?;
        let made_with = || actions::expression_of(layout);
        let expression = args.matching.clone().or_else(made_with).ok_or_else(|| {
            CliError::usage("the layout was not made from an expression")
                .hint("give the expression of its paths with --match")
        })?;
        return Ok(Relocation::Set { expression, values });
    }
    let old = args.matching.clone().unwrap_or_default();
    let new = args.replace.clone().unwrap_or_default();
    Ok(if args.plain {
        Relocation::Text { old, new }
    } else {
        Relocation::Expressions { old, new }
    })
}

fn regions(args: RegionsArgs, cx: &Context) -> Result {
    let json = actions::regions(&open_layout(&args.input)?);
    let text = format!("{json}\n");
    let Some(output) = args.output else {
        return Ok(Outcome { bare_json: true, ..Outcome::text(text, json) });
    };
    if output.exists() && !args.overwrite {
        return Err(hooke_io::Error::Exists { path: output }.into());
    }
    hooke_io::atomic::write_file(&output, &[text.as_bytes()])?;
    crate::frame::execute::wrote(&output, cx, args.brief.quiet);
    Ok(Outcome { result: Value::Null, ..Outcome::default() })
}
