//! What a run will do, before it does anything: stages of blocks, their inputs and outputs.
//!
//! A [`Plan`] is written as `plan.json` and is all that a worker on another machine needs.
//!
//! | module | holds |
//! |---|---|
//! | [`blocks`] | blocks, grids of blocks, stages, and the check that no two write the same unit |
//! | [`hash`] | the hash that says whether two runs give the same results |
//! | [`inputs`] | stamps of input files, specifications of outputs |
//! | [`difference`] | what differs between two plans, line by line |
//! | [`sizing`] | how large blocks are made within a memory budget |

pub mod blocks;
pub mod difference;
pub mod hash;
pub mod inputs;
pub mod sizing;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::budget::{Budget, show_bytes};
pub use blocks::{Block, Blocks, Grid, Stage, Writes};
pub use difference::Difference;
pub use hash::PlanHash;
pub use inputs::{InputStamp, OutputSpec};
pub use sizing::{BlockSizing, size_blocks};

/// Why a plan cannot be.
#[derive(Debug, Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum PlanError {
    /// Blocks that would share a write unit.
    #[error(
        "block {} is not a multiple of the write unit {} of {output} along {axis}: two workers \
         would overwrite each other",
        commas(block),
        commas(unit)
    )]
    Misaligned {
        /// Lengths of the block over the axes in use.
        block: Vec<u64>,
        /// Lengths of the write unit over the same axes.
        unit: Vec<u64>,
        /// The output.
        output: String,
        /// Letter of the first axis that does not fit.
        axis: char,
    },
    /// Listed blocks that overlap, or leave a part of the output to nobody.
    #[error("the blocks of stage `{stage}` do not partition {output}: {what}")]
    NoPartition {
        /// The stage.
        stage: String,
        /// The output.
        output: String,
        /// Which block, and what is wrong with it.
        what: String,
    },
    /// Not even one smallest block fits into the memory.
    #[error(
        "needs {} for one block of {} (the {unit_name}); give {}",
        show_bytes(*needed), commas(block), ways_on(*memory, option, smaller)
    )]
    TooLittleMemory {
        /// Bytes that one block needs.
        needed: u64,
        /// Lengths of the smallest block over the axes of the output.
        block: Vec<u64>,
        /// What the write unit is called: `shard`, `chunk`, `tile`.
        unit_name: String,
        /// A `--memory` that suffices, in bytes.
        memory: u64,
        /// The option that sets the write unit, where there is one.
        option: Option<String>,
        /// A write unit (z, y, x) that fits, where one was found.
        smaller: Option<Vec<u64>>,
    },
    /// A stage that comes after one that does not exist, or after itself.
    #[error("stage `{stage}` comes after `{after}`, {what}")]
    BadOrder {
        /// The stage.
        stage: String,
        /// What it names.
        after: String,
        /// Why that cannot be.
        what: &'static str,
    },
    /// Two stages of one name, or a name that cannot be a folder.
    #[error("stage name `{0}` is taken twice or is not made of letters, digits, `-` and `_`")]
    BadStageName(String),
    /// A block list whose ids are not 0, 1, 2, ...
    #[error("stage `{stage}`: block {found} stands where block {expected} belongs")]
    BadBlockId {
        /// The stage.
        stage: String,
        /// The id that belongs there.
        expected: u64,
        /// The id that is there.
        found: u64,
    },
    /// A `plan.json` that is not one, or of a newer kind.
    #[error("not a plan: {0}")]
    NotAPlan(String),
}

fn commas(lengths: &[u64]) -> String {
    lengths.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}

fn ways_on(memory: u64, option: &Option<String>, smaller: &Option<Vec<u64>>) -> String {
    let memory = format!("--memory {}", sizing::option_bytes(memory));
    match (option, smaller) {
        (Some(option), Some(smaller)) => format!("{memory} or {option} {}", commas(smaller)),
        _ => memory,
    }
}

/// The version of `plan.json` that this Hooke writes and reads.
pub const PLAN_VERSION: u32 = 1;

/// What a workflow decides: everything of a [`Plan`] but the hash and the budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Noun and verb, `stitch fuse`.
    pub command: String,
    /// Raised whenever the results of this command change.
    pub results_version: u32,
    /// Every parameter with its value, defaults included: an object.
    pub parameters: Value,
    /// The files that are read.
    pub inputs: Vec<InputStamp>,
    /// The files that are written.
    pub outputs: Vec<OutputSpec>,
    /// The steps. One that comes after others names them; the order of the list is free.
    pub stages: Vec<Stage>,
    /// Bytes that intermediate files need on disk beside the outputs, at their peak.
    pub work_bytes: u64,
}

/// What a run does: its stages of blocks, and the hash that says what its results depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "PlanFile", try_from = "PlanFile")]
pub struct Plan {
    /// Over everything that can change results.
    pub hash: PlanHash,
    /// The Hooke that made the plan.
    pub hooke: String,
    /// Noun and verb, `stitch fuse`.
    pub command: String,
    /// Raised whenever the results of this command change.
    pub results_version: u32,
    /// Every parameter with its value, defaults included: an object.
    pub parameters: Value,
    /// The files that are read.
    pub inputs: Vec<InputStamp>,
    /// The files that are written.
    pub outputs: Vec<OutputSpec>,
    /// The budget that the blocks were sized for.
    pub budget: Budget,
    /// The steps, in an order in which they can run.
    pub stages: Vec<Stage>,
    /// Bytes that intermediate files need on disk beside the outputs, at their peak.
    pub work_bytes: u64,
}

