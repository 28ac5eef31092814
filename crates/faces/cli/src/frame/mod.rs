//! What every command shares: settings, errors, progress, results.

pub mod arguments;
pub mod common;
pub mod config;
pub mod context;
pub mod error;
pub mod execute;
pub mod outcome;
pub mod progress;
pub mod settings;
pub mod signals;
