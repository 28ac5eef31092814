//! The blocks of one stage on the threads of this process.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hooke_core::plan::{Block, Blocks, Plan, Stage};

use super::attempt::{End, run_block};
use super::error::{Error, Result};
use super::events::{Event, Halt, Outcome, Watch};
use super::marker::{Failure, Markers, Scan};
use super::options::RunOptions;
use super::report::{FailedBlock, StageReport};
use super::target::free_bytes;
use super::work_dir::WorkDir;
use super::workflow::{RunBlock, Scratch, Workflow};

/// What all blocks of a run share.
pub(crate) struct Shared<'a> {
    pub workflow: &'a dyn Workflow,
    pub plan: &'a Plan,
    pub work: &'a WorkDir,
    pub markers: &'a Markers,
    pub options: &'a RunOptions,
    pub watch: &'a dyn Watch,
    pub halt: &'a Halt,
}

/// What the dispatcher hears from the threads.
enum Note {
    Retry { id: u64, error: String, seconds: f64 },
    Ended { block: Block, end: Box<End>, seconds: f64 },
}

/// How a stage ended.
pub(crate) struct StageEnd {
    pub report: StageReport,
    pub failed: Vec<FailedBlock>,
    /// Why the run must stop.
    pub stop: Option<Error>,
}

/// How many failed blocks a run may still have: the rest of `--max-failed`.
pub(crate) struct Allowed(pub Option<u64>);

/// Runs those blocks of a stage that are not done; `chosen` is a part of the stage.
pub(crate) fn run_stage(
    shared: &Shared<'_>,
    stage: &Stage,
    scan: &Scan,
    chosen: &dyn Fn(u64) -> bool,
    allowed: &mut Allowed,
) -> Result<StageEnd> {
    let started = Instant::now();
    let ids = || (0..stage.blocks.len()).filter(|id| chosen(*id));
    let todo: Vec<u64> = ids().filter(|id| !scan.done[*id as usize]).collect();
    let total = ids().count() as u64;
    let skipped = total - todo.len() as u64;
    shared.watch.event(&Event::Stage { stage, total, skipped });
    let mut dispatch = Dispatch {
        shared,
        stage,
        report: StageReport {
            name: stage.name.clone(),
            unit: stage.unit.clone(),
            blocks: total,
            done: 0,
            skipped,
            failed: 0,
            seconds: 0.0,
            block_seconds: scan.seconds,
            bytes_read: scan.bytes_read,
            bytes_written: scan.bytes_written,
        },
        failed: Vec::new(),
        stop: None,
        allowed,
        told: false,
    };
    if !todo.is_empty() && !shared.halt.no_more() {
        let opened = shared.workflow.open_stage(&stage.name, shared.plan, shared.work)?;
        dispatch.blocks(&*opened, &todo);
    }
    dispatch.report.seconds = started.elapsed().as_secs_f64();
    shared.watch.event(&Event::StageEnded(&dispatch.report));
    let (report, mut failed, stop) = (dispatch.report, dispatch.failed, dispatch.stop);
    // They came in any order; what is told and kept is told in theirs.
    failed.sort_by_key(|f| f.id);
    Ok(StageEnd { report, failed, stop })
}

/// Hands out blocks in the order of their ids, and hears what became of them.
///
/// Memory is taken before a block is handed to a thread and given back when it ended. So no
/// thread ever waits for memory while a block is suspended below it on the same stack, which
/// work stealing would make a deadlock.
struct Dispatch<'a, 'b> {
    shared: &'a Shared<'b>,
    stage: &'a Stage,
    report: StageReport,
    failed: Vec<FailedBlock>,
    stop: Option<Error>,
    allowed: &'a mut Allowed,
    told: bool,
}

