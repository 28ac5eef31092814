//! Configuration files: flat TOML whose keys are the long option names.
//!
//! A file's entries become command-line words, so that one parser checks both; what is wrong is
//! told with file, line, column, the line itself and a way on.

use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};

use super::error::CliError;
use super::settings::takes_many;

/// One `key = value` of a configuration file or of `--set`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The option's id, with `_`.
    pub id: String,
    /// The words the value stands for; empty for a flag that is false.
    pub values: Vec<String>,
    place: Place,
}

#[derive(Debug, Clone)]
struct Place {
    file: String,
    text: std::sync::Arc<str>,
    key: std::ops::Range<usize>,
    value: std::ops::Range<usize>,
}

/// Keys that describe a run and are no options.
const DESCRIPTIVE: &[&str] = &["command", "hooke"];
/// Options whose values are paths: relative ones are relative to the file they stand in.
const PATHS: &[&str] = &[
    "input",
    "output",
    "layout",
    "flat",
    "dark",
    "table",
    "log",
    "source",
    "mask",
    "tileset",
    "intensity",
    "image",
    "points",
];

/// Reads a configuration file for a verb.
///
/// # Errors
/// With file, line and column: unreadable, not UTF-8, bad TOML, unknown key, wrong value, another
/// verb's `command`.
pub fn read(path: &Path, command: &str, verb: &Command) -> Result<Vec<Entry>, CliError> {
    let shown = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|e| hooke_io::Error::io(path, "open", e)).map_err(|e| {
            let mut error = CliError::from(e);
            error.kind = super::error::Kind::Usage;
            error
        })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        CliError::usage(format!("{shown}: not UTF-8 at byte {at}"))
            .hint("save the file as UTF-8 text")
    })?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map(Path::to_path_buf);
    parse(&shown, &text, folder, command, verb)
}

/// Reads one `KEY=VALUE` of `--set`.
///
/// # Errors
/// As [`read`].
pub fn read_set(setting: &str, command: &str, verb: &Command) -> Result<Vec<Entry>, CliError> {
    let Some((key, value)) = setting.split_once('=') else {
        return Err(CliError::usage(format!("`--set {setting}` has no `=`"))
            .hint("write --set KEY=VALUE, for example --set blend=max"));
    };
    let native = format!("{} = {}", key.trim(), value.trim());
    let text = if toml::from_str::<toml::Table>(&native).is_ok() {
        native
    } else {
        format!("{} = {}", key.trim(), toml::Value::String(value.trim().to_owned()))
    };
    parse("--set", &text, None, command, verb)
}

fn parse(
    file: &str,
    text: &str,
    folder: Option<PathBuf>,
    command: &str,
    verb: &Command,
) -> Result<Vec<Entry>, CliError> {
    let text: std::sync::Arc<str> = text.into();
    let at = |key: std::ops::Range<usize>, value: std::ops::Range<usize>| Place {
        file: file.to_owned(),
        text: text.clone(),
        key,
        value,
    };
    let table = toml::de::DeTable::parse(&text).map_err(|e| {
        let span = e.span().unwrap_or(0..0);
        at(span.clone(), span).error(e.message().to_owned(), false)
    })?;
    let mut entries = Vec::new();
    for (key, value) in table.get_ref() {
        let place = at(key.span(), value.span());
        let name = key.get_ref().replace('-', "_");
        if DESCRIPTIVE.contains(&name.as_str()) {
            if name == "command" {
                check_command(value.get_ref(), command, &place)?;
            }
            continue;
        }
        let arg = find_argument(verb, &name, &place, command)?;
        let mut values = words(value.get_ref(), arg, &place)?;
        if is_path(arg)
            && let Some(folder) = &folder
        {
            values.iter_mut().for_each(|v| *v = anchored(folder, v));
        }
        let entry = Entry { id: arg.get_id().to_string(), values, place };
        entry.check(verb, arg)?;
        entries.push(entry);
    }
    Ok(entries)
}

fn is_path(arg: &Arg) -> bool {
    let names_a_file = arg.get_value_names().is_some_and(|n| n.iter().any(|n| n == "FILE"));
    names_a_file || PATHS.contains(&arg.get_id().as_str())
}

fn anchored(folder: &Path, value: &str) -> String {
    let joined = folder.join(value);
    joined.to_string_lossy().into_owned()
}

/// `run` verbs accept the files of their parts, so that one file serves both.
fn check_command(
    value: &toml::de::DeValue<'_>,
    command: &str,
    place: &Place,
) -> Result<(), CliError> {
    let found = value.as_str().unwrap_or_default();
    let part_of = command.strip_suffix(" run").is_some_and(|noun| found.starts_with(noun));
    if found == command || part_of {
        return Ok(());
    }
    Err(place.error(format!("settings of `{found}` given to `{command}`"), true))
}

