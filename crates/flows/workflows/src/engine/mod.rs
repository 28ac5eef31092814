//! The block engine: runs plans, stops, goes on, and gives the same bits each time.
//!
//! A workflow implements [`Workflow`]; a face calls [`run()`] with a [`Target`] and
//! [`RunOptions`], and watches through [`Watch`].
//!
//! | module | holds |
//! |---|---|
//! | [`workflow`] | what a workflow is to the engine, and what a block is told and tells |
//! | [`run`](mod@run) | a command from its first look to its last file |
//! | [`dry_run`](mod@dry_run) | what a run would do |
//! | [`two_step`] | outputs whose parts cannot be written independently |
//! | [`ranges`] | a plan by parts: `block run`, `status`, `finish` |
//! | [`registry`] | from a `plan.json` back to its workflow |
//! | [`options`] | what a face decides |
//! | [`events`] | what a run tells while it goes |
//! | [`report`] | what a run says at its end |
//! | [`error`] | why a run cannot begin, go on, or be published |
//! | [`target`] | where an output stands, and the work folder beside it |
//! | [`work_dir`] | the files of the work folder |
//! | [`marker`] | the proof that a block is done |
//! | [`machine`] | memory and threads that this process may use |
//! | [`stamp`] | stamps of inputs |

mod attempt;
mod begin;
pub mod dry_run;
pub mod error;
pub mod events;
#[cfg(feature = "faults")]
mod faults;
mod lock;
mod log;
pub mod machine;
pub mod marker;
pub mod options;
mod panics;
mod planned;
mod publish;
pub mod ranges;
pub mod registry;
pub mod report;
pub mod run;
mod run_stage;
mod runs;
mod sampler;
mod session;
pub mod stamp;
pub mod target;
pub mod two_step;
pub mod work_dir;
pub mod workflow;

pub use begin::finished;
pub use dry_run::{DryRun, dry_run};
pub use error::{Error, ErrorKind, Result};
pub use events::{Event, Outcome, Watch};
pub use marker::{Markers, ranges as id_ranges};
pub use options::{Invocation, RunOptions};
pub use planned::Planned;
pub use ranges::{PlanStatus, Selection, finish_plan, plan_status, run_range};
pub use registry::{OpenPlan, Registered, open_plan, read_plan};
pub use report::{BlockCounts, FailedBlock, RunReport, RunStatus, StageReport};
pub use run::{plan_only, run};
pub use stamp::stamp_input;
pub use target::{Target, free_bytes};
pub use work_dir::WorkDir;
pub use workflow::{BlockContext, BlockError, Finished, RunBlock, Scratch, Summary, Workflow};