impl Dispatch<'_, '_> {
    fn blocks(&mut self, opened: &dyn RunBlock, todo: &[u64]) {
        let (shared, stage) = (self.shared, self.stage);
        let room = shared.options.budget.for_blocks();
        let threads = rayon::current_num_threads();
        // On a thread of the pool this one also runs blocks; one more keeps the others busy then.
        let waiting = threads > 1 && rayon::current_thread_index().is_some();
        let most = threads + usize::from(waiting);
        let scratches: Mutex<Vec<Scratch>> = Mutex::new(Vec::new());
        let (sender, notes) = channel::<Note>();
        rayon::in_place_scope_fifo(|scope| {
            let (mut flying, mut bytes) = (0usize, 0u64);
            let mut next = todo.iter().map_while(|id| stage.blocks.get(*id)).peekable();
            loop {
                while flying < most && self.stop.is_none() && !shared.halt.no_more() {
                    let fits = |b: &Block| flying == 0 || bytes.saturating_add(b.bytes) <= room;
                    let Some(block) = next.next_if(fits) else { break };
                    (flying, bytes) = (flying + 1, bytes + block.bytes);
                    let (sender, scratches) = (sender.clone(), &scratches);
                    scope.spawn_fifo(move |_| {
                        let lock = || scratches.lock().unwrap_or_else(PoisonError::into_inner);
                        let mut scratch = lock().pop().unwrap_or_default();
                        let started = Instant::now();
                        let seconds = || started.elapsed().as_secs_f64();
                        let id = block.id;
                        let retry = |error: &str| {
                            let error = error.to_owned();
                            // The dispatcher listens until the last block has ended.
                            let _ = sender.send(Note::Retry { id, error, seconds: seconds() });
                        };
                        let end = run_block(shared, stage, opened, &block, &mut scratch, &retry);
                        lock().push(scratch);
                        let _ = sender.send(Note::Ended {
                            block,
                            end: Box::new(end),
                            seconds: seconds(),
                        });
                    });
                }
                if flying == 0 {
                    break;
                }
                match self.listen(&notes) {
                    Note::Retry { id, error, seconds } => {
                        self.tell(id, Outcome::Retry, seconds, 0, Some(&error));
                    }
                    Note::Ended { block, end, seconds } => {
                        (flying, bytes) = (flying - 1, bytes - block.bytes);
                        self.ended(&block, *end, seconds);
                    }
                }
            }
        });
    }

    /// Waits for a note. On a thread of the pool it works meanwhile, since blocks may wait for it.
    fn listen(&mut self, notes: &Receiver<Note>) -> Note {
        loop {
            if self.shared.halt.no_more() && self.shared.halt.cancelled() && !self.told {
                self.told = true;
                self.shared.watch.event(&Event::Stopping(self.shared.halt.grace()));
            }
            let pool = rayon::current_thread_index().is_some();
            if pool {
                match notes.try_recv() {
                    Ok(note) => return note,
                    Err(TryRecvError::Disconnected) => unreachable!("the sender is ours"),
                    Err(TryRecvError::Empty) => {}
                }
                if rayon::yield_now() == Some(rayon::Yield::Executed) {
                    continue;
                }
            }
            let patience = Duration::from_millis(if pool { 2 } else { 100 });
            match notes.recv_timeout(patience) {
                Ok(note) => return note,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("the sender is ours"),
            }
        }
    }

    fn ended(&mut self, block: &Block, end: End, seconds: f64) {
        match end {
            End::Done(marker) => {
                self.report.done += 1;
                self.report.block_seconds += marker.seconds;
                self.report.bytes_read += marker.bytes_read;
                self.report.bytes_written += marker.bytes_written;
                self.tell(block.id, Outcome::Done, seconds, marker.bytes_written, None);
            }
            End::Failed(failure) => self.failed(block, failure, seconds),
            End::Fatal(source) => {
                self.shared.halt.stop_at_once();
                let free = free_bytes(self.shared.work.root()).unwrap_or(0);
                let (stage, id, needed) = (self.stage.name.clone(), block.id, block.bytes);
                self.stop.get_or_insert(Error::Fatal { stage, id, needed, free, source });
            }
            End::Cancelled => {}
        }
    }

    fn failed(&mut self, block: &Block, failure: Failure, seconds: f64) {
        self.report.failed += 1;
        let message = failure.message();
        self.tell(block.id, Outcome::Failed, seconds, 0, Some(&message));
        // Without this file only `block status` would not know; the report has it in any case.
        let _ = self.shared.markers.write_failed(&self.stage.name, block.id, &failure);
        let (stage, id) = (self.stage.name.clone(), block.id);
        let single = matches!(self.stage.blocks, Blocks::One { .. });
        if single || self.shared.workflow.stops_at_first_failure() {
            let (kind, stage) = (failure.kind, stage.clone());
            let hints = failure.hints.clone();
            let stop = Error::BlockFailed { stage, id, kind, message, hints };
            self.stop.get_or_insert(stop);
        } else if let Some(left) = &mut self.allowed.0 {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => {
                    let max = self.shared.options.max_failed.unwrap_or(u64::MAX);
                    self.stop.get_or_insert(Error::TooManyFailed { max, message });
                }
            }
        }
        self.failed.push(FailedBlock { stage, id, failure });
    }

    fn tell(&self, id: u64, outcome: Outcome, seconds: f64, bytes: u64, error: Option<&str>) {
        let stage = &self.stage.name;
        self.shared.watch.event(&Event::Block { stage, id, outcome, seconds, bytes, error });
    }
}
