//! `log.jsonl`: what happened in a work folder, over all runs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::events::{Event, Outcome, Watch};
use super::report::RunReport;
use super::work_dir::WorkDir;

/// Hands events on, and writes the rare ones down.
pub(crate) struct Tee<'a> {
    watch: &'a dyn Watch,
    started: Instant,
    file: Mutex<Option<File>>,
}

impl<'a> Tee<'a> {
    /// A log that cannot be opened is left out: the run itself reports everything.
    pub fn new(work: &WorkDir, watch: &'a dyn Watch) -> Tee<'a> {
        let path = work.root().join("log.jsonl");
        let file = OpenOptions::new().create(true).append(true).open(path).ok();
        Tee { watch, started: Instant::now(), file: Mutex::new(file) }
    }

    /// The last line of a run.
    pub fn ended(&self, report: &RunReport) {
        self.line(json!({
            "type": "end", "status": report.status.word(), "seconds": report.seconds,
            "error": report.error.as_ref().map(ToString::to_string),
        }));
    }

    fn line(&self, mut value: Value) {
        value["t"] = json!((self.started.elapsed().as_secs_f64() * 1e3).round() / 1e3);
        value["time"] = json!(super::begin::now());
        value["pid"] = json!(std::process::id());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write per line: several workers append to the same file.
        let written = file.as_mut().map(|f| f.write_all(format!("{value}\n").as_bytes()));
        if matches!(written, Some(Err(_))) {
            *file = None;
        }
    }
}

impl Watch for Tee<'_> {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { plan, resumed, .. } => self.line(json!({
                "type": "start", "command": plan.command, "plan": plan.hash, "resumed": resumed,
                "hooke": env!("CARGO_PKG_VERSION"),
            })),
            Event::Block { outcome: Outcome::Done, .. } => {}
            Event::Block { stage, id, outcome, seconds, error, .. } => {
                let status = if *outcome == Outcome::Retry { "retry" } else { "failed" };
                self.line(json!({
                    "type": "block", "stage": stage, "id": id, "status": status,
                    "seconds": seconds, "error": error,
                }));
            }
            Event::StageEnded(report) => {
                self.line(json!({"type": "stage", "stage": report}));
            }
            Event::Warning(warning) => {
                self.line(json!({"type": "warning", "warning": warning}));
            }
            Event::Stopping(_) => self.line(json!({"type": "stopping"})),
            _ => {}
        }
        self.watch.event(event);
    }
}
