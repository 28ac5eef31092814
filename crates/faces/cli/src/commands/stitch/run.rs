//! `hooke stitch run`.

use std::path::{Path, PathBuf};

use clap::Args;
use hooke_core::budget::show_bytes;
use hooke_workflows::engine::{self, Target};
use hooke_workflows::stitch::{AlignWorkflow, FuseWorkflow, sibling, write_report};
use serde_json::json;

use super::align_options::{InputArgs, MeasureArgs};
use super::fuse_options::{BlendArgs, WriteArgs, to_options};
use super::place::PlaceChoices;
use crate::commands::Result;
use crate::frame::common::CommonArgs;
use crate::frame::context::Context;
use crate::frame::error::CliError;
use crate::frame::execute;
use crate::frame::outcome::{Outcome, Status};

/// Align, place, fuse and report in one go.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hooke simulate tiles -o demo --grid 2,2 --tile 16,128,128 --overlap 20% --jitter z=1,y=5,x=5
  hooke stitch run demo/tiles.csv -o volume.ome.zarr --max-shift 12

Writes: the volume OUT, OUT.layout.json, OUT.report.html, OUT.hooke.json, OUT.run.toml")]
pub struct RunArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The volume to write; the suffix chooses the format (.ome.zarr, .tif, .h5, .xml, .npy)
    #[arg(short, long, value_name = "OUT", help_heading = "Output")]
    output: PathBuf,
    /// The layout to write [default: OUT.layout.json]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    layout: Option<PathBuf>,
    /// Channels to fuse: index, name, list or `all` [default: the measured one]
    #[arg(long, value_name = "CHANNELS", help_heading = "Output")]
    fuse_channel: Option<String>,
    #[command(flatten)]
    measure: MeasureArgs,
    #[command(flatten)]
    place: PlaceChoices,
    #[command(flatten)]
    blend: BlendArgs,
    #[command(flatten)]
    write: WriteArgs,
    /// Make the report OUT.report.html (the default)
    #[arg(long, help_heading = "Output", overrides_with = "no_report")]
    report: bool,
    /// Leave out the report
    #[arg(long, help_heading = "Output")]
    no_report: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
pub fn run(args: RunArgs, cx: &Context) -> Result {
    let layout = args.layout.clone().unwrap_or_else(|| sibling(&args.output, "layout.json"));
    let align = args.measure.to_options(args.input.to_options());
    let place = args.place.to_options(args.measure.axis);
    let (flat, dark) = (args.measure.flat.clone(), args.measure.dark.clone());
    let mut fuse = to_options(&args.blend, &args.write, flat, dark);
    fuse.channel = args.fuse_channel.clone();
    fuse.strict = args.input.strict;
    execute::refuse_existing(&args.output, &args.common)?;
    let first = AlignWorkflow::new(align, &layout)?.placed(place)?;
    let (shape, bytes) = first.expected_volume();
    check_room(&args.output, bytes)?;
    let mut measured = execute::run(&first, &layout, &args.common, cx)?;
    if args.common.dry_run && measured.status == Status::Done {
        let [z, y, x] = shape;
        let size = show_bytes(bytes);
        let output = args.output.display();
        measured.text +=
            &format!("then      {output}: about zyx {z} x {y} x {x}, {size} before compression\n");
        measured.result["then"] = json!({"output": args.output, "shape": shape, "bytes": bytes});
    }
    if args.common.dry_run || args.common.plan_only || measured.status != Status::Done {
        return Ok(measured);
    }
    let second = FuseWorkflow::new(fuse, &layout, &args.output)?;
    let mut fused = execute::run(&second, &args.output, &args.common, cx)?;
    if fused.status == Status::Done && !args.no_report {
        let report = sibling(&args.output, "report.html");
        write_report(&layout, &args.output, &report, &cx.run_toml)?;
        execute::wrote(&report, cx, args.common.quiet);
        let size = std::fs::metadata(&report).map_or(0, |m| m.len());
        fused.outputs.push(json!({"path": report, "format": "html", "size_bytes": size}));
    }
    Ok(joined(measured, fused))
}

/// Better said before a night of measuring than after it.
fn check_room(output: &Path, needed: u64) -> std::result::Result<(), CliError> {
    let home = Target::Product(output.to_owned()).home();
    let free = engine::free_bytes(&home)?;
    match free < needed {
        true => Err(engine::Error::NoSpace { path: home, needed, free }.into()),
        false => Ok(()),
    }
}

fn joined(first: Outcome, mut second: Outcome) -> Outcome {
    second.outputs.extend(first.outputs);
    second.warnings.splice(0..0, first.warnings);
    second.blocks.total += first.blocks.total;
    second.blocks.done += first.blocks.done;
    second.blocks.skipped += first.blocks.skipped;
    second.blocks.failed += first.blocks.failed;
    second
}
