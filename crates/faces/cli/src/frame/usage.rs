//! A wrong command line, told in the same form as every other error.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::config::nearest;
use super::error::CliError;

/// What clap says, as an error with hints; `None` for help, version and the like, which clap
/// itself prints best.
///
/// `command` is what was recognised, like `stitch fuse`; `known` are its verbs or long options.
pub fn from_clap(error: &clap::Error, command: &str, known: &[String]) -> Option<CliError> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        _ => None,
    };
    let option = || text(ContextKind::InvalidArg).unwrap_or_default();
    let found = || text(ContextKind::InvalidValue).unwrap_or_default();
    let likely = |word: &str| {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        nearest(word, &known).map(|k| format!("did you mean `{k}`?"))
    };
    let (message, hint) = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            (format!("no command `{}`", joined(command, &word)), likely(&word))
        }
        ErrorKind::UnknownArgument => {
            let word = option();
            match word.starts_with('-') {
                true => (format!("no option `{word}`"), likely(&word)),
                false => (format!("one word too many: `{word}`"), None),
            }
        }
        ErrorKind::InvalidValue if found().is_empty() => {
            (format!("{} needs a value", option()), None)
        }
        ErrorKind::InvalidValue => {
            let valid = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(all)) => all.clone(),
                _ => Vec::new(),
            };
            let all: Vec<&str> = valid.iter().map(String::as_str).collect();
            let hint = match nearest(&found(), &all) {
                Some(likely) => {
                    format!("did you mean `{likely}`? The values are {}", all.join(", "))
                }
                None => format!("the values are {}", all.join(", ")),
            };
            (format!("{} `{}` is no value", flag(&option()), found()), Some(hint))
        }
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error);
            let why = source.map(|e| match e.downcast_ref::<std::num::ParseIntError>() {
                Some(_) => "write a whole number, like 4".to_owned(),
                None => e.to_string(),
            });
            (format!("{} `{}` is no value", flag(&option()), found()), why)
        }
        ErrorKind::MissingRequiredArgument => (format!("missing: {}", option()), None),
        ErrorKind::ArgumentConflict => {
            let prior = text(ContextKind::PriorArg).unwrap_or_default();
            (format!("{} and {prior} contradict each other", flag(&option())), None)
        }
        _ => (first_line(error), None),
    };
    let mut error = CliError::usage(message);
    error.hints.extend(hint);
    let help = joined(&joined("hooke", command), "--help");
    error.hints.push(format!("`{help}` lists what there is, with examples"));
    Some(error)
}

fn joined(a: &str, b: &str) -> String {
    format!("{a} {b}").trim().to_owned()
}

/// `--blend <HOW>` without its placeholder.
fn flag(option: &str) -> &str {
    option.split(" <").next().unwrap_or(option)
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
