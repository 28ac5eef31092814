//! What differs between the plan on disk and the one asked for now.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::Plan;
use super::hash::with_effect;
use super::inputs::InputStamp;

/// One line of a refused `--resume`: `blend: linear in the plan, max now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The parameter or the file.
    pub key: String,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

fn line(key: impl fmt::Display, what: String) -> Difference {
    Difference { key: key.to_string(), what }
}

pub(super) fn between(old: &Plan, now: &Plan) -> Vec<Difference> {
    let mut lines = Vec::new();
    let mut compare = |key: &str, a: String, b: String| {
        if a != b {
            lines.push(line(key, format!("{a} in the plan, {b} now")));
        }
    };
    compare("command", old.command.clone(), now.command.clone());
    let version = |p: &Plan| format!("{} (Hooke {})", p.results_version, p.hooke);
    if old.results_version != now.results_version {
        compare("results version", version(old), version(now));
    }
    let (a, b) = (with_effect(&old.parameters), with_effect(&now.parameters));
    let keys = |v: &Value| v.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>());
    let all: BTreeSet<String> =
        keys(&a).into_iter().chain(keys(&b)).flatten().collect::<BTreeSet<_>>();
    for key in all {
        compare(&key, show(a.get(&key)), show(b.get(&key)));
    }
    inputs(&old.inputs, &now.inputs, &mut lines);
    lines
}

/// A value as a user would type it.
fn show(value: Option<&Value>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn inputs(old: &[InputStamp], now: &[InputStamp], lines: &mut Vec<Difference>) {
    for stamp in now {
        let path = stamp.path.display();
        let Some(was) = old.iter().find(|o| o.path == stamp.path) else {
            lines.push(line(path, "not an input of the plan, one now".to_owned()));
            continue;
        };
        if was.is_same(stamp) {
            continue;
        }
        if was.size_bytes != stamp.size_bytes {
            let (a, b) = (was.size_bytes, stamp.size_bytes);
            lines.push(line(path, format!("{a} bytes in the plan, {b} bytes now")));
        } else if was.digest != stamp.digest {
            lines.push(line(path, "other content now than in the plan".to_owned()));
        } else {
            let seconds = (stamp.mtime_ns - was.mtime_ns) as f64 / 1e9;
            let (seconds, word) =
                if seconds >= 0.0 { (seconds, "later") } else { (-seconds, "earlier") };
            lines.push(line(path, format!("modified {seconds:.3} s {word} than in the plan")));
        }
    }
    for stamp in old {
        if now.iter().all(|n| n.path != stamp.path) {
            lines.push(line(stamp.path.display(), "an input of the plan, none now".to_owned()));
        }
    }
    let same = old.len() == now.len() && lines.is_empty();
    if same && old.iter().zip(now).any(|(a, b)| a.path != b.path) {
        lines.push(line("inputs", "in another order now than in the plan".to_owned()));
    }
}
