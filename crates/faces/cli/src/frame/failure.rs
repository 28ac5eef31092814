//! From the errors of the workflows to what a user reads.

use hooke_workflows::blobs::BlobsError;
use hooke_workflows::convert::ConvertError;
use hooke_workflows::engine::{self, ErrorKind, RunReport};
use hooke_workflows::events::EventsError;
use hooke_workflows::hints_of;
use hooke_workflows::stitch::StitchError;
use hooke_workflows::tileset::SetError;

use super::context::Context;
use super::error::{CliError, Kind};

/// How many failed blocks are listed.
const LISTED: usize = 16;

/// The blocks that failed, why, and the line to type to go on.
pub fn failed_blocks(report: &RunReport, again: Option<String>) -> CliError {
    let counts = report.blocks();
    let what = format!("{} of {} blocks failed", counts.failed, counts.total);
    let mut error = CliError::new(Kind::Blocks, what);
    for failed in report.failed.iter().take(LISTED) {
        let why = failed.failure.message();
        let place = match failed.failure.region.voxels() {
            0 => String::new(),
            _ => format!(" ({})", voxels(&failed.failure.region)),
        };
        error.causes.push(format!("block {} of {}{place}: {why}", failed.id, failed.stage));
        for hint in &failed.failure.hints {
            error.add_hint(hint);
        }
    }
    if report.failed.len() > LISTED {
        error.causes.push(format!("and {} more", report.failed.len() - LISTED));
    }
    if let Some(again) = again {
        error.hints.push(again);
        error
            .hints
            .push("add --accept-failed to publish with the fill value in their place".to_owned());
    }
    error
}

/// `z 0:64, y 0:512, x 512:1024`; axes of length 1 at 0 are left out.
fn voxels(region: &hooke_core::Region) -> String {
    let (start, end) = (region.start, region.end());
    let axes = ["t", "c", "z", "y", "x"];
    let named = axes.iter().enumerate().filter(|(d, _)| *d > 1 || end[*d] > 1);
    named.map(|(d, a)| format!("{a} {}:{}", start[d], end[d])).collect::<Vec<_>>().join(", ")
}

/// The line to type to go on.
pub fn again(cx: &Context) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:%".contains(c);
    let quoted = |w: &String| match w.chars().all(plain) {
        true => w.clone(),
        false => format!("'{}'", w.replace('\'', "'\\''")),
    };
    let words: Vec<String> = cx
        .words
        .iter()
        .skip(1)
        .filter(|w| !["--resume", "--overwrite"].contains(&w.as_str()))
        .map(quoted)
        .collect();
    format!("go on with: hooke {} --resume", words.join(" "))
}

/// The engine's own errors, with kind and hints.
pub fn engine_error(error: &engine::Error) -> CliError {
    let kind = match (error, error.kind()) {
        (engine::Error::Workflow(source), _) => workflow_kind(source.as_ref()),
        (_, ErrorKind::Usage) => Kind::Usage,
        (_, ErrorKind::Input) => Kind::Input,
        (_, ErrorKind::Output) => Kind::Output,
        (_, ErrorKind::Plan) => Kind::Plan,
        (_, ErrorKind::Blocks) => Kind::Blocks,
    };
    let mut result = CliError::from_chain(kind, error);
    error.hints().iter().chain(&hints_of(error)).for_each(|h| result.add_hint(h));
    result.path = error.path().map(|p| p.to_string_lossy().into_owned());
    result
}

fn workflow_kind(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Kind {
    let stitch = source.downcast_ref::<StitchError>().is_some_and(StitchError::is_usage);
    let convert = source.downcast_ref::<ConvertError>().is_some_and(ConvertError::is_usage);
    let set = source.downcast_ref::<SetError>().is_some_and(SetError::is_usage);
    let blobs = source.downcast_ref::<BlobsError>().is_some_and(BlobsError::is_usage);
    let events = source.downcast_ref::<EventsError>().is_some_and(EventsError::is_usage);
    if stitch || convert || set || blobs || events { Kind::Usage } else { Kind::Input }
}

fn of_input(error: &(dyn std::error::Error + 'static), usage: bool) -> CliError {
    let mut result = CliError::from_chain(if usage { Kind::Usage } else { Kind::Input }, error);
    hints_of(error).iter().for_each(|h| result.add_hint(h));
    result
}

impl From<ConvertError> for CliError {
    fn from(error: ConvertError) -> CliError {
        match error {
            ConvertError::Io(error) => error.into(),
            error => of_input(&error, error.is_usage()),
        }
    }
}

impl From<engine::Error> for CliError {
    fn from(error: engine::Error) -> CliError {
        engine_error(&error)
    }
}

impl From<StitchError> for CliError {
    fn from(error: StitchError) -> CliError {
        match error {
            StitchError::Io(error) => error.into(),
            StitchError::Engine(error) => engine_error(&error),
            error => of_input(&error, error.is_usage()),
        }
    }
}

impl From<SetError> for CliError {
    fn from(error: SetError) -> CliError {
        match error {
            SetError::Io(error) => error.into(),
            SetError::Input(error) => error.into(),
            SetError::Engine(error) => engine_error(&error),
            error => of_input(&error, error.is_usage()),
        }
    }
}

impl From<BlobsError> for CliError {
    fn from(error: BlobsError) -> CliError {
        match error {
            BlobsError::Io(error) => error.into(),
            BlobsError::Engine(error) => engine_error(&error),
            error => of_input(&error, error.is_usage()),
        }
    }
}

impl From<EventsError> for CliError {
    fn from(error: EventsError) -> CliError {
        match error {
            EventsError::Io(error) => error.into(),
            error => of_input(&error, error.is_usage()),
        }
    }
}