fn find_argument<'a>(
    verb: &'a Command,
    name: &str,
    place: &Place,
    command: &str,
) -> Result<&'a Arg, CliError> {
    let settable = |a: &&Arg| !super::common::STEERING.contains(&a.get_id().as_str());
    if let Some(arg) = verb.get_arguments().filter(settable).find(|a| a.get_id() == name) {
        return Ok(arg);
    }
    let known: Vec<&str> =
        verb.get_arguments().filter(settable).map(|a| a.get_id().as_str()).collect();
    let mut error = place.error_at_key(format!("unknown key `{}`", &place.text[place.key.clone()]));
    match nearest(name, &known) {
        Some(key) => error.hints.push(format!("did you mean `{key}`?")),
        None => error.hints.push(format!("`hooke {command} --print-config` lists the keys")),
    }
    Err(error)
}

/// The known word that is most like the given one, if any is.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (strsim::jaro_winkler(word, k), *k))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

fn words(value: &toml::de::DeValue<'_>, arg: &Arg, place: &Place) -> Result<Vec<String>, CliError> {
    use toml::de::DeValue;
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    match value {
        DeValue::Boolean(on) if is_flag => Ok(if *on { vec!["true".into()] } else { vec![] }),
        _ if is_flag => Err(place.error("expected true or false".to_owned(), true)),
        DeValue::Array(items) if takes_many(arg) => {
            items.iter().map(|i| word(i.get_ref(), place)).collect()
        }
        DeValue::Array(items) => {
            let parts: Result<Vec<String>, CliError> =
                items.iter().map(|i| word(i.get_ref(), place)).collect();
            Ok(vec![parts?.join(",")])
        }
        DeValue::Table(table) => {
            let parts: Result<Vec<String>, CliError> = table
                .iter()
                .map(|(k, v)| Ok(format!("{}={}", k.get_ref(), word(v.get_ref(), place)?)))
                .collect();
            Ok(vec![parts?.join(",")])
        }
        other => Ok(vec![word(other, place)?]),
    }
}

fn word(value: &toml::de::DeValue<'_>, place: &Place) -> Result<String, CliError> {
    use toml::de::DeValue;
    match value {
        DeValue::String(s) => Ok(s.to_string()),
        DeValue::Integer(i) => Ok(i.to_string()),
        DeValue::Float(f) => Ok(f.to_string()),
        DeValue::Boolean(b) => Ok(b.to_string()),
        _ => Err(place.error("expected a number, a text or a list of them".to_owned(), true)),
    }
}

impl Entry {
    /// The command-line words of this entry.
    pub fn to_words(&self, arg: &Arg) -> Vec<String> {
        let Some(long) = arg.get_long() else { return self.values.clone() };
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => {
                self.values.iter().map(|_| format!("--{long}")).collect()
            }
            ArgAction::Count => {
                let times = self.values.first().and_then(|v| v.parse().ok()).unwrap_or(0usize);
                vec![format!("--{long}"); times]
            }
            _ => self.values.iter().map(|v| format!("--{long}={v}")).collect(),
        }
    }

    /// Parses this entry alone, so that what is wrong can be shown where it stands.
    fn check(&self, verb: &Command, arg: &Arg) -> Result<(), CliError> {
        let relaxed = super::arguments::relaxed(verb.clone());
        let words = std::iter::once("hooke".to_owned()).chain(self.to_words(arg));
        match relaxed.try_get_matches_from(words) {
            Ok(_) => Ok(()),
            Err(e) => Err(self.place.error(wrong_value(&e, arg), true)),
        }
    }
}

fn wrong_value(error: &clap::Error, arg: &Arg) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        _ => None,
    };
    let found = text(ContextKind::InvalidValue).unwrap_or_default();
    if let Some(valid) = text(ContextKind::ValidValue) {
        return format!("expected one of {valid}; found {found}");
    }
    let why = std::error::Error::source(error).map(ToString::to_string);
    match why {
        Some(why) => format!("`{found}` is no value for `{}`: {why}", arg.get_id()),
        None => format!("no value for `{}`: {}", arg.get_id(), first_line(error)),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl Place {
    fn error_at_key(&self, what: String) -> CliError {
        self.error(what, false)
    }

    fn error(&self, what: String, at_value: bool) -> CliError {
        let span = if at_value { &self.value } else { &self.key };
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let number = self.text[..start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count() + 1;
        let end = span.end.clamp(start, line_start + line.len());
        let width = self.text.get(start..end).map_or(1, |s| s.chars().count()).max(1);
        let margin = number.to_string().len().max(5);
        let message = format!(
            "{what} in {}, line {number}, column {column}\n{number:>margin$} | {line}\n{:>margin$} | {}{}",
            self.file,
            "",
            " ".repeat(column - 1),
            "^".repeat(width),
        );
        let mut error = CliError::usage(message);
        error.path = Some(self.file.clone());
        error
    }
}
