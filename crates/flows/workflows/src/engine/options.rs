//! What a face decides about a run; nothing here changes results.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hooke_core::provenance::ValueFrom;
use hooke_core::{Budget, Cancel};

use super::machine;

/// How a run is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Memory and threads. The rayon pool is the face's; its size should be `threads`.
    pub budget: Budget,
    /// Go on with an unfinished output.
    pub resume: bool,
    /// Replace an existing output, once the new one is complete.
    pub overwrite: bool,
    /// Read back what finished blocks wrote, and do again those that differ.
    pub verify: bool,
    /// Publish although blocks failed; they hold the fill value.
    pub accept_failed: bool,
    /// With more failed blocks the run stops; `None` never does.
    pub max_failed: Option<u64>,
    /// Stops the run.
    pub cancel: Cancel,
    /// How long blocks in flight may go on after a cancel.
    pub grace: Duration,
    /// How long to wait before each further attempt after a transient error.
    pub waits: Vec<Duration>,
    /// The merged settings, for `run.toml`.
    pub run_toml: String,
    /// Who asked for the run, for provenance.
    pub invocation: Invocation,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions {
            budget: Budget { memory: machine::default_memory(), threads: machine::threads() },
            resume: false,
            overwrite: false,
            verify: false,
            accept_failed: false,
            max_failed: Some(16),
            cancel: Cancel::default(),
            grace: Duration::from_secs(10),
            waits: [1, 4, 16].map(Duration::from_secs).to_vec(),
            run_toml: String::new(),
            invocation: Invocation::default(),
        }
    }
}

/// The command line of a run.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Its words.
    pub command: Vec<String>,
    /// Where it was given.
    pub working_directory: PathBuf,
    /// The commit that this Hooke was built from.
    pub commit: Option<String>,
    /// For each parameter where its value came from.
    pub parameters_from: BTreeMap<String, ValueFrom>,
}
