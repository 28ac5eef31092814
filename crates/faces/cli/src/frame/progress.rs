//! Progress on standard error: a bar on a terminal, plain lines in a log, JSON for programs.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hooke_workflows::engine::{Event, Outcome, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::common::ProgressKind;
use super::paths::as_typed;

/// At most ten JSON lines a second.
const JSON_EVERY: Duration = Duration::from_millis(100);

/// Shows the progress of a run.
pub struct Shown {
    mode: Mode,
    quiet: bool,
    verbose: bool,
    started: Instant,
    /// The line to type to go on with a run that was stopped.
    again: String,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bar,
    Lines,
    Json,
    Silent,
}

#[derive(Default)]
struct State {
    stage: String,
    unit: String,
    total: u64,
    done: u64,
    skipped: u64,
    failed: u64,
    bytes: u64,
    stage_started: Option<Instant>,
    last_json: Option<Instant>,
    last_tenth: u64,
    bar: Option<ProgressBar>,
}

impl Shown {
    /// Chooses how to show progress.
    pub fn new(
        kind: ProgressKind,
        quiet: bool,
        verbose: bool,
        started: Instant,
        again: String,
    ) -> Shown {
        let terminal = std::io::stderr().is_terminal();
        let mode = match kind {
            ProgressKind::Json => Mode::Json,
            _ if quiet => Mode::Silent,
            ProgressKind::None => Mode::Silent,
            ProgressKind::Bar => Mode::Bar,
            ProgressKind::Auto if terminal => Mode::Bar,
            ProgressKind::Auto => Mode::Lines,
        };
        Shown { mode, quiet, verbose, started, again, state: Mutex::default() }
    }

    /// Whether standard error holds JSON lines only.
    pub fn is_json(&self) -> bool {
        self.mode == Mode::Json
    }

    /// A warning: a line `warning[code]: message`, or a JSON line.
    pub fn warning(&self, code: &str, message: &str) {
        match self.mode {
            Mode::Json => self.json(json!({
                "type": "log", "t": self.t(), "level": "warning", "message": message, "code": code
            })),
            _ => self.line(&format!("warning[{code}]: {}", as_typed(message))),
        }
    }

    /// The first JSON line.
    pub fn started(&self, command: &str, plan: Option<&str>, stages: Value) {
        if self.is_json() {
            self.json(json!({
                "type": "start", "t": self.t(), "command": command, "plan": plan, "stages": stages
            }));
        }
    }

    /// The last JSON line.
    pub fn ended(&self, status: &str, exit_code: u8, outputs: &[Value]) {
        if self.is_json() {
            self.json(json!({
                "type": "end", "t": self.t(), "status": status, "exit_code": exit_code,
                "outputs": outputs, "seconds": self.t(),
                "peak_rss_bytes": super::context::peak_rss_bytes()
            }));
        }
    }

