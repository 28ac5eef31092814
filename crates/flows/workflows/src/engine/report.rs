//! What a run says at its end.

use std::path::PathBuf;

use hooke_core::provenance::{FailedRecord, OutputRecord, StageRecord, Warning};
use serde::Serialize;
use serde_json::Value;

use super::error::Error;
use super::marker::Failure;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// The output is complete.
    Done,
    /// The output was complete before.
    AlreadyComplete,
    /// The output is there; failed blocks were accepted and hold the fill value.
    Incomplete,
    /// Some blocks failed; the output did not appear.
    BlocksFailed,
    /// The run stopped, see [`RunReport::error`].
    Failed,
    /// The run was asked to stop.
    Cancelled,
}

impl RunStatus {
    /// The word of `--json`: `done`, `incomplete`, `failed` or `cancelled`.
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Done | RunStatus::AlreadyComplete => "done",
            RunStatus::Incomplete => "incomplete",
            RunStatus::BlocksFailed | RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }

    /// The exit code: 0 means complete. A face that knows the signal says 143 or 129 instead of
    /// 130 for a cancelled run.
    pub fn exit_code(self) -> u8 {
        match self {
            RunStatus::Done | RunStatus::AlreadyComplete => 0,
            RunStatus::Failed => 1,
            RunStatus::Incomplete | RunStatus::BlocksFailed => 3,
            RunStatus::Cancelled => 130,
        }
    }
}

/// What a stage did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageReport {
    /// Its name.
    pub name: String,
    /// What its blocks are called.
    pub unit: String,
    /// Blocks of this run: those of a range, or all.
    pub blocks: u64,
    /// Computed now.
    pub done: u64,
    /// Done before.
    pub skipped: u64,
    /// Failed now.
    pub failed: u64,
    /// Wall-clock seconds of this run.
    pub seconds: f64,
    /// Seconds of its blocks added up, over all runs.
    pub block_seconds: f64,
    /// Bytes that its blocks read, over all runs.
    pub bytes_read: u64,
    /// Bytes that its blocks wrote, over all runs.
    pub bytes_written: u64,
}

impl StageReport {
    /// Whether every block is done.
    pub fn is_complete(&self) -> bool {
        self.done + self.skipped == self.blocks
    }

    pub(crate) fn record(&self) -> StageRecord {
        StageRecord {
            name: self.name.clone(),
            blocks: self.blocks,
            done: self.done,
            skipped: self.skipped,
            failed: self.failed,
            seconds: self.block_seconds,
            bytes_read: self.bytes_read,
            bytes_written: self.bytes_written,
        }
    }
}

/// A block that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailedBlock {
    /// Its stage.
    pub stage: String,
    /// Its number.
    pub id: u64,
    /// Why.
    #[serde(flatten)]
    pub failure: Failure,
}

impl FailedBlock {
    pub(crate) fn record(&self) -> FailedRecord {
        let (stage, id) = (self.stage.clone(), self.id);
        FailedRecord { stage, id, region: self.failure.region, error: self.failure.message() }
    }
}

/// Blocks of all stages, for `--json`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct BlockCounts {
    pub total: u64,
    pub done: u64,
    pub skipped: u64,
    pub failed: u64,
}

/// What a run did.
#[derive(Debug)]
pub struct RunReport {
    /// How it ended.
    pub status: RunStatus,
    /// Why it stopped, when it failed.
    pub error: Option<Error>,
    /// What each stage did, in the order they ran; stages that were not reached are missing.
    pub stages: Vec<StageReport>,
    /// Blocks that failed now.
    pub failed: Vec<FailedBlock>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
    /// What was written; empty unless the output appeared.
    pub outputs: Vec<OutputRecord>,
    /// The workflow's own result, for `--json`.
    pub result: Value,
    /// Wall-clock seconds of this run.
    pub seconds: f64,
    /// Processor seconds of this run.
    pub cpu_seconds: f64,
    /// Largest resident memory of this run.
    pub peak_rss_bytes: u64,
    /// The work folder, while there is one: what `--resume` goes on with.
    pub work: Option<PathBuf>,
}

impl RunReport {
    /// A report with nothing in it yet.
    pub(crate) fn new(status: RunStatus) -> RunReport {
        RunReport {
            status,
            error: None,
            stages: Vec::new(),
            failed: Vec::new(),
            warnings: Vec::new(),
            outputs: Vec::new(),
            result: Value::Null,
            seconds: 0.0,
            cpu_seconds: 0.0,
            peak_rss_bytes: 0,
            work: None,
        }
    }

    /// Blocks of all stages that were reached.
    pub fn blocks(&self) -> BlockCounts {
        self.stages.iter().fold(BlockCounts::default(), |c, s| BlockCounts {
            total: c.total + s.blocks,
            done: c.done + s.done,
            skipped: c.skipped + s.skipped,
            failed: c.failed + s.failed,
        })
    }

    /// Bytes of all outputs on disk.
    pub fn size_bytes(&self) -> u64 {
        self.outputs.iter().map(|o| o.size_bytes).sum()
    }
}
