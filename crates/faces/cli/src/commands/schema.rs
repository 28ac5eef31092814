//! `hooke schema NOUN VERB`.

use clap::{Arg, ArgAction, Args};
use serde_json::{Map, Value, json};

use super::Result;
use crate::frame::common::STEERING;
use crate::frame::config::nearest;
use crate::frame::error::CliError;
use crate::frame::outcome::Outcome;
use crate::frame::settings::takes_many;

/// Print the options of a command as JSON Schema.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hooke schema stitch fuse\n  hooke schema convert")]
pub struct SchemaArgs {
    /// The command, like `stitch fuse`
    #[arg(required = true, num_args = 1.., value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs the command.
pub fn run(args: SchemaArgs) -> Result {
    let app = super::app();
    let mut verb = &app;
    for name in &args.command {
        let known: Vec<&str> = verb.get_subcommands().map(clap::Command::get_name).collect();
        verb = verb.find_subcommand(name).ok_or_else(|| {
            let error =
                CliError::usage(format!("no command `{name}`; known: {}", known.join(", ")));
            match nearest(name, &known) {
                Some(likely) => error.hint(format!("did you mean `{likely}`?")),
                None => error,
            }
        })?;
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for arg in verb.get_arguments().filter(|a| !STEERING.contains(&a.get_id().as_str())) {
        properties.insert(arg.get_id().to_string(), property(arg));
        if arg.is_required_set() {
            required.push(json!(arg.get_id().as_str()));
        }
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("hooke {}", args.command.join(" ")),
        "description": verb.get_about().map(ToString::to_string),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n";
    Ok(Outcome::text(text, schema))
}

fn property(arg: &Arg) -> Value {
    let mut property = Map::new();
    if let Some(help) = arg.get_help() {
        property.insert("description".to_owned(), json!(help.to_string()));
    }
    let values: Vec<String> =
        arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let single = match arg.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => json!({"type": "boolean"}),
        ArgAction::Count => json!({"type": "integer", "minimum": 0}),
        _ if !values.is_empty() => json!({"enum": values}),
        _ => json!({"type": ["string", "number"]}),
    };
    if takes_many(arg) {
        property.insert("type".to_owned(), json!("array"));
        property.insert("items".to_owned(), single);
    } else if let Value::Object(single) = single {
        property.extend(single);
    }
    let defaults = arg.get_default_values();
    if let [default] = defaults {
        property.insert("default".to_owned(), json!(default.to_string_lossy()));
    }
    Value::Object(property)
}