    /// Removes the bar, so that what follows stands alone.
    pub fn clear(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A line for people, unless quiet.
    pub fn note(&self, text: &str) {
        match self.mode {
            Mode::Json => self.json(json!({
                "type": "log", "t": self.t(), "level": "info", "message": text, "code": null
            })),
            _ if self.quiet => {}
            _ => self.line(text),
        }
    }

    /// A line that even `--quiet` shows.
    fn line_or_log(&self, text: &str) {
        match self.mode {
            Mode::Json => self.json(json!({
                "type": "log", "t": self.t(), "level": "info", "message": text, "code": null
            })),
            _ => self.line(text),
        }
    }

    /// Blocks that do not hear of a cancel are dropped with the process.
    fn end_after(&self, grace: Duration) {
        let (json, started, again) = (self.is_json(), self.started, self.again.clone());
        let end = move || {
            std::thread::sleep(grace);
            let code = super::signals::exit_code();
            let text = match json {
                true => {
                    let t = started.elapsed().as_secs_f64();
                    let end = json!({
                        "type": "end", "t": t, "status": "cancelled", "exit_code": code,
                        "outputs": [], "seconds": t,
                        "peak_rss_bytes": super::context::peak_rss_bytes()
                    });
                    format!("{end}\n")
                }
                false => format!("error: stopped before the end\nhint: {again}\n"),
            };
            super::log::keep(&text);
            let _ = std::io::stderr().write_all(text.as_bytes());
            std::process::exit(code.into());
        };
        // Without the thread the run ends when its blocks do.
        let _ = std::thread::Builder::new().name("grace".to_owned()).spawn(end);
    }

    fn t(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A closed pipe must not stop a night's run: what cannot be shown is dropped.
    fn line(&self, text: &str) {
        super::log::keep(text);
        let write = || {
            let _ = writeln!(std::io::stderr(), "{text}");
        };
        match &self.lock().bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn json(&self, value: Value) {
        let _ = writeln!(std::io::stderr(), "{value}");
    }

    fn progress_json(&self, state: &mut State) {
        let last = state.done + state.failed >= state.total;
        if !last && state.last_json.is_some_and(|l| l.elapsed() < JSON_EVERY) {
            return;
        }
        state.last_json = Some(Instant::now());
        let seconds = state.stage_started.map_or(0.0, |s| s.elapsed().as_secs_f64());
        let eta = (state.done > 0 && seconds > 0.0).then(|| {
            seconds * (state.total - state.done.min(state.total)) as f64 / state.done as f64
        });
        let rate = (seconds > 0.0).then(|| state.bytes as f64 / seconds);
        self.json(json!({
            "type": "progress", "t": self.t(), "stage": state.stage, "done": state.done,
            "total": state.total, "skipped": state.skipped, "failed": state.failed, "unit": state.unit,
            "bytes_done": state.bytes, "bytes_total": null, "rate_bytes_per_s": rate,
            "eta_s": eta, "rss_bytes": super::context::peak_rss_bytes()
        }));
    }
}

fn bar(stage: &str, total: u64, unit: &str) -> ProgressBar {
    let style = "{prefix:>10} {bar:32} {pos}/{len} {msg}  {per_sec}  {eta} left";
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_prefix(stage.to_owned());
    bar.set_message(unit.to_owned());
    bar
}

impl Shown {
    fn begin(&self, stage: &str, total: u64, skipped: u64, unit: &str) {
        let mut state = self.lock();
        if let Some(old) = state.bar.take() {
            old.finish_and_clear();
        }
        *state = State {
            stage: stage.to_owned(),
            unit: unit.to_owned(),
            total,
            skipped,
            done: skipped,
            stage_started: Some(Instant::now()),
            bar: (self.mode == Mode::Bar).then(|| bar(stage, total, unit)),
            ..State::default()
        };
        let count = match (unit, total) {
            ("steps", 1) => String::new(),
            _ => format!(": {total} {}", super::dry_run::unit(unit, total)),
        };
        let before = if skipped > 0 { format!(", {skipped} done before") } else { String::new() };
        let line = format!("{stage}{count}{before}");
        super::log::keep(&line);
        match self.mode {
            Mode::Lines => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            Mode::Json => self.progress_json(&mut state),
            Mode::Bar => {
                if let Some(bar) = &state.bar {
                    bar.inc(skipped);
                }
            }
            Mode::Silent => {}
        }
    }

    fn advance(&self, outcome: Outcome, bytes: u64) {
        let mut state = self.lock();
        match outcome {
            Outcome::Done => state.done += 1,
            Outcome::Failed => state.failed += 1,
            Outcome::Retry => return,
        }
        state.bytes += bytes;
        let ended = state.done + state.failed;
        match self.mode {
            Mode::Bar => {
                if let Some(bar) = &state.bar {
                    bar.inc(1);
                }
            }
            Mode::Lines => {
                let tenth = ended.saturating_mul(10) / state.total.max(1);
                if tenth > state.last_tenth && state.total >= 10 {
                    state.last_tenth = tenth;
                    let percent = tenth.min(10) * 10;
                    let _ = writeln!(std::io::stderr(), "{}: {percent} %", state.stage);
                }
            }
            Mode::Json => self.progress_json(&mut state),
            Mode::Silent => {}
        }
    }

    fn block_json(&self, stage: &str, id: u64, status: &str, seconds: f64, error: Option<&str>) {
        if self.is_json() {
            self.json(json!({
                "type": "block", "t": self.t(), "stage": stage, "id": id, "status": status,
                "seconds": seconds, "error": error
            }));
        }
    }
}

impl Watch for Shown {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { plan, resumed, .. } => {
                let stages: Vec<Value> = plan
                    .stages
                    .iter()
                    .map(|s| json!({"name": s.name, "blocks": s.blocks.len(), "bytes": s.bytes()}))
                    .collect();
                self.started(&plan.command, Some(plan.hash.as_str()), json!(stages));
                if *resumed {
                    self.note("going on where the last run stopped");
                }
            }
            Event::Stage { stage, total, skipped } => {
                self.begin(&stage.name, *total, *skipped, &stage.unit);
            }
            Event::Block { stage, id, outcome, seconds, bytes, error } => {
                self.advance(*outcome, *bytes);
                match outcome {
                    Outcome::Done if self.verbose && self.is_json() => {
                        self.block_json(stage, *id, "done", *seconds, None)
                    }
                    Outcome::Done if self.verbose => {
                        let size = hooke_core::budget::show_bytes(*bytes);
                        self.line(&format!("block {id} of {stage}: {size} in {seconds:.2} s"));
                    }
                    Outcome::Done => {}
                    Outcome::Failed => {
                        self.block_json(stage, *id, "failed", *seconds, *error);
                        let why = error.unwrap_or("unknown");
                        super::log::keep(&format!("block {id} of {stage} failed: {why}"));
                    }
                    Outcome::Retry => {
                        self.block_json(stage, *id, "retry", *seconds, *error);
                        if !self.is_json() {
                            let why = error.unwrap_or("unknown");
                            self.line(&format!("block {id} of {stage} is tried again: {why}"));
                        }
                    }
                }
            }
            Event::Message(text) => self.note(text),
            Event::Stopping(grace) => {
                let seconds = grace.as_secs();
                self.line_or_log(&format!("stopping; blocks in flight have {seconds} s to end"));
                self.end_after(*grace);
            }
            Event::StageEnded(_) => {
                let mut state = self.lock();
                if let Some(bar) = state.bar.take() {
                    bar.finish_and_clear();
                }
                state.last_json = None;
                if self.is_json() {
                    self.progress_json(&mut state);
                }
            }
            _ => {}
        }
    }
}
