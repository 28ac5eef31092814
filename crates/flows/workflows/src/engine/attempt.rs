//! One block: its attempts, the panic border, its marker.

use std::io;
use std::time::Instant;

use hooke_core::image::SourceError;
use hooke_core::plan::{Block, Stage};

use super::error::{causes, plain};
use super::events::BlockProgress;
use super::marker::{Failure, FailureKind, Finding, Marker};
use super::panics;
use super::run_stage::Shared;
use super::workflow::{BlockContext, BlockError, RunBlock, Scratch, Summary};

/// How a block ended.
pub(crate) enum End {
    Done(Marker),
    Failed(Failure),
    Fatal(SourceError),
    Cancelled,
}

/// Runs a block until it is done, has failed, or must stop. `retry` hears of every error after
/// which the block is tried again.
pub(crate) fn run_block(
    shared: &Shared<'_>,
    stage: &Stage,
    opened: &dyn RunBlock,
    block: &Block,
    scratch: &mut Scratch,
    retry: &dyn Fn(&str),
) -> End {
    if shared.halt.no_more() {
        return End::Cancelled;
    }
    let started = Instant::now();
    let progress = BlockProgress { watch: shared.watch, halt: shared.halt };
    let failed = |kind, error: SourceError, attempts| {
        End::Failed(Failure {
            kind,
            error: plain(&error.to_string()),
            causes: causes(error.as_ref()),
            hints: crate::hints_of(error.as_ref()),
            attempts,
            region: block.write,
        })
    };
    let mut attempt = 1;
    loop {
        let mut cx = BlockContext {
            progress: &progress,
            budget: &shared.options.budget,
            scratch: &mut *scratch,
            attempt,
            markers: shared.markers,
        };
        let result = panics::guard(|| once(shared, stage, opened, block, &mut cx));
        match result {
            Err(panic) => {
                // Half-changed buffers are of no use to the next block.
                *scratch = Scratch::default();
                return failed(FailureKind::Panic, panic.into(), attempt);
            }
            Ok(Ok(summary)) => {
                let finding = Finding {
                    id: block.id,
                    attempt,
                    keys: summary.keys,
                    summary: summary.values,
                    seconds: started.elapsed().as_secs_f64(),
                    bytes_read: summary.bytes_read,
                };
                return match shared.markers.write(&stage.name, finding) {
                    Ok(marker) => End::Done(marker),
                    // Without markers nothing can be resumed.
                    Err(e) => End::Fatal(e.into()),
                };
            }
            Ok(Err(BlockError::Cancelled)) if shared.halt.no_more() => return End::Cancelled,
            Ok(Err(BlockError::Cancelled)) => {
                let error = "the block stopped although nobody asked it to".into();
                return failed(FailureKind::Permanent, error, attempt);
            }
            Ok(Err(BlockError::Fatal(error))) => return End::Fatal(error),
            Ok(Err(BlockError::Permanent(error))) => {
                return failed(FailureKind::Permanent, error, attempt);
            }
            Ok(Err(BlockError::Transient(error))) => {
                let Some(wait) = shared.options.waits.get(attempt as usize - 1) else {
                    return failed(FailureKind::Transient, error, attempt);
                };
                retry(&plain(&error.to_string()));
                if !shared.halt.sleep(*wait) {
                    return End::Cancelled;
                }
                attempt += 1;
            }
        }
    }
}

#[cfg_attr(not(feature = "faults"), allow(unused_variables))]
fn once(
    shared: &Shared<'_>,
    stage: &Stage,
    opened: &dyn RunBlock,
    block: &Block,
    cx: &mut BlockContext<'_>,
) -> Result<Summary, BlockError> {
    #[cfg(feature = "faults")]
    let faults = super::faults::of(&stage.name, block.id);
    #[cfg(feature = "faults")]
    super::faults::before(&faults, cx)?;
    let summary = opened.run(block, cx)?;
    #[cfg(feature = "faults")]
    super::faults::after(&faults, shared.work.root(), &stage.name, block.id);
    let size = serde_json::to_vec(&summary.values).map_err(io::Error::from)?.len();
    if size > Summary::MAX_BYTES {
        let most = Summary::MAX_BYTES;
        return Err(format!("a summary of {size} bytes; at most {most} go into a marker").into());
    }
    Ok(summary)
}
