//! Commands that make small files in one step: what they share with the engine.

use std::path::{Path, PathBuf};

use hooke_core::Budget;
use hooke_core::image::SourceError;
use hooke_core::plan::{Block, InputStamp, OutputSpec, Plan, Stage};
use hooke_core::provenance::Warning;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{
    BlockContext, BlockError, Finished, Markers, Planned, Registered, RunBlock, Summary, WorkDir,
    Workflow,
};

/// A command of one step.
pub trait Step: Send + Sync + Sized {
    /// Noun and verb.
    const COMMAND: &'static str;
    /// Everything that decides the result.
    type Parameters: Serialize + DeserializeOwned;
    /// What can go wrong before it runs.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Opens the inputs, before anything is written.
    ///
    /// # Errors
    /// When they cannot be read or do not fit the parameters.
    fn open(parameters: Self::Parameters) -> Result<Self, Self::Error>;

    /// The parameters, with absolute paths.
    fn parameters(&self) -> &Self::Parameters;

    /// Stamps of the inputs.
    ///
    /// # Errors
    /// When one cannot be read.
    fn inputs(&self) -> Result<Vec<InputStamp>, Self::Error>;

    /// The files it writes and their formats; the first one is the product.
    fn outputs(&self) -> Vec<(PathBuf, &'static str)>;

    /// Peak bytes of the step.
    fn bytes(&self, budget: &Budget) -> u64;

    /// Does the work; `places` are where the outputs are to be written, in their order.
    ///
    /// # Errors
    /// When it cannot be done.
    fn run(&self, places: &[PathBuf], cx: &mut BlockContext<'_>) -> Result<Done, BlockError>;
}

/// What a step tells.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Done {
    /// For `--json`.
    pub result: Value,
    /// `(code, message)`.
    pub warnings: Vec<(String, String)>,
}

/// A step as a workflow.
pub struct StepWorkflow<S>(pub S);

const FILE: &str = "done.json";

impl<S: Step + 'static> StepWorkflow<S> {
    /// For `Registered`.
    pub const REGISTERED: Registered = Registered {
        command: S::COMMAND,
        results_version: 1,
        open: |plan| {
            let parameters: S::Parameters = serde_json::from_value(plan.parameters.clone())?;
            Ok(Box::new(StepWorkflow::<S>::new(parameters)?))
        },
    };

    /// Opens the inputs.
    ///
    /// # Errors
    /// As [`Step::open`].
    pub fn new(parameters: S::Parameters) -> Result<StepWorkflow<S>, S::Error> {
        S::open(parameters).map(StepWorkflow)
    }
}

/// Where a file is written: into `data/` when it stands beside the product, else at its place.
pub(crate) fn place(work: &WorkDir, path: &Path) -> PathBuf {
    let beside = path.parent() == work.target().path().parent();
    match beside {
        true => work.data().join(path.file_name().unwrap_or_default()),
        false => path.to_owned(),
    }
}

impl<S: Step + 'static> Workflow for StepWorkflow<S> {
    fn plan(&self, budget: &Budget) -> Result<Plan, SourceError> {
        let spec = |(path, _): (PathBuf, &str)| OutputSpec::file(path, 0);
        let planned = Planned {
            stages: vec![Stage::one("compute", &[], self.0.bytes(budget))],
            outputs: self.0.outputs().into_iter().map(spec).collect(),
            work_bytes: 0,
        };
        planned.into_plan(&Self::REGISTERED, self.0.parameters(), self.0.inputs()?, budget)
    }

    fn create(&self, _: &Plan, work: &WorkDir) -> Result<(), SourceError> {
        std::fs::create_dir_all(work.data())
            .map_err(|e| hooke_io::Error::io(work.data(), "create", e))?;
        Ok(())
    }

    fn open_stage<'a>(
        &'a self,
        _: &str,
        _: &'a Plan,
        work: &'a WorkDir,
    ) -> Result<Box<dyn RunBlock + 'a>, SourceError> {
        Ok(Box::new(move |_: &Block, cx: &mut BlockContext<'_>| {
            let places: Vec<PathBuf> =
                self.0.outputs().iter().map(|(path, _)| place(work, path)).collect();
            let done = self.0.run(&places, cx)?;
            let text = serde_json::to_vec(&done).map_err(std::io::Error::from)?;
            hooke_io::atomic::write_file(&work.private("step")?.join(FILE), &[&text])?;
            Ok(Summary::new())
        }))
    }

    fn finish(&self, _: &Plan, _: &Markers, work: &WorkDir) -> Result<Finished, SourceError> {
        let done: Done = serde_json::from_slice(&std::fs::read(work.private("step")?.join(FILE))?)?;
        let record =
            |(path, format): (PathBuf, &str)| crate::engine_output(&path, format, vec![], None);
        Ok(Finished {
            outputs: self.0.outputs().into_iter().map(record).collect(),
            warnings: done.warnings.iter().map(|(c, m)| Warning::new(c, m.clone())).collect(),
            result: done.result,
            ..Finished::default()
        })
    }

    fn stops_at_first_failure(&self) -> bool {
        true
    }
}
