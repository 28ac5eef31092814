//! The toy workflow in a process of its own, so that it can be killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use hooke_workflows::engine::{RunOptions, Selection, finish_plan, run, run_range};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::toy::{COMMANDS, Toy, options, pool};

/// What the child shall do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub out: PathBuf,
    pub threads: usize,
    pub resume: bool,
    pub overwrite: bool,
    pub accept_failed: bool,
    pub max_failed: Option<u64>,
    pub strict: bool,
    /// `fill 0..3`: run these blocks of an existing plan; `finish`: finish it.
    pub part: Option<String>,
    /// Shape and write unit, one block per unit.
    pub layout: Option<([u64; 5], [u64; 5])>,
    pub fault: String,
    /// Largest file that it may write, in KiB.
    pub limit_kib: Option<u64>,
}

impl Job {
    pub fn new(out: &Path) -> Job {
        Job {
            out: out.to_owned(),
            threads: 2,
            resume: false,
            overwrite: false,
            accept_failed: false,
            max_failed: Some(16),
            strict: false,
            part: None,
            layout: None,
            fault: String::new(),
            limit_kib: None,
        }
    }

    pub fn fault(self, fault: &str) -> Job {
        Job { fault: fault.to_owned(), ..self }
    }

    pub fn resume(self) -> Job {
        Job { resume: true, fault: String::new(), ..self }
    }

    pub fn part(self, part: &str) -> Job {
        Job { part: Some(part.to_owned()), ..self }
    }

    pub fn limited(self, kib: u64) -> Job {
        Job { limit_kib: Some(kib), ..self }
    }

    pub fn toy(&self) -> Toy {
        let toy = Toy { strict: self.strict, ..Toy::new(&self.out) };
        match self.layout {
            Some((shape, unit)) => Toy { shape, unit, block: unit, ..toy },
            None => toy,
        }
    }

    fn command(&self) -> Command {
        let me = std::env::current_exe().unwrap();
        let mut command = match self.limit_kib {
            None => Command::new(me),
            Some(kib) => {
                // The signal is ignored, as a face does: then the limit is an ordinary error.
                let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
                let mut shell = Command::new("bash");
                shell.args(["-c", &script]).arg(me);
                shell
            }
        };
        command
            .args(["engine::child::run_the_job", "--exact", "--ignored", "--nocapture"])
            .env("HOOKE_TOY", serde_json::to_string(self).unwrap())
            .env("HOOKE_FAULT", &self.fault)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn spawn(&self) -> Child {
        self.command().spawn().unwrap()
    }

    /// Runs it: the exit code (`None` when killed) and what it printed as JSON.
    pub fn run(&self) -> (Option<i32>, Value) {
        let output = self.command().output().unwrap();
        (output.status.code(), answer(&output))
    }
}

/// The last line of standard output that is JSON.
pub fn answer(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|l| l.starts_with('{')).unwrap_or("null");
    serde_json::from_str(line).unwrap()
}

/// Not a test: what [`Job::spawn`] starts.
#[test]
#[ignore = "only run by other tests, in a process of its own"]
fn run_the_job() {
    let Ok(text) = std::env::var("HOOKE_TOY") else { return };
    let job: Job = serde_json::from_str(&text).unwrap();
    let options = RunOptions {
        resume: job.resume,
        overwrite: job.overwrite,
        accept_failed: job.accept_failed,
        max_failed: job.max_failed,
        ..options()
    };
    let toy = job.toy();
    let plan = toy.target().work_folder();
    let result = pool(job.threads, || match job.part.as_deref() {
        None => run(&toy, &toy.target(), &options, &()),
        Some("finish") => finish_plan(&plan, COMMANDS, &options, &()),
        Some(part) => {
            let (stage, ranges) = part.split_once(' ').unwrap();
            let selection = Selection::ranges(ranges).unwrap();
            run_range(&plan, stage, &selection, COMMANDS, &options, &())
        }
    });
    let (code, answer) = match result {
        Ok(report) => {
            let error = report.error.as_ref().map(ToString::to_string);
            let blocks = report.blocks();
            let failed = &report.failed;
            let answer = json!({
                "status": report.status, "blocks": blocks, "failed": failed, "error": error,
                "kept": report.work.is_some(),
            });
            (report.status.exit_code(), answer)
        }
        Err(error) => {
            (error.kind().exit_code(), json!({"error": error.to_string(), "hints": error.hints()}))
        }
    };
    println!("\n{answer}");
    std::process::exit(i32::from(code));
}
