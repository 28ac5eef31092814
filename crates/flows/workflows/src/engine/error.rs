//! Why a run cannot begin, go on, or be published.

use std::path::{Path, PathBuf};

use hooke_core::budget::show_bytes;
use hooke_core::image::SourceError;
use hooke_core::plan::{Difference, PlanError};
use thiserror::Error;

use super::marker::FailureKind;

/// The result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the engine stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Options that contradict each other, or name something unknown: nothing was touched.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// A way on; may be empty.
        hint: String,
    },
    /// `--resume` and `--overwrite` together.
    #[error(
        "--resume goes on with an unfinished output, --overwrite starts anew: give one of them"
    )]
    ResumeAndOverwrite,
    /// The output exists.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The output exists and is not something that `--overwrite` may remove.
    #[error("{} is a folder that Hooke did not write; it is not removed", .0.display())]
    NotOurs(PathBuf),
    /// An unfinished output exists.
    #[error("{} is an unfinished run, {done} of {total} blocks done", path.display())]
    Unfinished {
        /// The work folder.
        path: PathBuf,
        /// Blocks with a marker.
        done: u64,
        /// Blocks in all.
        total: u64,
    },
    /// `--resume` with other parameters or inputs.
    #[error("{} was begun with other settings or inputs:{}", path.display(), lines(differences))]
    OtherPlan {
        /// The work folder, or the finished output.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// `--resume` on an output that was finished with other parameters or inputs.
    #[error("{} is complete, and was made with other settings or inputs", .0.display())]
    FinishedOtherwise(PathBuf),
    /// Another process writes the same output.
    #[error("another hooke ({holder}) is writing {output}")]
    Locked {
        /// Name of the output.
        output: String,
        /// Who holds the lock: `pid 4711, host a`.
        holder: String,
    },
    /// The folder that should hold the output does not exist.
    #[error("{}: no such folder", .0.display())]
    NoParent(PathBuf),
    /// The folder that should hold the output cannot be written.
    #[error("{}: cannot write there: {}", path.display(), plain(&source.to_string()).to_lowercase())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The disk is too small.
    #[error(
        "{}: needs {} on disk, {} are free", path.display(), show_bytes(*needed), show_bytes(*free)
    )]
    NoSpace {
        /// The folder.
        path: PathBuf,
        /// Bytes that the run will write, as estimated.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk filled up, or became read-only, in mid-run.
    #[error(
        "the run stopped at block {id} of {stage}: {}; the block needs {}, {} are free",
        chain(source.as_ref()), show_bytes(*needed), show_bytes(*free)
    )]
    Fatal {
        /// The stage.
        stage: String,
        /// The block.
        id: u64,
        /// Peak bytes of the block.
        needed: u64,
        /// Bytes that are free where it writes.
        free: u64,
        /// What happened.
        source: SourceError,
    },
    /// A block failed that everything depends on.
    #[error("block {id} of {stage} failed: {message}")]
    BlockFailed {
        /// The stage.
        stage: String,
        /// The block.
        id: u64,
        /// Whether trying again might help.
        kind: FailureKind,
        /// What happened, with its causes.
        message: String,
        /// What a user can do.
        hints: Vec<String>,
    },
    /// So many blocks failed that the settings must be wrong.
    #[error("more than {max} blocks failed, the last one: {message}")]
    TooManyFailed {
        /// How many may.
        max: u64,
        /// Why the last one failed.
        message: String,
    },
    /// A plan that cannot be, or too little memory for it.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file of a work folder that is not what it should be.
    #[error("{}: {what}", path.display())]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A plan of a command that this Hooke does not have.
    #[error("{}: made by `hooke {command}`, which this Hooke does not know", path.display())]
    UnknownCommand {
        /// The plan.
        path: PathBuf,
        /// Its command.
        command: String,
    },
    /// A stage that the plan does not have.
    #[error("no stage `{stage}`; the stages are {}", known.join(", "))]
    UnknownStage {
        /// What was asked for.
        stage: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A stage whose predecessors are not complete.
    #[error(
        "stage `{stage}` comes after `{after}`, of which {missing} of {total} blocks are missing"
    )]
    StageTooEarly {
        /// The stage that was asked for.
        stage: String,
        /// The one that is not complete.
        after: String,
        /// Blocks that it lacks.
        missing: u64,
        /// Blocks that it has in all.
        total: u64,
    },
    /// Blocks without a marker at the end: `block finish` came too early.
    #[error("{} is not complete; missing {}", path.display(), missing.join("; "))]
    Missing {
        /// The work folder.
        path: PathBuf,
        /// Stage and ranges: `fuse 3..7, 12..13`.
        missing: Vec<String>,
    },
    /// A file of the engine itself cannot be read or written.
    #[error(transparent)]
    Io(#[from] hooke_io::Error),
    /// The workflow itself says no while planning, creating or finishing.
    #[error("{0}")]
    Workflow(#[source] SourceError),
}

/// What kind of error it is: decides the exit code and the word in `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ErrorKind {
    Usage,
    Input,
    Output,
    Plan,
    Blocks,
}

