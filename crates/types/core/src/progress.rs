//! Progress and cancellation of long calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where a long call says how far it is. `()` is the silent one.
pub trait Progress: Send + Sync {
    /// A stage begins: its name, how many items, what an item is ("tiles").
    fn start(&self, stage: &str, total: u64, unit: &str);
    /// `n` more items are done; `bytes` more were read or written.
    fn advance(&self, n: u64, bytes: u64);
    /// A sentence for the log.
    fn message(&self, text: &str);
    /// Whether the caller wants the work to stop; asked at least every half second.
    fn is_cancelled(&self) -> bool;
}

impl Progress for () {
    fn start(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
    fn message(&self, _: &str) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A flag that stops a run; set by signals, Python or the server.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the run to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody asked the run to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
