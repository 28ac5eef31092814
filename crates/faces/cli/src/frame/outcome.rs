//! What a command gives back: text for people, one JSON object for programs.

use serde_json::{Value, json};

use super::context::Context;
use super::error::{CliError, Kind};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Everything is done.
    #[default]
    Done,
    /// Blocks failed; the output is not complete.
    Incomplete,
    /// Nothing came of it.
    Failed,
    /// A signal stopped it.
    Cancelled,
}

impl Status {
    /// The word of `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Done => "done",
            Status::Incomplete => "incomplete",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }
}

/// Counts of blocks.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct BlockCounts {
    pub total: u64,
    pub done: u64,
    pub skipped: u64,
    pub failed: u64,
}

/// What a command gives back.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The process's exit code.
    pub exit_code: u8,
    /// Text for standard output when `--json` was not given.
    pub text: String,
    /// Each output: path, format, size_bytes.
    pub outputs: Vec<Value>,
    /// Counts of blocks, for commands that run some.
    pub blocks: BlockCounts,
    /// `(code, message)`.
    pub warnings: Vec<(String, String)>,
    /// The command's own result.
    pub result: Value,
    /// For commands whose JSON is an object of its own (`info`).
    pub bare_json: bool,
    /// What is wrong, when the outcome carries an error beside a result.
    pub error: Option<CliError>,
}

impl Outcome {
    /// Nothing came of it; the error's kind decides how the process ends.
    pub fn failed(error: CliError) -> Outcome {
        let cancelled = error.kind == Kind::Cancelled;
        Outcome {
            status: if cancelled { Status::Cancelled } else { Status::Failed },
            exit_code: match cancelled {
                true => super::signals::exit_code(),
                false => error.kind.exit_code(),
            },
            error: Some(error),
            ..Outcome::default()
        }
    }

    /// Text for people and a result for programs.
    pub fn text(text: impl Into<String>, result: Value) -> Outcome {
        Outcome { text: text.into(), result, ..Outcome::default() }
    }

    /// The one object of `--json`.
    pub fn to_json(&self, cx: &Context) -> Value {
        if self.bare_json {
            return self.result.clone();
        }
        let warnings: Vec<Value> = self
            .warnings
            .iter()
            .map(|(code, message)| json!({"code": code, "message": message}))
            .collect();
        let b = self.blocks;
        json!({
            "hooke": env!("CARGO_PKG_VERSION"),
            "command": cx.command,
            "status": self.status.name(),
            "exit_code": self.exit_code,
            "outputs": self.outputs,
            "blocks": {"total": b.total, "done": b.done, "skipped": b.skipped, "failed": b.failed},
            "seconds": cx.started.elapsed().as_secs_f64(),
            "peak_rss_bytes": super::context::peak_rss_bytes(),
            "warnings": warnings,
            "result": self.result,
            "error": self.error.as_ref().map(CliError::to_json),
        })
    }
}