impl Plan {
    /// Checks a draft, puts its stages into an order in which they can run, and hashes it.
    ///
    /// # Errors
    /// [`PlanError`] when stages are misnamed or circular, or when two blocks of a stage would
    /// write the same unit of an output, or none would.
    pub fn new(draft: Draft, budget: &Budget) -> Result<Plan, PlanError> {
        let hash =
            PlanHash::of(&draft.command, draft.results_version, &draft.inputs, &draft.parameters);
        let stages = in_order(draft.stages)?;
        stages.iter().try_for_each(Stage::check)?;
        Ok(Plan {
            hash,
            hooke: env!("CARGO_PKG_VERSION").to_owned(),
            command: draft.command,
            results_version: draft.results_version,
            parameters: draft.parameters,
            inputs: draft.inputs,
            outputs: draft.outputs,
            budget: *budget,
            stages,
            work_bytes: draft.work_bytes,
        })
    }

    /// The stage of that name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|s| s.name == name)
    }

    /// Number of blocks of all stages.
    pub fn blocks(&self) -> u64 {
        self.stages.iter().map(|s| s.blocks.len()).sum()
    }

    /// Bytes that the outputs and the work folder need on disk, as estimated.
    pub fn disk_bytes(&self) -> u64 {
        self.outputs.iter().map(|o| o.bytes).sum::<u64>().saturating_add(self.work_bytes)
    }

    /// What differs between this plan, found on disk, and the one asked for now.
    pub fn differences(&self, now: &Plan) -> Vec<Difference> {
        difference::between(self, now)
    }

    /// Reads `plan.json`.
    ///
    /// # Errors
    /// [`PlanError::NotAPlan`] when the text is not JSON, of another format or a newer version,
    /// or when its hash is not that of its content; and every error of [`Plan::new`].
    pub fn from_json(text: &str) -> Result<Plan, PlanError> {
        serde_json::from_str(text).map_err(|e| PlanError::NotAPlan(e.to_string()))
    }

    /// Writes `plan.json`; equal plans give equal bytes.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a plan holds nothing but JSON values");
        text.push('\n');
        text
    }
}

/// Stages so that each comes after those it names; otherwise as listed.
fn in_order(stages: Vec<Stage>) -> Result<Vec<Stage>, PlanError> {
    let mut names = HashSet::new();
    for stage in &stages {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if stage.name.is_empty() || !stage.name.chars().all(legal) || !names.insert(&*stage.name) {
            return Err(PlanError::BadStageName(stage.name.clone()));
        }
    }
    for stage in &stages {
        if let Some(after) = stage.after.iter().find(|a| !names.contains(a.as_str())) {
            let what = "which is no stage of this plan";
            let (stage, after) = (stage.name.clone(), after.clone());
            return Err(PlanError::BadOrder { stage, after, what });
        }
    }
    let mut left = stages;
    let mut ordered: Vec<Stage> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready = |s: &Stage| s.after.iter().all(|a| ordered.iter().any(|o| &o.name == a));
        match left.iter().position(ready) {
            Some(next) => ordered.push(left.remove(next)),
            None => {
                let stage = left[0].name.clone();
                let after = left[0].after[0].clone();
                return Err(PlanError::BadOrder { stage, after, what: "which waits for it" });
            }
        }
    }
    Ok(ordered)
}

/// `plan.json`, key for key.
#[derive(Serialize, Deserialize)]
struct PlanFile {
    format: String,
    version: u32,
    hooke: String,
    results_version: u32,
    hash: PlanHash,
    command: String,
    parameters: Value,
    inputs: Vec<InputStamp>,
    outputs: Vec<OutputSpec>,
    memory_bytes: u64,
    threads: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    work_bytes: u64,
    stages: Vec<Stage>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl From<Plan> for PlanFile {
    fn from(plan: Plan) -> PlanFile {
        PlanFile {
            format: "hooke.plan".to_owned(),
            version: PLAN_VERSION,
            hooke: plan.hooke,
            results_version: plan.results_version,
            hash: plan.hash,
            command: plan.command,
            parameters: plan.parameters,
            inputs: plan.inputs,
            outputs: plan.outputs,
            memory_bytes: plan.budget.memory,
            threads: plan.budget.threads,
            work_bytes: plan.work_bytes,
            stages: plan.stages,
        }
    }
}

impl TryFrom<PlanFile> for Plan {
    type Error = PlanError;

    fn try_from(file: PlanFile) -> Result<Plan, PlanError> {
        if file.format != "hooke.plan" {
            return Err(PlanError::NotAPlan(format!("its format is `{}`", file.format)));
        }
        if file.version > PLAN_VERSION {
            let what = format!("version {} was written by a newer Hooke", file.version);
            return Err(PlanError::NotAPlan(what));
        }
        let draft = Draft {
            command: file.command,
            results_version: file.results_version,
            parameters: file.parameters,
            inputs: file.inputs,
            outputs: file.outputs,
            stages: file.stages,
            work_bytes: file.work_bytes,
        };
        let budget = Budget { memory: file.memory_bytes, threads: file.threads };
        let plan = Plan { hooke: file.hooke, ..Plan::new(draft, &budget)? };
        if plan.hash != file.hash {
            return Err(PlanError::NotAPlan("its hash is not that of its content".to_owned()));
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests;
