//! What made an output: `OUT.hooke.json`, or `hooke.json` of a run folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dtype::Dtype;
use crate::plan::PlanHash;
use crate::region::Region;

/// The version of `hooke.json` that this Hooke writes.
pub const PROVENANCE_VERSION: u32 = 1;

/// The whole record, written last: it is the finished mark of an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// `hooke.provenance`.
    pub format: String,
    /// [`PROVENANCE_VERSION`].
    pub version: u32,
    /// The Hooke that finished the run.
    pub hooke: String,
    /// Its commit, where it was built from one.
    pub commit: Option<String>,
    /// Raised whenever the results of the command change.
    pub results_version: u32,
    /// The command line.
    pub command: Vec<String>,
    /// Where it was given.
    #[serde(with = "crate::path_text")]
    pub working_directory: PathBuf,
    /// Hash of the plan.
    pub plan: PlanHash,
    /// Whether every block is there.
    pub status: Completeness,
    /// Every parameter, defaults included.
    pub parameters: Value,
    /// For each parameter where its value came from.
    pub parameters_from: BTreeMap<String, ValueFrom>,
    /// What was read.
    pub inputs: Vec<InputRecord>,
    /// What was written.
    pub outputs: Vec<OutputRecord>,
    /// Networks that were used.
    pub models: Vec<ModelRecord>,
    /// What each stage did.
    pub stages: Vec<StageRecord>,
    /// Blocks that hold the fill value because they failed.
    pub failed: Vec<FailedRecord>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
    /// When the first run began, UTC, RFC 3339.
    pub started: String,
    /// Wall-clock seconds of all runs.
    pub seconds: f64,
    /// Processor seconds of all runs.
    pub cpu_seconds: f64,
    /// Largest resident memory of any run.
    pub peak_rss_bytes: u64,
    /// How many runs it took; more than 1 after `--resume`.
    pub runs: u32,
    /// Where the last run was.
    pub machine: Machine,
    /// How blocks were spread.
    pub executor: ExecutorKind,
}

/// Whether an output is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// Every block was computed.
    Done,
    /// Failed blocks were accepted and hold the fill value.
    Incomplete,
}

/// Where the value of a parameter came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ValueFrom {
    Default,
    Environment,
    File,
    Flag,
}

/// How blocks were spread over processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutorKind {
    /// Threads of one process.
    Local,
    /// Workers of a Dask cluster.
    Dask,
    /// `hooke block run`.
    Ranges,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// Absolute path.
    #[serde(with = "crate::path_text")]
    pub path: PathBuf,
    /// Size of the file; of a container, of its metadata files.
    pub size_bytes: u64,
    /// Last change, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The name of its format, where known.
    pub format: Option<String>,
    /// SHA-256 of the record beside the input, where Hooke wrote it.
    pub provenance: Option<String>,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// Where it is.
    #[serde(with = "crate::path_text")]
    pub path: PathBuf,
    /// The name of its format.
    pub format: String,
    /// Lengths, for an image.
    pub shape: Vec<u64>,
    /// Sample type, for an image.
    pub dtype: Option<Dtype>,
    /// Bytes on disk.
    pub size_bytes: u64,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The file.
    #[serde(with = "crate::path_text")]
    pub path: PathBuf,
    /// Hash of its weights.
    pub content_hash: String,
}

/// What a stage did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name.
    pub name: String,
    /// Number of blocks.
    pub blocks: u64,
    /// Computed in the last run.
    pub done: u64,
    /// Found done by the last run.
    pub skipped: u64,
    /// Failed in the last run.
    pub failed: u64,
    /// Seconds of all its blocks added up, over all runs.
    pub seconds: f64,
    /// Bytes that all its blocks read, over all runs.
    pub bytes_read: u64,
    /// Bytes that all its blocks wrote, over all runs.
    pub bytes_written: u64,
}

/// A block that could not be computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedRecord {
    /// Its stage.
    pub stage: String,
    /// Its number.
    pub id: u64,
    /// What it should have written.
    pub region: Region,
    /// Why, with all causes.
    pub error: String,
}

/// Something a user should know; `code` is stable, `message` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A word for programs.
    pub code: String,
    /// A sentence.
    pub message: String,
}

impl Warning {
    /// A warning of that code.
    pub fn new(code: &str, message: impl Into<String>) -> Warning {
        Warning { code: code.to_owned(), message: message.into() }
    }
}

/// The machine of a run. Names of hosts and users are left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Processor family.
    pub arch: String,
    /// Processor name.
    pub cpu: String,
    /// Threads the run could use.
    pub threads: usize,
    /// Memory of the machine or of its control group.
    pub memory_bytes: u64,
    /// Accelerator, where one was used.
    pub gpu: Option<String>,
}
