//! What a command knows besides its own options.

use std::ffi::OsString;
use std::time::Instant;

use hooke_core::{Budget, Cancel};
use serde_json::Value;

use super::settings::Settings;

/// What a command knows besides its own options.
pub struct Context {
    /// `stitch fuse`.
    pub command: String,
    /// The words of the command line, as typed.
    pub words: Vec<String>,
    /// Every setting and where it came from.
    pub settings: Settings,
    /// The merged settings as TOML.
    pub run_toml: String,
    /// Set by signals.
    pub cancel: Cancel,
    /// When the process started.
    pub started: Instant,
}

impl Context {
    /// What is known before the words are understood.
    pub fn new(words: &[OsString], cancel: Cancel, started: Instant) -> Context {
        Context {
            command: String::new(),
            words: words.iter().map(|w| w.to_string_lossy().into_owned()).collect(),
            settings: Settings::default(),
            run_toml: String::new(),
            cancel,
            started,
        }
    }

    /// Whether a flag is among the settings and set.
    pub fn flag(&self, key: &str) -> bool {
        self.settings.values.get(key).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// The largest resident size so far, in bytes; 0 where the system does not tell.
pub fn peak_rss_bytes() -> u64 {
    hooke_workflows::engine::machine::resident_bytes().1
}

/// Makes the one thread pool of the process.
///
/// # Errors
/// When the pool exists already.
pub fn start_threads(budget: &Budget) -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(budget.threads).build_global()
}
