//! `--dry-run`: what would be done, as the engine sees it.

use std::path::Path;

use hooke_core::budget::show_bytes;
use hooke_workflows::engine::{self, DryRun, RunOptions, Target, Workflow};
use hooke_workflows::info::{InfoOptions, inspect};
use serde_json::{Map, Value};

use super::common::ONCE;
use super::context::Context;
use super::error::CliError;
use super::failure::engine_error;
use super::outcome::{Outcome, Status};
use super::paths::as_typed;

/// More inputs than these are counted, not opened.
const OPENED: usize = 64;

/// Plans and tells; writes nothing. A run that would be refused is told too, and ends with 1.
///
/// # Errors
/// When there can be no plan.
pub fn dry_run(
    workflow: &dyn Workflow,
    target: &Target,
    options: &RunOptions,
    cx: &Context,
) -> Result<Outcome, CliError> {
    let preview = engine::dry_run(workflow, target, options)?;
    let changed = not_default(cx);
    let mut outcome = Outcome::text(to_text(&preview, &changed), to_json(&preview, changed));
    if let Some(refused) = &preview.refused {
        let error = engine_error(refused);
        outcome.status = Status::Failed;
        outcome.exit_code = error.kind.exit_code();
        outcome.error = Some(error);
    }
    Ok(outcome)
}

/// The settings that were given, without those that only steer.
fn not_default(cx: &Context) -> Map<String, Value> {
    let given = |key: &str| cx.settings.from.get(key).and_then(Value::as_str) != Some("default");
    let told = |key: &str| ["input", "output"].contains(&key) || ONCE.contains(&key);
    let chosen = cx.settings.values.iter().filter(|(k, _)| given(k) && !told(k));
    chosen.map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn to_json(preview: &DryRun, changed: Map<String, Value>) -> Value {
    let mut result = serde_json::to_value(preview).unwrap_or_default();
    result["parameters"] = Value::Object(changed);
    if preview.inputs.len() <= OPENED
        && let Some(inputs) = result["inputs"].as_array_mut()
    {
        for (input, stamp) in inputs.iter_mut().zip(&preview.inputs) {
            let image = first_image(&stamp.path);
            for key in ["axes", "shape", "dtype", "voxel_size_um"] {
                input[key] = image.get(key).cloned().unwrap_or_default();
            }
        }
    }
    result
}

fn first_image(path: &Path) -> Value {
    let file = inspect(path, &InfoOptions::default(), &());
    file.json.pointer("/images/0").cloned().unwrap_or_default()
}

fn to_text(preview: &DryRun, changed: &Map<String, Value>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, what: &str| text += &format!("{name:<9} {}\n", as_typed(what));
    let bytes: u64 = preview.inputs.iter().map(|i| i.size_bytes).sum();
    let files = match preview.inputs.as_slice() {
        [one] => one.path.display().to_string(),
        [first, ..] => {
            format!("{} files, the first is {}", preview.inputs.len(), first.path.display())
        }
        [] => "nothing".to_owned(),
    };
    line("reads", &format!("{files}; {} in all", show_bytes(bytes)));
    let levels = 1 + preview.stages.iter().filter(|s| s.name.starts_with("pyramid-")).count();
    for (i, output) in preview.outputs.iter().enumerate() {
        let image = output.dtype.map(|dtype| {
            let levels = if levels > 1 { format!(", {levels} levels") } else { String::new() };
            format!(": {} {} {dtype}{levels}", output.axes, by(&output.shape))
        });
        let about =
            if i == 0 { format!(", about {}", show_bytes(output.bytes)) } else { String::new() };
        let image = image.unwrap_or_default();
        line("writes", &format!("{}{image}{about}", output.path.display()));
    }
    for stage in &preview.stages {
        let unit = unit(&stage.unit, stage.blocks);
        let voxels = stage.write.filter(|w| w.iter().product::<u64>() > 1);
        let size = voxels.map(|w| format!(" of {}", by(&w[2..]))).unwrap_or_default();
        line(
            "step",
            &format!(
                "{}: {} {unit}{size}, {} each, {} at once",
                stage.name,
                stage.blocks,
                show_bytes(stage.bytes_per_block),
                stage.in_flight
            ),
        );
    }
    let memory = &preview.memory;
    let fewer = memory.why_fewer.as_ref().map(|w| format!("; {w}")).unwrap_or_default();
    line(
        "memory",
        &format!(
            "{} for {} threads, of which {} for decoded chunks{fewer}",
            show_bytes(memory.budget),
            memory.threads,
            show_bytes(memory.cache)
        ),
    );
    let disk = &preview.disk;
    line("disk", &format!("needs {}, {} are free", show_bytes(disk.needed), show_bytes(disk.free)));
    for (key, value) in changed {
        line("setting", &format!("{key} = {value}"));
    }
    if let Some(left) = preview.left {
        line("resume", &format!("{left} {} to do", unit("blocks", left)));
    }
    line("plan", preview.plan.as_str());
    text
}

/// `16 x 238 x 244`.
fn by(lengths: &[u64]) -> String {
    lengths.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ")
}

/// `1 block`, `2 blocks`.
pub fn unit(name: &str, count: u64) -> &str {
    match count {
        1 => name.strip_suffix('s').unwrap_or(name),
        _ => name,
    }
}