impl ErrorKind {
    /// The exit code: 2 for usage, 3 for blocks that are missing, else 1.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Usage => 2,
            ErrorKind::Blocks => 3,
            ErrorKind::Input | ErrorKind::Output | ErrorKind::Plan => 1,
        }
    }
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Usage { .. } | Error::ResumeAndOverwrite | Error::UnknownStage { .. } => {
                ErrorKind::Usage
            }
            Error::Missing { .. } => ErrorKind::Blocks,
            Error::OtherPlan { .. }
            | Error::FinishedOtherwise(_)
            | Error::Plan(_)
            | Error::NotAPlan { .. }
            | Error::UnknownCommand { .. }
            | Error::StageTooEarly { .. } => ErrorKind::Plan,
            Error::Workflow(_) | Error::BlockFailed { .. } | Error::TooManyFailed { .. } => {
                ErrorKind::Input
            }
            Error::Exists(_)
            | Error::NotOurs(_)
            | Error::Unfinished { .. }
            | Error::Locked { .. }
            | Error::NoParent(_)
            | Error::NotWritable { .. }
            | Error::NoSpace { .. }
            | Error::Fatal { .. }
            | Error::Io(_) => ErrorKind::Output,
        }
    }

    /// What the reader of the message can do.
    pub fn hints(&self) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match self {
            Error::Usage { hint, .. } if !hint.is_empty() => one(hint),
            Error::Exists(_) => one("give --overwrite to replace it"),
            Error::NoParent(folder) => {
                vec![format!("make it first: mkdir -p {}", folder.display())]
            }
            Error::NotWritable { .. } => one("write elsewhere, or ask for permission there"),
            Error::NoSpace { .. } => one("make room, or write to another disk"),
            Error::Locked { .. } => one("wait until it has ended, then go on with --resume"),
            Error::NotOurs(_) => one("give another --output, or remove it yourself"),
            Error::Unfinished { .. } => one("go on with --resume, or start anew with --overwrite"),
            Error::OtherPlan { .. } => {
                one("give the same settings as before, or start anew with --overwrite")
            }
            Error::FinishedOtherwise(_) => one("give --overwrite to make it anew"),
            Error::Fatal { .. } => one("when there is room again, go on with --resume"),
            Error::BlockFailed { kind: FailureKind::Transient, hints, .. } => {
                let again = "when the disk or network answers again, go on with --resume";
                hints.iter().cloned().chain([again.to_owned()]).collect()
            }
            Error::BlockFailed { hints, .. } => hints.clone(),
            Error::TooManyFailed { .. } => {
                one("correct the cause and go on with --resume, or give --max-failed all")
            }
            Error::Missing { .. } => one("run those with `hooke block run`, then finish again"),
            Error::Workflow(source) => crate::hints_of(source.as_ref()),
            _ => Vec::new(),
        }
    }

    /// The file or folder the error is about.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Error::Exists(path)
            | Error::NotOurs(path)
            | Error::FinishedOtherwise(path)
            | Error::NoParent(path)
            | Error::Unfinished { path, .. }
            | Error::OtherPlan { path, .. }
            | Error::NotWritable { path, .. }
            | Error::NoSpace { path, .. }
            | Error::NotAPlan { path, .. }
            | Error::UnknownCommand { path, .. }
            | Error::Missing { path, .. } => Some(path),
            Error::Io(source) => Some(source.path()),
            Error::Workflow(source) => source.downcast_ref().map(hooke_io::Error::path),
            _ => None,
        }
    }

    /// Conflicting or unknown options, found by a workflow while planning.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::Usage { message: message.into(), hint: hint.into() }
    }

    pub(crate) fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io(hooke_io::Error::io(path, doing, source))
    }
}

/// An error of a workflow; an engine error inside comes out as itself.
impl From<SourceError> for Error {
    fn from(source: SourceError) -> Error {
        let source = match source.downcast::<Error>() {
            Ok(own) => return *own,
            Err(other) => other,
        };
        match source.downcast::<PlanError>() {
            Ok(plan) => Error::Plan(*plan),
            Err(other) => Error::Workflow(other),
        }
    }
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|d| format!("\n  {d}")).collect()
}

/// An error and all its causes in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    join(plain(&error.to_string()), &causes(error))
}

/// The causes of an error, nearest first.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    std::iter::successors(error.source(), |e| e.source()).map(|e| plain(&e.to_string())).collect()
}

/// A message and those of its causes that it does not repeat itself.
pub(crate) fn join(mut text: String, causes: &[String]) -> String {
    for cause in causes {
        if !text.to_lowercase().contains(&cause.to_lowercase()) {
            text.push_str(": ");
            text.push_str(cause);
        }
    }
    text
}

/// The operating system's words without its error number.
pub(crate) fn plain(text: &str) -> String {
    text.split(" (os error").next().unwrap_or(text).to_owned()
}
