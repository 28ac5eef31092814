//! Names to a proposed expression.

use thiserror::Error;

use super::parse::MAX_DIGITS;
use super::{Expression, Part, Tag, TagKind};

/// Names from which no expression can be made.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetectError {
    /// Fewer than two names.
    #[error("an expression needs at least two names, found {0}")]
    TooFew(usize),
    /// Names of different length.
    #[error("`{0}` has {1} characters, `{2}` has {3}; names must be equally long")]
    Lengths(String, usize, String, usize),
    /// All names are the same.
    #[error("all names are `{0}`; nothing differs")]
    Same(String),
    /// A `/` of one name meets another character of the next.
    #[error("the folders of `{0}` and `{1}` are not equally long")]
    Folders(String, String),
}

/// Proposes the expression that matches all the names, by the columns in which they differ.
///
/// Neighbouring columns of digits form one tag, which grows over zeros (common to all names) on
/// its left; neighbouring columns of other characters, and of more digits than a number has, form
/// a tag of text. Tags are named `Tag0`, `Tag1`, ... from the left.
///
/// # Errors
/// [`DetectError`] for fewer than two names, names of unequal length, or equal names.
///
/// ```
/// let found = hooke_io::expression::detect(&["z0008.tif", "z0009.tif", "z0010.tif"]).unwrap();
/// assert_eq!(found.to_string(), "z<Tag0,4>.tif");
/// ```
pub fn detect<S: AsRef<str>>(names: &[S]) -> Result<Expression, DetectError> {
    let [first, _, ..] = names else { return Err(DetectError::TooFew(names.len())) };
    let first = first.as_ref();
    let columns: Vec<char> = first.chars().collect();
    let mut kinds: Vec<Column> = columns.iter().map(|c| Column::Same(*c)).collect();
    for name in names {
        let name = name.as_ref();
        let length = name.chars().count();
        if length != columns.len() {
            let (a, b) = (first.to_owned(), name.to_owned());
            return Err(DetectError::Lengths(a, columns.len(), b, length));
        }
        for ((kind, one), other) in kinds.iter_mut().zip(&columns).zip(name.chars()) {
            if *one != other && (*one == '/' || other == '/') {
                return Err(DetectError::Folders(first.to_owned(), name.to_owned()));
            }
            kind.meet(*one, other);
        }
    }
    if kinds.iter().all(|k| matches!(k, Column::Same(_))) {
        return Err(DetectError::Same(first.to_owned()));
    }
    grow_over_zeros(&mut kinds);
    Ok(from_columns(&kinds))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    Same(char),
    Digits,
    Text,
}

impl Column {
    fn meet(&mut self, one: char, other: char) {
        if one == other && matches!(self, Column::Same(_)) {
            return;
        }
        let digits = one.is_ascii_digit() && other.is_ascii_digit();
        *self = if digits && *self != Column::Text { Column::Digits } else { Column::Text };
    }
}

/// Takes zeros left of a run of digits into the run, as many as a number may have.
fn grow_over_zeros(kinds: &mut [Column]) {
    let mut digits = 0;
    for i in (0..kinds.len()).rev() {
        let grows = digits > 0 && digits < MAX_DIGITS && kinds[i] == Column::Same('0');
        if grows {
            kinds[i] = Column::Digits;
        }
        digits = if kinds[i] == Column::Digits { digits + 1 } else { 0 };
    }
}

fn from_columns(kinds: &[Column]) -> Expression {
    let mut expression = Expression { parts: Vec::new(), tags: Vec::new() };
    for run in kinds.chunk_by(|a, b| match (a, b) {
        (Column::Same(_), Column::Same(_)) => true,
        (a, b) => a == b,
    }) {
        let kind = match run[0] {
            Column::Same(_) => {
                let text = run.iter().filter_map(|c| match c {
                    Column::Same(c) => Some(*c),
                    _ => None,
                });
                expression.parts.push(Part::Text(text.collect()));
                continue;
            }
            Column::Digits if run.len() <= MAX_DIGITS => TagKind::Integer,
            Column::Digits | Column::Text => TagKind::Text,
        };
        expression.parts.push(Part::Tag(expression.tags.len()));
        let name = format!("Tag{}", expression.tags.len());
        expression.tags.push(Tag { name, kind, width: Some(run.len()) });
    }
    expression
}
