//! What a command knows besides its own options.

use std::ffi::OsString;
use std::time::Instant;

use hooke_core::Cancel;
use hooke_workflows::engine::machine;
use serde_json::Value;

use super::error::CliError;
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
    machine::resident_bytes().1
}

/// Makes the one thread pool of the process, before anything runs in it: a pool that is made by
/// its first use has all threads of the machine, whatever `--threads` says.
///
/// # Errors
/// When the system does not give so many threads.
pub fn start_threads(cx: &Context) -> Result<(), CliError> {
    let asked = cx.settings.values.get("threads").and_then(Value::as_u64).unwrap_or(0);
    let threads = match usize::try_from(asked) {
        Ok(threads) if threads > 0 => threads,
        _ => machine::threads(),
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| {
        CliError::usage(format!("cannot start {threads} threads: {error}"))
            .hint("give fewer with --threads")
    })
}
