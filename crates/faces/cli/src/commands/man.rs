//! `hooke man`.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use serde_json::{Value, json};

use super::Result;
use crate::frame::error::{CliError, Kind};
use crate::frame::outcome::Outcome;

/// Write the manual pages, one per command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hooke man | man -l -\n  hooke man -o ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Folder for one page per command; without it the main page is printed
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: ManArgs) -> Result {
    let app = super::app();
    let Some(folder) = args.output else {
        return Ok(Outcome::text(page(&app)?, Value::Null));
    };
    std::fs::create_dir_all(&folder).map_err(|e| write_error(&folder, e))?;
    let mut written = Vec::new();
    write_pages(&app, "hooke", &folder, &mut written)?;
    Ok(Outcome { result: json!({ "pages": written }), ..Outcome::default() })
}

fn write_error(path: &Path, error: std::io::Error) -> CliError {
    let mut error = CliError::from(hooke_io::Error::io(path, "write", error));
    error.kind = Kind::Output;
    error
}

fn page(command: &Command) -> std::result::Result<String, CliError> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut text)
        .map_err(|e| CliError::new(Kind::Internal, format!("cannot render the manual: {e}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn write_pages(
    command: &Command,
    name: &str,
    folder: &Path,
    written: &mut Vec<String>,
) -> std::result::Result<(), CliError> {
    let file = folder.join(format!("{name}.1"));
    let text = page(&command.clone().name(name.to_owned()))?;
    std::fs::write(&file, text).map_err(|e| write_error(&file, e))?;
    written.push(file.to_string_lossy().into_owned());
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        write_pages(inner, &format!("{name}-{}", inner.get_name()), folder, written)?;
    }
    Ok(())
}
