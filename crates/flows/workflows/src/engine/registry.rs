//! From a `plan.json` back to the workflow that made it.

use std::path::{Path, PathBuf};

use hooke_core::image::SourceError;
use hooke_core::plan::{Difference, Plan};

use super::error::{Error, Result};
use super::target::Target;
use super::work_dir::WorkDir;
use super::workflow::Workflow;

/// A command that can be taken up from its plan alone: one line in a list of these.
#[derive(Clone, Copy)]
pub struct Registered {
    /// Noun and verb, as in the plan.
    pub command: &'static str,
    /// Its present results version.
    pub results_version: u32,
    /// Makes the workflow from [`Plan::parameters`], inputs and outputs.
    pub open: fn(&Plan) -> Result<Box<dyn Workflow>, SourceError>,
}

/// A plan that was found on disk.
pub struct OpenPlan {
    /// The plan.
    pub plan: Plan,
    /// The output it is for.
    pub target: Target,
    /// What runs it.
    pub workflow: Box<dyn Workflow>,
}

/// Opens a plan: the path of `plan.json` or of its folder.
///
/// # Errors
/// When there is no plan, its command is not in the list, or gives other results by now.
pub fn open_plan(path: &Path, commands: &[Registered]) -> Result<OpenPlan> {
    let (plan, target) = read_plan(path)?;
    let Some(command) = commands.iter().find(|c| c.command == plan.command) else {
        return Err(Error::UnknownCommand { path: path.to_owned(), command: plan.command });
    };
    if command.results_version != plan.results_version {
        let what = format!("{} in the plan, {} now", plan.results_version, command.results_version);
        let differences = vec![Difference { key: "results version".to_owned(), what }];
        return Err(Error::OtherPlan { path: path.to_owned(), differences });
    }
    let workflow = (command.open)(&plan)?;
    Ok(OpenPlan { plan, target, workflow })
}

/// Reads a plan without opening what it is about.
///
/// # Errors
/// When there is no plan, or its folder has no output's name.
pub fn read_plan(path: &Path) -> Result<(Plan, Target)> {
    let folder: PathBuf = match path.is_dir() {
        true => path.to_owned(),
        false => path.parent().unwrap_or(Path::new("")).to_owned(),
    };
    // `plan.json` alone has no folder in its path.
    let folder = std::path::absolute(match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => &folder,
    })
    .map_err(Error::io(path, "find"))?;
    let not = |what: &str| Error::NotAPlan { path: path.to_owned(), what: what.to_owned() };
    let target = Target::of_work_folder(&folder)
        .ok_or_else(|| not("no plan; wanted the plan.json of an OUT.partial folder"))?;
    let plan = WorkDir::look(&target).read_plan()?.ok_or_else(|| not("no plan there"))?;
    Ok((plan, target))
}
