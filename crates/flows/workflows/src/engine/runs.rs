//! `runs.json`: what a work folder remembers from run to run.

use std::fs;

use hooke_core::provenance::{Completeness, FailedRecord, StageRecord};
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::report::RunReport;
use super::work_dir::WorkDir;
use super::workflow::Finished;

const FILE: &str = "runs.json";

/// All runs that worked on one output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Runs {
    /// How many.
    pub runs: u32,
    /// When the first began, UTC.
    pub started: String,
    /// Wall-clock seconds of those that ended properly.
    pub seconds: f64,
    /// Processor seconds of the same.
    pub cpu_seconds: f64,
    /// Largest resident memory of any.
    pub peak_rss_bytes: u64,
    /// Whether the first one was allowed to replace an existing output.
    pub overwrite: bool,
    /// Set when every block is done and outputs enter their place.
    pub publishing: Option<Publishing>,
    /// Set when they all have: only this folder is left to remove.
    pub published: bool,
}

/// What provenance needs although the data may have left the work folder already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Publishing {
    pub status: Completeness,
    pub finished: Finished,
    pub failed: Vec<FailedRecord>,
    pub stages: Vec<StageRecord>,
}

impl Runs {
    /// Reads it; a missing or damaged one counts as no run.
    pub fn read(work: &WorkDir) -> Runs {
        let bytes = fs::read(work.root().join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Counts what a run took.
    pub fn add(&mut self, report: &RunReport) {
        self.seconds += report.seconds;
        self.cpu_seconds += report.cpu_seconds;
        self.peak_rss_bytes = self.peak_rss_bytes.max(report.peak_rss_bytes);
    }

    pub fn write(&self, work: &WorkDir) -> Result<()> {
        let json = serde_json::to_vec(self)
            .map_err(|e| Error::io(&work.root().join(FILE), "write")(e.into()))?;
        work.write(FILE, &json)
    }
}
