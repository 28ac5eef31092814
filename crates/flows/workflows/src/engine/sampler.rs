//! Watches the memory of a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hooke_core::budget::show_bytes;
use hooke_core::provenance::Warning;

use super::machine::{cpu_seconds, resident_bytes};
use super::report::RunReport;

/// What a process may have resident beyond `--memory`.
pub const TOLERANCE: u64 = 128 << 20;
const EVERY: Duration = Duration::from_millis(200);

/// Time and memory of a run: a thread looks five times a second.
pub(crate) struct Sampler {
    started: Instant,
    cpu: f64,
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
    peak: Arc<AtomicU64>,
    peak_before: u64,
    memory: u64,
    over: Arc<Mutex<Option<u64>>>,
}

impl Sampler {
    /// Begins to look.
    pub fn start(memory: u64) -> Sampler {
        let (stop, stopped) = channel();
        let peak = Arc::new(AtomicU64::new(0));
        let over = Arc::new(Mutex::new(None));
        let (seen, first) = (Arc::clone(&peak), Arc::clone(&over));
        let look = move || {
            loop {
                let (now, _) = resident_bytes();
                seen.fetch_max(now, Ordering::Relaxed);
                if now > memory.saturating_add(TOLERANCE) {
                    first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
                }
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("memory".to_owned()).spawn(look).ok();
        Sampler {
            started: Instant::now(),
            cpu: cpu_seconds(),
            stop,
            thread,
            peak,
            peak_before: resident_bytes().1,
            memory,
            over,
        }
    }

    /// The largest resident memory so far, in bytes.
    fn peak(&self) -> u64 {
        // The system's own peak misses nothing, but a process may have been larger before.
        match resident_bytes().1 {
            later if later > self.peak_before => later,
            _ => self.peak.load(Ordering::Relaxed),
        }
    }

    /// Notes time and memory so far.
    pub fn note(&self, report: &mut RunReport) {
        report.peak_rss_bytes = self.peak();
        report.seconds = self.started.elapsed().as_secs_f64();
        report.cpu_seconds = cpu_seconds() - self.cpu;
        report.warnings.extend(self.warning());
    }

    /// A warning when it was beyond the bound.
    fn warning(&self) -> Option<Warning> {
        let over = *self.over.lock().unwrap_or_else(PoisonError::into_inner);
        over.map(|first| {
            let (peak, memory) = (show_bytes(self.peak().max(first)), show_bytes(self.memory));
            let what = format!("{peak} were resident; --memory allows {memory} and 128 MiB more");
            Warning::new("memory_above_bound", what)
        })
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        // The thread may have ended already.
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
