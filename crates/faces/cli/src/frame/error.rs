//! What a user reads when something is wrong: the error, its causes, and a way on.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::paths::as_typed;

/// The kind of an error; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A wrong command line or configuration file.
    Usage,
    /// An input that is missing, unreadable or of the wrong kind.
    Input,
    /// An output that exists or cannot be written.
    Output,
    /// A plan that cannot be resumed or does not fit.
    Plan,
    /// Some blocks failed; the rest is done.
    Blocks,
    /// Stopped by a signal.
    Cancelled,
    /// A defect of Hooke.
    Internal,
}

impl Kind {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Blocks => 3,
            Kind::Cancelled => 130,
            Kind::Input | Kind::Output | Kind::Plan | Kind::Internal => 1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Usage => "usage",
            Kind::Input => "input",
            Kind::Output => "output",
            Kind::Plan => "plan",
            Kind::Blocks => "blocks",
            Kind::Cancelled => "cancelled",
            Kind::Internal => "internal",
        }
    }
}

/// An error with its causes and hints, ready to be shown.
#[derive(Debug, Clone)]
pub struct CliError {
    /// Decides the exit code.
    pub kind: Kind,
    /// What was wrong, found and wanted; may hold a quoted line of a file.
    pub message: String,
    /// `caused by` lines.
    pub causes: Vec<String>,
    /// `hint` lines.
    pub hints: Vec<String>,
    /// The file it is about.
    pub path: Option<String>,
}

impl CliError {
    /// An error of the given kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> CliError {
        CliError { kind, message: message.into(), causes: vec![], hints: vec![], path: None }
    }

    /// A wrong command line or configuration.
    pub fn usage(message: impl Into<String>) -> CliError {
        CliError::new(Kind::Usage, message)
    }

    /// A wrong input.
    pub fn input(message: impl Into<String>) -> CliError {
        CliError::new(Kind::Input, message)
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> CliError {
        self.hints.push(hint.into());
        self
    }

    /// Adds a hint that is not there yet.
    pub fn add_hint(&mut self, hint: &str) {
        if !self.hints.iter().any(|h| h == hint) {
            self.hints.push(hint.to_owned());
        }
    }

    /// Takes message and causes from a chain of errors.
    pub fn from_chain(kind: Kind, error: &(dyn std::error::Error + 'static)) -> CliError {
        let mut result = CliError::new(kind, error.to_string());
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = plain(&inner.to_string());
            // Messages often quote their cause already; saying it twice helps nobody.
            let said = |told: &String| told.to_lowercase().contains(&text.to_lowercase());
            if !said(&result.message) && !result.causes.iter().any(said) {
                result.causes.push(text);
            }
            cause = inner.source();
        }
        result
    }

    /// The lines for standard error.
    pub fn to_text(&self) -> String {
        let mut text = format!("error: {}\n", as_typed(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "caused by: {}", as_typed(cause));
        }
        for hint in &self.hints {
            let _ = writeln!(text, "hint: {}", as_typed(hint));
        }
        text
    }

    /// The `error` object of `--json`.
    pub fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "message": as_typed(&self.message),
            "causes": self.causes.iter().map(|c| as_typed(c)).collect::<Vec<_>>(),
            "hints": self.hints.iter().map(|h| as_typed(h)).collect::<Vec<_>>(),
            "path": self.path.as_deref().map(as_typed),
        })
    }
}

/// Words of the operating system without its number.
fn plain(text: &str) -> String {
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

impl From<hooke_io::Error> for CliError {
    fn from(error: hooke_io::Error) -> CliError {
        let kind = match error {
            hooke_io::Error::Exists { .. } => Kind::Output,
            _ => Kind::Input,
        };
        let mut result = CliError::from_chain(kind, &error);
        result.hints.extend(error.hint());
        result.path = Some(error.path().to_string_lossy().into_owned());
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_message_causes_and_hints() {
        let mut error = CliError::usage("unknown option `--blnd`").hint("did you mean `--blend`?");
        error.causes.push("it was typed".to_owned());
        assert_eq!(
            error.to_text(),
            "error: unknown option `--blnd`\ncaused by: it was typed\nhint: did you mean `--blend`?\n"
        );
        error.add_hint("did you mean `--blend`?");
        assert_eq!(error.hints.len(), 1);
        assert_eq!(error.kind.exit_code(), 2);
    }
}
