//! One image as the `images[]` entry of `hooke info --json`: every key always there.

use hooke_core::meta::{ImageMeta, Origin, Sourced};
use hooke_core::{ImageSource, Level};
use serde_json::{Value, json};

use super::{InfoOptions, PixelSummary};

pub(super) fn image(
    index: usize,
    image: &dyn ImageSource,
    options: &InfoOptions,
    summary: Option<&PixelSummary>,
) -> Value {
    let meta = image.meta();
    let levels: Vec<Value> =
        image.levels().iter().enumerate().map(|(n, level)| level_json(n, level, meta)).collect();
    let channels: Vec<Value> = meta
        .channels
        .iter()
        .map(|c| {
            json!({
                "name": c.name, "color": c.color,
                "excitation_nm": c.excitation_nm, "emission_nm": c.emission_nm
            })
        })
        .collect();
    json!({
        "index": index,
        "name": meta.name,
        "dataset": meta.dataset,
        "axes": meta.axes.to_string(),
        "axes_from": origin(meta.axes_from),
        "shape": meta.axes.pick(&meta.shape),
        "dtype": meta.dtype.name(),
        "stored_dtype": meta.stored_dtype,
        "significant_bits": meta.significant_bits,
        "labels": meta.labels,
        "voxel_size_um": triple(&meta.voxel_size_um, |s| json!(s.value)),
        "voxel_size_from": triple(&meta.voxel_size_um, |s| json!(origin(s.from))),
        "origin_um": triple(&meta.origin_um, |s| json!(s.value)),
        "origin_from": origin(joint_origin(&meta.origin_um)),
        "affine": meta.affine,
        "frame_interval_s": meta.frame_interval_s,
        "frame_times_s": meta.frame_times_s,
        "channels": channels,
        "view": meta.view,
        "missing": meta.missing,
        "levels": levels,
        "stats": summary.filter(|_| options.stats).map(PixelSummary::to_json),
        "sha256": summary.and_then(|s| s.sha256.clone()),
        "metadata": meta.vendor.as_ref().filter(|_| options.full),
    })
}

fn level_json(n: usize, level: &Level, meta: &ImageMeta) -> Value {
    let [z, y, x] = level.factors;
    json!({
        "level": n,
        "shape": meta.axes.pick(&level.shape),
        "factors": {"z": z, "y": y, "x": x},
        "chunk": meta.axes.pick(&level.chunk),
        "shard": level.shard.map(|s| meta.axes.pick(&s)),
        "codec": level.codec,
    })
}

fn triple(values: &[Sourced<f64>; 3], get: impl Fn(&Sourced<f64>) -> Value) -> Value {
    json!({"z": get(&values[0]), "y": get(&values[1]), "x": get(&values[2])})
}

fn joint_origin(values: &[Sourced<f64>; 3]) -> Origin {
    values.iter().map(|v| v.from).find(|f| *f != Origin::Unknown).unwrap_or(Origin::Unknown)
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::File => "file",
        Origin::User => "user",
        Origin::Assumed => "assumed",
        Origin::Unknown => "unknown",
    }
}
