//! What a workflow is to the engine, and what a block is told and tells.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::plan::{Block, Plan};
use hooke_core::provenance::{ModelRecord, OutputRecord, Warning};
use hooke_core::{Budget, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::marker::Markers;
use super::work_dir::WorkDir;

/// A command that computes: it plans, creates its outputs, runs blocks and finishes.
///
/// A workflow must be reconstructible from its [`Plan`] alone, see
/// [`Registered`](super::registry::Registered). Errors are boxed; [`super::Error::usage`] and
/// [`hooke_io::Error`] inside keep their meaning.
pub trait Workflow: Send + Sync {
    /// Decides what will be done. Reads metadata only, writes nothing.
    ///
    /// # Errors
    /// When an input cannot be opened, or a block does not fit into the budget.
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError>;

    /// Creates the arrays and folders that blocks write into, below [`WorkDir::data`]; once, by
    /// the driver, before any block. Called again from an empty folder when it was interrupted.
    ///
    /// # Errors
    /// When they cannot be created.
    fn create(&self, plan: &Plan, work: &WorkDir) -> Result<(), SourceError>;

    /// Opens what the blocks of one stage share: sources, sinks, results of earlier stages.
    /// Called when the stages before are complete, once per process.
    ///
    /// # Errors
    /// When something cannot be opened; the run stops.
    fn open_stage<'a>(
        &'a self,
        stage: &str,
        plan: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError>;

    /// Completes the outputs below [`WorkDir::data`] when every block is done: metadata, tables.
    /// They enter their place afterwards. May be called again after a kill.
    ///
    /// # Errors
    /// When an output cannot be completed.
    fn finish(&self, plan: &Plan, done: &Markers, work: &WorkDir) -> Result<Finished, SourceError>;

    /// Whether one failed block makes the whole answer worthless (`convert`, scores, tables):
    /// then the run stops at the first one with exit code 1.
    fn stops_at_first_failure(&self) -> bool {
        false
    }
}

/// An opened stage.
pub trait RunBlock: Send + Sync {
    /// Computes and writes one block. Runs on many threads at once, possibly twice for the same
    /// block, and must then write the same bytes.
    ///
    /// # Errors
    /// [`BlockError`]; `?` on any error sorts it into the right kind.
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError>;
}

impl<F> RunBlock for F
where
    F: Fn(&Block, &mut BlockContext<'_>) -> Result<Summary, BlockError> + Send + Sync,
{
    fn run(&self, block: &Block, cx: &mut BlockContext<'_>) -> Result<Summary, BlockError> {
        self(block, cx)
    }
}

/// What a block is told.
pub struct BlockContext<'a> {
    /// Where it says how far it is; asked for cancellation at least every half second.
    pub progress: &'a dyn Progress,
    /// Memory and threads of the whole process; the block's own share is [`Block::bytes`].
    pub budget: &'a Budget,
    /// Buffers that are kept from block to block.
    pub scratch: &'a mut Scratch,
    /// 1 at first, more after transient errors.
    pub attempt: u32,
    /// Markers of earlier stages, for merges.
    pub markers: &'a Markers,
}

/// Buffers that one block leaves for the next: fresh memory costs ten times a copy.
///
/// ```
/// use hooke_workflows::engine::Scratch;
/// #[derive(Default)]
/// struct Buffers { read: Vec<f32> }
/// let mut scratch = Scratch::default();
/// scratch.get::<Buffers>().read.resize(9, 0.0);
/// assert_eq!(scratch.get::<Buffers>().read.len(), 9);
/// ```
#[derive(Default)]
pub struct Scratch(HashMap<TypeId, Box<dyn Any + Send>>);

impl Scratch {
    /// The buffers of that type; made by `Default` at first, later as the last block left them.
    pub fn get<T: Any + Send + Default>(&mut self) -> &mut T {
        let slot = self.0.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        slot.downcast_mut().expect("the slot is found by its type")
    }
}

/// What a block leaves in its marker: the files it wrote, and up to 1 kB for later stages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Files written, relative to the work folder.
    pub keys: Vec<WrittenKey>,
    /// Bytes read from inputs.
    pub bytes_read: u64,
    /// Values for later stages and for `finish`.
    pub values: Map<String, Value>,
}

impl Summary {
    /// The largest summary, in bytes of JSON.
    pub const MAX_BYTES: usize = 1024;

    /// An empty summary.
    pub fn new() -> Summary {
        Summary::default()
    }

    /// Adds bytes read.
    #[must_use]
    pub fn read(mut self, bytes: u64) -> Summary {
        self.bytes_read += bytes;
        self
    }

    /// Adds keys that a sink returned; `container` is the sink's path relative to the work
    /// folder, as [`WorkDir::relative`] gives it.
    #[must_use]
    pub fn wrote(mut self, container: &str, keys: Vec<WrittenKey>) -> Summary {
        self.keys.extend(keys.into_iter().map(|key| match key.key.is_empty() {
            true => WrittenKey { key: container.to_owned(), ..key },
            false => WrittenKey { key: format!("{container}/{}", key.key), ..key },
        }));
        self
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Summary {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Bytes of all files written.
    pub fn bytes_written(&self) -> u64 {
        self.keys.iter().map(|k| k.bytes).sum()
    }
}

/// Why a block was not done.
#[derive(Debug)]
pub enum BlockError {
    /// May pass: a network disk that hiccups. Tried again three times.
    Transient(SourceError),
    /// Will not pass: a damaged chunk, no solution. The other blocks go on.
    Permanent(SourceError),
    /// No other block can succeed either: the disk is full. The run stops.
    Fatal(SourceError),
    /// The run was asked to stop, and the block did.
    Cancelled,
}

impl BlockError {
    /// Sorts an error by the first cause that an operating system or a reader gave.
    pub fn classify(error: SourceError) -> BlockError {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
        while let Some(e) = cause {
            let io = e.downcast_ref::<std::io::Error>();
            let (transient, fatal) = match (e.downcast_ref::<hooke_io::Error>(), io) {
                (Some(e), _) => (e.is_transient(), e.is_fatal()),
                (None, Some(e)) => (is_transient(e), is_fatal(e)),
                (None, None) => (false, false),
            };
            if fatal {
                return BlockError::Fatal(error);
            }
            if transient {
                return BlockError::Transient(error);
            }
            cause = e.source();
        }
        BlockError::Permanent(error)
    }
}

impl<E: Into<SourceError>> From<E> for BlockError {
    fn from(error: E) -> BlockError {
        BlockError::classify(error.into())
    }
}

fn is_transient(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    const EIO: i32 = 5;
    matches!(
        error.kind(),
        Kind::TimedOut
            | Kind::WouldBlock
            | Kind::Interrupted
            | Kind::ConnectionReset
            | Kind::StaleNetworkFileHandle
    ) || error.raw_os_error() == Some(EIO)
}

fn is_fatal(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge | Kind::ReadOnlyFilesystem
    )
}

/// What a workflow says when it is complete.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// What was written; paths are final ones. Sizes are measured by the engine.
    pub outputs: Vec<OutputRecord>,
    /// Networks that were used.
    #[serde(default)]
    pub models: Vec<ModelRecord>,
    /// What a user should know.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// The workflow's own result, for `--json`.
    #[serde(default)]
    pub result: Value,
}
