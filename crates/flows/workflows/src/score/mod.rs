//! `hooke score`: a result against a truth, in the field's own metrics.

mod blobs;
mod events;
mod labels;

pub use blobs::{ScoreBlobsOptions, score_blobs};
pub use events::{score_events, score_registration};
pub use labels::score_labels;

use std::path::Path;

use hooke_stitch::score::{Truth, score_tiles as score};
use serde_json::Value;

use crate::stitch::StitchError;
use crate::stitch::files::open_layout;

/// Positions of a placed layout against the truth of a simulation: text and JSON.
///
/// # Errors
/// When a file cannot be read, or the truth does not name the layout's tiles.
pub fn score_tiles(layout: &Path, truth: &Path) -> Result<(String, Value), StitchError> {
    let placed = open_layout(layout)?;
    let text = std::fs::read_to_string(truth).map_err(|e| hooke_io::Error::io(truth, "read", e))?;
    let known = Truth::from_json(&text)
        .map_err(|e| hooke_io::Error::metadata(truth, format!("not a truth of tiles: {e}")))?;
    let result = score(&placed, &known).map_err(|e| StitchError::Parameters(e.to_string()))?;
    let json = serde_json::to_value(&result).unwrap_or_default();
    Ok((to_text(&json), json))
}

/// One `name  value` line per entry; nested entries are indented.
fn to_text(json: &Value) -> String {
    fn lines(value: &Value, indent: usize, out: &mut String) {
        let Some(entries) = value.as_object() else { return };
        for (name, value) in entries {
            let name = name.replace('_', " ");
            match value {
                Value::Null => {}
                Value::Object(_) => {
                    out.push_str(&format!("{:indent$}{name}\n", ""));
                    lines(value, indent + 2, out);
                }
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    out.push_str(&format!("{:indent$}{name}: {}\n", "", items.len()));
                }
                other => out.push_str(&format!("{:indent$}{name:<28} {}\n", "", show(other))),
            }
        }
    }
    let mut out = String::new();
    lines(json, 0, &mut out);
    out
}

fn show(value: &Value) -> String {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if !n.is_i64() && !n.is_u64() => crate::report::plot::number(f),
            _ => n.to_string(),
        },
        // Three numbers belong to the axes.
        Value::Array(items) if items.len() == 3 => {
            let axes = ["z", "y", "x"].iter().zip(items);
            axes.map(|(a, v)| format!("{a} {}", show(v))).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(show).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
