//! The hash of everything that can change the results of a run.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::inputs::InputStamp;

/// Parameters that never change results: they are left out of the hash and of comparisons.
pub const NO_EFFECT: [&str; 18] = [
    "accept_failed",
    "block",
    "config",
    "dask",
    "executor",
    "json",
    "log",
    "max_failed",
    "memory",
    "output",
    "overwrite",
    "progress",
    "quiet",
    "report",
    "resume",
    "threads",
    "verbose",
    "verify",
];

/// SHA-256 of a plan's canonical JSON, written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(String);

impl PlanHash {
    /// Hashes the command, its results version, its inputs and the parameters that matter.
    pub fn of(
        command: &str,
        results_version: u32,
        inputs: &[InputStamp],
        parameters: &Value,
    ) -> PlanHash {
        let inputs: Vec<Value> = inputs.iter().map(InputStamp::identity).collect();
        let whole = json!({
            "command": command,
            "results_version": results_version,
            "inputs": inputs,
            "parameters": with_effect(parameters),
        });
        PlanHash(sha256(canonical(&whole).as_bytes()))
    }

    /// The text, `sha256:...`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, for names.
    pub fn short(&self) -> &str {
        let digits = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        digits.get(..8).unwrap_or(digits)
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parameters that can change results; keys with `-` and `_` are alike.
pub(super) fn with_effect(parameters: &Value) -> Value {
    match parameters {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, _)| !NO_EFFECT.contains(&key.replace('-', "_").as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Writes JSON with sorted keys and without blanks; floats in their shortest form.
pub fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort_unstable();
                Value::Object(Map::from_iter(
                    keys.into_iter().map(|k| (k.clone(), sorted(&map[k]))),
                ))
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

/// SHA-256 of bytes as `sha256:` and hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in digest {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
