//! What a run tells its face while it goes.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hooke_core::plan::{Plan, Stage};
use hooke_core::provenance::Warning;
use hooke_core::{Cancel, Progress};

use super::report::StageReport;

/// Who watches a run: a bar, JSON lines, Python, the viewer. `()` looks away.
pub trait Watch: Send + Sync {
    /// Something happened. Called from several threads; must return quickly.
    fn event(&self, event: &Event<'_>);
}

impl Watch for () {
    fn event(&self, _: &Event<'_>) {}
}

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A run begins or goes on.
    Started {
        /// What it does.
        plan: &'a Plan,
        /// Its work folder.
        work: &'a Path,
        /// Whether it goes on where another stopped.
        resumed: bool,
    },
    /// A stage begins.
    Stage {
        /// The stage.
        stage: &'a Stage,
        /// Blocks of this run: those of a range, or all.
        total: u64,
        /// Of these, found done already.
        skipped: u64,
    },
    /// A block ended, or is tried again.
    Block {
        /// Its stage.
        stage: &'a str,
        /// Its number.
        id: u64,
        /// What became of it.
        outcome: Outcome,
        /// Seconds since it began.
        seconds: f64,
        /// Bytes it wrote.
        bytes: u64,
        /// Why, unless it is done.
        error: Option<&'a str>,
    },
    /// A block announces steps of its own (a merge over many tables).
    Part {
        /// What it does.
        name: &'a str,
        /// How many.
        total: u64,
        /// Of what.
        unit: &'a str,
    },
    /// Steps within a block are done.
    PartAdvance {
        /// How many.
        n: u64,
        /// Bytes read or written by them.
        bytes: u64,
    },
    /// A sentence for the log.
    Message(&'a str),
    /// Something a user should know.
    Warning(&'a Warning),
    /// The run was asked to stop; blocks in flight have that long to end.
    Stopping(Duration),
    /// A stage ended, complete or not.
    StageEnded(&'a StageReport),
    /// All blocks are done; outputs enter their place.
    Publishing,
}

/// What became of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Outcome {
    Done,
    Failed,
    Retry,
}

/// Whether blocks should stop. After a cancel those in flight may go on for the grace time; after
/// a fatal error they stop at once.
#[derive(Debug)]
pub(crate) struct Halt {
    cancel: Cancel,
    grace: Duration,
    asked: OnceLock<Instant>,
    fatal: AtomicBool,
}

impl Halt {
    pub fn new(cancel: Cancel, grace: Duration) -> Halt {
        Halt { cancel, grace, asked: OnceLock::new(), fatal: AtomicBool::new(false) }
    }

    /// No new blocks. The grace time runs from the first time this is seen.
    pub fn no_more(&self) -> bool {
        if self.cancel.is_cancelled() {
            self.asked.get_or_init(Instant::now);
        }
        self.asked.get().is_some() || self.fatal.load(Ordering::Acquire)
    }

    /// Blocks in flight must end.
    pub fn at_once(&self) -> bool {
        self.no_more()
            && (self.fatal.load(Ordering::Acquire)
                || self.asked.get().is_some_and(|t| t.elapsed() >= self.grace))
    }

    pub fn cancelled(&self) -> bool {
        self.asked.get().is_some()
    }

    pub fn stop_at_once(&self) {
        self.fatal.store(true, Ordering::Release);
    }

    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Sleeps, but not beyond a cancel; true when it slept to the end.
    pub fn sleep(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.no_more() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        false
    }
}

/// What a block sees as its progress.
pub(crate) struct BlockProgress<'a> {
    pub watch: &'a dyn Watch,
    pub halt: &'a Halt,
}

impl Progress for BlockProgress<'_> {
    fn start(&self, name: &str, total: u64, unit: &str) {
        self.watch.event(&Event::Part { name, total, unit });
    }

    fn advance(&self, n: u64, bytes: u64) {
        self.watch.event(&Event::PartAdvance { n, bytes });
    }

    fn message(&self, text: &str) {
        self.watch.event(&Event::Message(text));
    }

    fn is_cancelled(&self) -> bool {
        self.halt.at_once()
    }
}
