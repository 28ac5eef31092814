//! What a workflow plans, made into a plan.

use hooke_core::Budget;
use hooke_core::image::SourceError;
use hooke_core::plan::{Draft, InputStamp, OutputSpec, Plan, Stage};
use serde::Serialize;

use super::registry::Registered;

/// The stages of a workflow and what they write.
pub struct Planned {
    /// In the order they run.
    pub stages: Vec<Stage>,
    /// The output, and the files beside it that belong to it.
    pub outputs: Vec<OutputSpec>,
    /// Bytes on disk beside the output, at their peak.
    pub work_bytes: u64,
}

impl Planned {
    /// The plan of a command with these parameters and inputs.
    ///
    /// # Errors
    /// When the stages contradict each other or do not fit into the budget.
    pub fn into_plan(
        self,
        command: &Registered,
        parameters: &impl Serialize,
        inputs: Vec<InputStamp>,
        budget: &Budget,
    ) -> Result<Plan, SourceError> {
        let draft = Draft {
            command: command.command.to_owned(),
            results_version: command.results_version,
            parameters: serde_json::to_value(parameters)?,
            inputs,
            outputs: self.outputs,
            stages: self.stages,
            work_bytes: self.work_bytes,
        };
        Ok(Plan::new(draft, budget)?)
    }
}
