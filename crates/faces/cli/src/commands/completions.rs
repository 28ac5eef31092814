//! `hooke completions SHELL`.

use clap::{Args, CommandFactory};
use serde_json::Value;

use super::{Cli, Result};
use crate::frame::outcome::Outcome;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hooke completions bash > ~/.local/share/bash-completion/completions/hooke\n  hooke completions zsh > _hooke"
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(args: CompletionsArgs) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hooke", &mut script);
    Ok(Outcome::text(String::from_utf8_lossy(&script).into_owned(), Value::Null))
}
