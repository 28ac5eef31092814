//! Where every option's value came from, and how the merged settings are printed.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use super::common::STEERING;

/// The merged settings of one command.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Key (with `_`) to value, in the order of the help.
    pub values: Map<String, Value>,
    /// Key to `flag`, `file`, `environment` or `default`.
    pub from: Map<String, Value>,
}

/// Reads the merged settings out of parsed arguments.
///
/// `in_file` says whether a key was filled from a configuration file.
pub fn collect(verb: &Command, matches: &ArgMatches, in_file: impl Fn(&str) -> bool) -> Settings {
    let mut settings = Settings::default();
    for arg in verb.get_arguments() {
        let id = arg.get_id().as_str();
        if STEERING.contains(&id) {
            continue;
        }
        settings.values.insert(id.to_owned(), value_of(arg, matches));
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) if in_file(id) => "file",
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ => "default",
        };
        settings.from.insert(id.to_owned(), json!(from));
    }
    settings
}

fn value_of(arg: &Arg, matches: &ArgMatches) -> Value {
    let id = arg.get_id().as_str();
    match arg.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => json!(matches.get_flag(id)),
        ArgAction::Count => json!(matches.get_count(id)),
        _ => {
            let texts: Vec<Value> = matches
                .get_raw(id)
                .into_iter()
                .flatten()
                .map(|raw| native(&raw.to_string_lossy()))
                .collect();
            match (takes_many(arg), texts.len()) {
                (true, _) => Value::Array(texts),
                (false, 0) => Value::Null,
                (false, _) => texts[0].clone(),
            }
        }
    }
}

/// Whether an option can hold several values.
pub fn takes_many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
        || arg.get_num_args().is_some_and(|n| n.max_values() > 1)
}

fn native(text: &str) -> Value {
    if let Ok(integer) = text.parse::<i64>() {
        return json!(integer);
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => json!(float),
        _ => json!(text),
    }
}

/// The settings as a TOML file: every key with its meaning, unset ones commented out.
pub fn to_toml(command: &str, verb: &Command, settings: &Settings) -> String {
    let mut text = format!("# hooke {command}\ncommand = \"{command}\"\n");
    for arg in verb.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(value) = settings.values.get(id) else { continue };
        text.push('\n');
        for line in arg.get_help().map(ToString::to_string).unwrap_or_default().lines() {
            text.push_str(&format!("# {line}\n"));
        }
        let unset = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        match toml_value(value) {
            Some(value) if !unset => text.push_str(&format!("{id} = {value}\n")),
            _ => text.push_str(&format!("# {id} =\n")),
        }
    }
    text
}

fn toml_value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::String(s) => Some(toml::Value::String(s.clone()).to_string()),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(toml_value).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Object(_) => None,
    }
}
