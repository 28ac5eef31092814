//! The `hooke` binary: parse, run, show.

mod commands;
mod frame;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::FromArgMatches;
use commands::Cli;
use frame::arguments::{self, Merged, Read, ReadError};
use frame::context::Context;
use frame::error::CliError;
use frame::outcome::Outcome;
use hooke_core::Cancel;

/// Version, commit and date, as `--version` prints them.
pub fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("HOOKE_COMMIT"), ")")
}

fn main() -> ExitCode {
    let started = Instant::now();
    let cancel = Cancel::default();
    if let Err(error) = frame::signals::listen(&cancel) {
        let _ = writeln!(std::io::stderr(), "warning[signals]: signals are not handled: {error}");
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(real_main(&words, cancel, started))
}

fn real_main(words: &[OsString], cancel: Cancel, started: Instant) -> u8 {
    let app = commands::app();
    let merged = match arguments::read(&app, words) {
        Ok(Read::Print(text)) => return print(&text),
        Ok(Read::Run(merged)) => *merged,
        Err(ReadError::Clap(error)) => return show_clap(&error, &app, words),
        Err(ReadError::Config(error)) => {
            let (command, _) = arguments::recognised(&app, words);
            let cx = Context { command, ..Context::new(words, cancel, started) };
            return show(&Outcome::failed(*error), words.iter().any(|w| w == "--json"), &cx);
        }
    };
    let Merged { command, matches, settings, run_toml } = merged;
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return show_clap(&error, &app, words),
    };
    let cx = Context { command, settings, run_toml, ..Context::new(words, cancel, started) };
    let outcome = frame::context::start_threads(&cx).and_then(|()| commands::run(cli, &cx));
    let outcome = outcome.unwrap_or_else(Outcome::failed);
    show(&outcome, cx.flag("json"), &cx)
}

fn show(outcome: &Outcome, json: bool, cx: &Context) -> u8 {
    if let Some(error) = &outcome.error {
        let told = error.to_text();
        frame::log::keep(&told);
        let _ = std::io::stderr().write_all(told.as_bytes());
    }
    let text = match json {
        true => format!("{}\n", outcome.to_json(cx)),
        false => outcome.text.clone(),
    };
    match print(&text) {
        0 => outcome.exit_code,
        code => code,
    }
}

/// Writes to standard output; a reader that has gone away is no error.
fn print(text: &str) -> u8 {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => 0,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: cannot write to standard output: {error}");
            1
        }
    }
}

fn show_error(error: &CliError) -> u8 {
    let _ = std::io::stderr().write_all(error.to_text().as_bytes());
    error.kind.exit_code()
}

fn show_clap(error: &clap::Error, app: &clap::Command, words: &[OsString]) -> u8 {
    let (command, known) = arguments::recognised(app, words);
    if let Some(error) = frame::usage::from_clap(error, &command, &known) {
        return show_error(&error);
    }
    // clap knows which stream and code its help, version and usage errors take.
    let _ = error.print();
    error.exit_code().clamp(0, 255) as u8
}
