//! What a run would do: the data of `--dry-run`. Nothing is written.

use hooke_core::budget::show_bytes;
use hooke_core::plan::{Blocks, InputStamp, OutputSpec, Plan, PlanHash};
use serde::Serialize;
use serde_json::Value;

use super::begin::{check_disk, check_output};
use super::error::{Error, Result};
use super::marker::Markers;
use super::options::RunOptions;
use super::runs::Runs;
use super::target::{Target, free_bytes};
use super::work_dir::WorkDir;
use super::workflow::Workflow;

/// What a run would do.
#[derive(Debug, Serialize)]
pub struct DryRun {
    /// The files that would be read.
    pub inputs: Vec<InputStamp>,
    /// The files that would be written.
    pub outputs: Vec<OutputSpec>,
    /// The steps.
    pub stages: Vec<StagePreview>,
    /// How the memory would be shared.
    pub memory: MemoryPreview,
    /// What the disk must hold.
    pub disk: DiskPreview,
    /// Every parameter; which are not default, the face knows.
    pub parameters: Value,
    /// Hash of the plan.
    pub plan: PlanHash,
    /// Blocks that a `--resume` would still have to do.
    pub left: Option<u64>,
    /// Why the run would be refused.
    #[serde(skip)]
    pub refused: Option<Error>,
}

/// A step of a [`DryRun`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StagePreview {
    /// Its name.
    pub name: String,
    /// What its blocks are called.
    pub unit: String,
    /// How many there are.
    pub blocks: u64,
    /// Lengths of what a block writes, for a grid.
    pub write: Option<[u64; 5]>,
    /// What a block reads beyond that, for a grid.
    pub halo: Option<[u64; 5]>,
    /// Peak memory of the largest block.
    pub bytes_per_block: u64,
    /// Blocks that run at once.
    pub in_flight: usize,
}

/// The memory of a [`DryRun`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryPreview {
    /// All of it.
    pub budget: u64,
    /// For decoded chunks.
    pub cache: u64,
    /// Peak of the largest block of any stage.
    pub per_block: u64,
    /// Threads that can be busy in the stage that is tightest.
    pub threads: usize,
    /// Why that is fewer than there are.
    pub why_fewer: Option<String>,
}

/// The disk of a [`DryRun`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskPreview {
    /// Bytes that outputs and work folder need, as estimated.
    pub needed: u64,
    /// Bytes that are free.
    pub free: u64,
}

/// Plans, and looks whether the run would be refused.
///
/// # Errors
/// When the target has no folder, or the workflow cannot plan.
pub fn dry_run(workflow: &dyn Workflow, target: &Target, options: &RunOptions) -> Result<DryRun> {
    target.check_writable()?;
    let plan = workflow.plan(&options.budget)?;
    let (left, refused) = match look(&plan, target, options) {
        Ok(left) => (left, None),
        Err(error) => (None, Some(error)),
    };
    let stages: Vec<StagePreview> = plan.stages.iter().map(|s| preview(s, options)).collect();
    let disk = DiskPreview { needed: plan.disk_bytes(), free: free_bytes(&target.home())? };
    Ok(DryRun {
        memory: memory(&plan, options),
        inputs: plan.inputs,
        outputs: plan.outputs,
        stages,
        disk,
        parameters: plan.parameters,
        plan: plan.hash,
        left,
        refused,
    })
}

fn preview(stage: &hooke_core::Stage, options: &RunOptions) -> StagePreview {
    let grid = match &stage.blocks {
        Blocks::Grid { grid, .. } => Some(grid),
        Blocks::Listed(_) | Blocks::One { .. } => None,
    };
    let bytes_per_block = stage.blocks.largest_bytes();
    let in_flight = options.budget.in_flight(bytes_per_block).max(1);
    StagePreview {
        name: stage.name.clone(),
        unit: stage.unit.clone(),
        blocks: stage.blocks.len(),
        write: grid.map(|g| g.write),
        halo: grid.map(|g| g.halo),
        bytes_per_block,
        in_flight: in_flight.min(usize::try_from(stage.blocks.len()).unwrap_or(in_flight)),
    }
}

fn memory(plan: &Plan, options: &RunOptions) -> MemoryPreview {
    let budget = options.budget;
    let many = plan.stages.iter().filter(|s| !matches!(s.blocks, Blocks::One { .. }));
    let per_block = many.map(|s| s.blocks.largest_bytes()).max().unwrap_or(0);
    let threads = budget.in_flight(per_block).max(1);
    let why_fewer = (threads < budget.threads).then(|| {
        let (block, room) = (show_bytes(per_block), show_bytes(budget.for_blocks()));
        format!("a block takes {block}, and {room} are left for blocks")
    });
    MemoryPreview { budget: budget.memory, cache: budget.cache(), per_block, threads, why_fewer }
}

/// What [`begin`](super::begin::begin) would decide, without lock and without writing.
fn look(plan: &Plan, target: &Target, options: &RunOptions) -> Result<Option<u64>> {
    if options.resume && options.overwrite {
        return Err(Error::ResumeAndOverwrite);
    }
    let work = WorkDir::look(target);
    let old = match work.root().is_dir() && !Runs::read(&work).published {
        true => work.read_plan()?,
        false => None,
    };
    if let Some(old) = old.filter(|_| !options.overwrite) {
        let markers = Markers::new(work.root(), &old);
        let done = old.stages.iter().map(|s| markers.scan(&s.name, false).count()).sum::<u64>();
        let path = work.root().to_owned();
        return match (options.resume, old.hash == plan.hash) {
            (false, _) => Err(Error::Unfinished { path, done, total: old.blocks() }),
            (true, false) => Err(Error::OtherPlan { path, differences: old.differences(plan) }),
            (true, true) => Ok(Some(old.blocks() - done)),
        };
    }
    match check_output(target, plan, options)? {
        Some(_) => Ok(Some(0)),
        None => check_disk(target, plan.disk_bytes()).map(|()| None),
    }
}
