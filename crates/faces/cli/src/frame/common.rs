//! The options that every computing command has.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// A bar on a terminal, else a line per stage and per 10 %.
    Auto,
    /// A bar with rate and time left.
    Bar,
    /// JSON lines on standard error.
    Json,
    /// Nothing.
    None,
}

/// Options of every command that computes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct CommonArgs {
    /// Settings in TOML, keys as the long options; repeatable, the later wins
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// One setting as in a configuration file; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print every setting with its meaning and default, and stop
    #[arg(long)]
    pub print_config: bool,
    /// Threads, 0 for all
    #[arg(long, value_name = "N", default_value_t = 0, env = "HOOKE_THREADS", hide_env = true)]
    pub threads: usize,
    /// Bound on memory, like 4GiB [default: half of what is free]
    #[arg(long, value_name = "SIZE", env = "HOOKE_MEMORY", hide_env = true)]
    pub memory: Option<String>,
    /// Go on with an unfinished run; finished parts are kept
    #[arg(long)]
    pub resume: bool,
    /// Replace an existing output
    #[arg(long)]
    pub overwrite: bool,
    /// With --resume: read finished parts back and compare checksums; `convert` also reads its
    /// output back and compares it with the input
    #[arg(long)]
    pub verify: bool,
    /// With --resume: publish although blocks failed, fill value in their place
    #[arg(long)]
    pub accept_failed: bool,
    /// Stop after this many failed blocks, or `all` to go on
    #[arg(long, value_name = "N|all", default_value = "16")]
    pub max_failed: String,
    /// Show what would be done and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Make the plan and the empty output for `hooke block run`, and stop
    #[arg(long)]
    pub plan_only: bool,
    /// How progress is shown
    #[arg(long, value_enum, value_name = "KIND", default_value = "auto")]
    pub progress: ProgressKind,
    /// Only warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// More messages; twice for even more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Also write messages to a file
    #[arg(long, value_name = "FILE", env = "HOOKE_LOG", hide_env = true)]
    pub log: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of commands that only look or edit a small file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct BriefArgs {
    /// Settings in TOML, keys as the long options; repeatable, the later wins
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print every setting with its meaning and default, and stop
    #[arg(long)]
    pub print_config: bool,
    /// Only warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Settings that say how this once is run; `run.toml` leaves them out, so that repeating a run from
/// it replaces, resumes and hides nothing that nobody asked for.
pub const ONCE: &[&str] = &[
    "resume",
    "overwrite",
    "verify",
    "accept_failed",
    "dry_run",
    "plan_only",
    "progress",
    "quiet",
    "verbose",
    "log",
    "json",
];

/// Long names that steer a run but are no settings of it.
pub const STEERING: &[&str] = &["config", "set", "print_config", "help", "version"];
