//! What every command shares: settings, errors, progress, results.

pub mod arguments;
pub mod common;
pub mod config;
pub mod context;
pub mod dry_run;
pub mod error;
pub mod execute;
pub mod failure;
pub mod log;
pub mod outcome;
pub mod paths;
pub mod progress;
pub mod settings;
pub mod signals;
pub mod usage;
