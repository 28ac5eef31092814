//! The description for people: a paragraph per file, a table of images, then problems.

use std::fmt::Write as _;

use hooke_core::budget::show_bytes;
use serde_json::Value;

/// The text of one file's description.
pub fn to_text(file: &Value) -> String {
    let mut text = String::new();
    let path = file["path"].as_str().unwrap_or_default();
    if let Some(message) = file["error"]["message"].as_str() {
        return format!("{path}\n  error: {message}\n");
    }
    let version = file["format_version"].as_str().map(|v| format!(" {v}")).unwrap_or_default();
    let size = file["size_bytes"].as_u64();
    let size = size.map(|bytes| format!(", {}", show_bytes(bytes))).unwrap_or_default();
    let _ = writeln!(text, "{path}\n  {}{version}{size}", word(&file["format"]));
    for image in file["images"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "  {}", image_line(image));
        for line in details(image) {
            let _ = writeln!(text, "      {line}");
        }
    }
    for problem in file["problems"].as_array().into_iter().flatten() {
        let (severity, code) = (word(&problem["severity"]), word(&problem["code"]));
        let _ = writeln!(text, "  {severity}[{code}]: {}", word(&problem["message"]));
    }
    text
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("unknown").to_owned()
}

fn image_line(image: &Value) -> String {
    let numbers = |v: &Value| -> Vec<String> {
        v.as_array().into_iter().flatten().map(ToString::to_string).collect()
    };
    let shape = numbers(&image["shape"]).join(" x ");
    let labels = if image["labels"] == true { ", labels" } else { "" };
    let name = word(&image["name"]);
    format!(
        "{}  {name}: {} {shape}, {}{labels}",
        image["index"],
        word(&image["axes"]),
        word(&image["dtype"])
    )
}

fn details(image: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(format!("voxel {}", triple(&image["voxel_size_um"], " µm")));
    if image["origin_um"]["x"].is_number() || image["origin_um"]["y"].is_number() {
        lines.push(format!("origin {}", triple(&image["origin_um"], " µm")));
    }
    if let Some(interval) = image["frame_interval_s"].as_f64() {
        lines.push(format!("a frame every {interval} s"));
    }
    let channels: Vec<String> = image["channels"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| c["name"].as_str().unwrap_or("unnamed").to_owned())
        .collect();
    if !channels.is_empty() {
        lines.push(format!("channels {}", channels.join(", ")));
    }
    if let Some(levels) = image["levels"].as_array().filter(|l| !l.is_empty()) {
        let plural = if levels.len() == 1 { "" } else { "s" };
        let codec = word(&levels[0]["codec"]);
        lines.push(format!(
            "{} level{plural}, chunks {}, codec {codec}",
            levels.len(),
            levels[0]["chunk"]
        ));
    }
    if let Some(stats) = image["stats"].as_object() {
        let get = |k: &str| stats.get(k).map(ToString::to_string).unwrap_or_default();
        lines.push(format!(
            "min {}, max {}, mean {}, std {}, sum {}, {} NaN",
            get("min"),
            get("max"),
            get("mean"),
            get("std"),
            get("sum"),
            get("nan")
        ));
    }
    if let Some(hash) = image["sha256"].as_str() {
        lines.push(format!("sha256 {hash}"));
    }
    lines
}

/// Ten digits: enough for any size, too few for the noise of binary fractions.
fn short(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

fn triple(value: &Value, unit: &str) -> String {
    let parts: Vec<String> = ["z", "y", "x"]
        .iter()
        .filter_map(|a| value[*a].as_f64().map(|v| format!("{a} {}{unit}", short(v))))
        .collect();
    if parts.is_empty() { "size unknown".to_owned() } else { parts.join(", ") }
}
