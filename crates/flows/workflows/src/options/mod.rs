//! Values as people type them: lengths per axis, ranges, boxes.

mod lengths;
mod ranges;

pub use lengths::{Length, Lengths, Unit};
pub use ranges::{AxisRanges, Span, Spans};

use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

/// A text that is no value of the wanted kind.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{}`{text}` is no {wanted}", option.map(|o| format!("--{o} ")).unwrap_or_default())]
pub struct BadValue {
    option: Option<&'static str>,
    text: String,
    wanted: &'static str,
    example: &'static str,
}

impl BadValue {
    fn new(text: &str, wanted: &'static str, example: &'static str) -> BadValue {
        BadValue { option: None, text: text.to_owned(), wanted, example }
    }

    /// What to write instead.
    pub fn hint(&self) -> String {
        format!("write {}", self.example)
    }

    /// The same, of an option.
    #[must_use]
    pub fn of(self, option: &'static str) -> BadValue {
        BadValue { option: Some(option), ..self }
    }
}

/// Reads the value of an option, so that a wrong one is told with the option's name.
///
/// # Errors
/// When the text is no value.
pub fn read_option<T: FromStr<Err = BadValue>>(
    option: &'static str,
    text: &str,
) -> Result<T, BadValue> {
    text.parse().map_err(|e: BadValue| e.of(option))
}

/// Splits `z=3,y=8,x=8` into axis and value, or gives `None` when no axis is named.
///
/// Repeated and unknown axes give an `Err`.
fn named_axes(text: &str) -> Option<Result<[Option<&str>; 3], ()>> {
    if !text.contains('=') {
        return None;
    }
    let mut values = [None; 3];
    for part in text.split(',') {
        let Some((axis, value)) = part.split_once('=') else { return Some(Err(())) };
        let index = match axis.trim().to_ascii_lowercase().as_str() {
            "z" => 0,
            "y" => 1,
            "x" => 2,
            _ => return Some(Err(())),
        };
        if values[index].replace(value.trim()).is_some() {
            return Some(Err(()));
        }
    }
    Some(Ok(values))
}

/// An absolute path, so that a plan can be taken up from any folder.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The axis of a single letter.
pub(crate) fn axis(text: &str) -> Option<hooke_core::Axis> {
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none()).and_then(hooke_core::Axis::from_letter)
}
