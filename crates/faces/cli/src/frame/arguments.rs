//! From the words of a command line and its configuration files to parsed arguments.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::common::ONCE;
use super::config::{self, Entry};
use super::error::CliError;
use super::settings::{self, Settings};

/// Arguments with configuration files merged in.
pub struct Merged {
    /// `stitch fuse`.
    pub command: String,
    /// What the whole command line parsed to.
    pub matches: ArgMatches,
    /// Every setting and where it came from.
    pub settings: Settings,
    /// The merged settings as TOML.
    pub run_toml: String,
}

/// What came of reading the command line.
pub enum Read {
    /// Go on with these arguments.
    Run(Box<Merged>),
    /// `--print-config`: print this and stop.
    Print(String),
}

/// A copy of a command in which nothing is required.
pub fn relaxed(command: Command) -> Command {
    command.mut_args(|a| a.required(false)).no_binary_name(false)
}

/// Parses a command line, merging in the files named by `--config` and the `--set`s.
///
/// # Errors
/// clap's own errors for a wrong command line; ours for a wrong file.
pub fn read(app: &Command, words: &[OsString]) -> Result<Read, ReadError> {
    let depth = verb_depth(app, words);
    let names: Vec<&str> = words[1..=depth].iter().filter_map(|w| w.to_str()).collect();
    let command = names.join(" ");
    let mut app = app.clone();
    app.build();
    let verb = names.iter().try_fold(&app, |c, n| c.find_subcommand(n)).unwrap_or(&app);
    let has_config = verb.get_arguments().any(|a| a.get_id() == "config");
    if !has_config {
        return Ok(Read::Run(Box::new(plain(&app, words, command, verb)?)));
    }
    let own = std::iter::once(OsString::from("hooke")).chain(words[depth + 1..].iter().cloned());
    let given = relaxed(verb.clone()).try_get_matches_from(own).map_err(|error| {
        // Parse again in place, so that usage lines name the whole command.
        match app.clone().try_get_matches_from(words) {
            Err(better) => better,
            Ok(_) => error,
        }
    })?;
    let entries = entries(&given, &command, verb)?;
    let (injected, from_file) = inject(verb, &given, &entries);
    if given.get_flag("print_config") {
        let own = std::iter::once("hooke".into())
            .chain(injected)
            .chain(words[depth + 1..].iter().cloned());
        let matches = relaxed(verb.clone()).try_get_matches_from(own)?;
        let settings = settings::collect(verb, &matches, |id| from_file.contains(&id.to_owned()));
        return Ok(Read::Print(settings::to_toml(&command, verb, &settings)));
    }
    let all: Vec<OsString> = words[..=depth]
        .iter()
        .cloned()
        .chain(injected)
        .chain(words[depth + 1..].iter().cloned())
        .collect();
    let matches = app.clone().try_get_matches_from(&all)?;
    let inner = names.iter().fold(&matches, |m, _| m.subcommand().map_or(m, |(_, s)| s));
    let settings = settings::collect(verb, inner, |id| from_file.contains(&id.to_owned()));
    let mut kept = settings.clone();
    kept.values.retain(|key, _| !ONCE.contains(&key.as_str()));
    let run_toml = settings::to_toml(&command, verb, &kept);
    Ok(Read::Run(Box::new(Merged { command, matches, settings, run_toml })))
}

fn plain(
    app: &Command,
    words: &[OsString],
    command: String,
    verb: &Command,
) -> Result<Merged, ReadError> {
    let matches = app.clone().try_get_matches_from(words)?;
    let inner =
        command.split_whitespace().fold(&matches, |m, _| m.subcommand().map_or(m, |(_, s)| s));
    let settings = settings::collect(verb, inner, |_| false);
    Ok(Merged { command, matches, settings, run_toml: String::new() })
}

/// The command that the first words name, and what may follow: its verbs and its long options.
pub fn recognised(app: &Command, words: &[OsString]) -> (String, Vec<String>) {
    let depth = verb_depth(app, words);
    let names: Vec<&str> = words[1..=depth].iter().filter_map(|w| w.to_str()).collect();
    let verb = names.iter().try_fold(app, |c, n| c.find_subcommand(n)).unwrap_or(app);
    let verbs = verb.get_subcommands().map(|c| c.get_name().to_owned());
    let options = verb.get_arguments().filter_map(|a| a.get_long()).map(|l| format!("--{l}"));
    (names.join(" "), verbs.chain(options).collect())
}

/// How many of the first words name a command: `hooke stitch fuse ...` has depth 2.
fn verb_depth(app: &Command, words: &[OsString]) -> usize {
    let mut depth = 0;
    let mut command = app;
    while let Some(next) = words.get(depth + 1).and_then(|w| w.to_str())
        && let Some(found) = command.find_subcommand(next)
    {
        command = found;
        depth += 1;
    }
    depth
}

fn entries(given: &ArgMatches, command: &str, verb: &Command) -> Result<Vec<Entry>, ReadError> {
    let mut all: Vec<Entry> = Vec::new();
    let mut take = |new: Vec<Entry>| {
        for entry in new {
            all.retain(|e| e.id != entry.id);
            all.push(entry);
        }
    };
    for file in given.get_many::<std::path::PathBuf>("config").into_iter().flatten() {
        take(config::read(file, command, verb)?);
    }
    // Commands without settings of a run use the word otherwise, or not at all.
    let sets = verb.get_arguments().any(|a| a.get_id() == "set");
    let settings = sets.then(|| given.get_many::<String>("set")).flatten();
    for setting in settings.into_iter().flatten() {
        take(config::read_set(setting, command, verb)?);
    }
    Ok(all)
}

/// The words to insert after the verb, and the ids that they fill. Flags on the command line win.
fn inject(verb: &Command, given: &ArgMatches, entries: &[Entry]) -> (Vec<OsString>, Vec<String>) {
    let typed = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    let mut words = Vec::new();
    let mut ids = Vec::new();
    for arg in verb.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(entry) = entries.iter().find(|e| e.id == id) else { continue };
        let negated = format!("no_{id}");
        if typed(id) || (verb.get_arguments().any(|a| *a.get_id() == *negated) && typed(&negated)) {
            continue;
        }
        words.extend(entry.to_words(arg).into_iter().map(OsString::from));
        ids.push(id.to_owned());
    }
    (words, ids)
}

/// Why a command line could not be read.
pub enum ReadError {
    /// clap's own error, or its help.
    Clap(Box<clap::Error>),
    /// A wrong configuration file.
    Config(Box<CliError>),
}

impl From<clap::Error> for ReadError {
    fn from(error: clap::Error) -> ReadError {
        ReadError::Clap(Box::new(error))
    }
}

impl From<CliError> for ReadError {
    fn from(error: CliError) -> ReadError {
        ReadError::Config(Box::new(error))
    }
}
