//! Text to expression, with the place of a mistake.

use std::ops::Range;
use std::str::FromStr;

use thiserror::Error;

use super::{Expression, Part, Tag, TagKind, canonical_name};

/// A text that is not a file expression, and where it goes wrong.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("expression `{text}`, character {}: {mistake}", self.character())]
pub struct ExpressionError {
    /// The whole text.
    pub text: String,
    /// The bytes of the text that are wrong.
    pub at: Range<usize>,
    /// What is wrong there.
    pub mistake: Mistake,
}

impl ExpressionError {
    /// Number of the first wrong character, from 1.
    pub fn character(&self) -> usize {
        self.text[..self.at.start].chars().count() + 1
    }

    /// The text with a line of carets under the wrong part.
    pub fn caret(&self) -> String {
        let before = self.text[..self.at.start].chars().count();
        let wrong = self.text[self.at.clone()].chars().count().max(1);
        format!("{}\n{}{}", self.text, " ".repeat(before), "^".repeat(wrong))
    }
}

/// What is wrong in a file expression.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// A tag is opened and not closed.
    #[error("the tag that begins here has no `{0}`; write `{1}{1}` for the character itself")]
    Unclosed(char, char),
    /// The name is not letters, digits and `_`.
    #[error("`{0}` is not a name; names are letters, digits and `_`, beginning with a letter")]
    BadName(String),
    /// Neither a type nor a width.
    #[error("`{0}` is neither a type (I digits, S text) nor a width from 1 to {MAX_WIDTH}")]
    BadField(String),
    /// Two types or two widths.
    #[error("more than one {0} for one tag")]
    Twice(&'static str),
    /// A repeated name with another type or width.
    #[error("tag {0} is given again with another type or width; a repeated tag is the same text")]
    Differs(String),
    /// Integers of that many digits do not fit.
    #[error("a number of {0} digits is too long; the longest is {MAX_DIGITS}, or take type S")]
    TooManyDigits(usize),
    /// Longer than any path.
    #[error("the expression has {0} bytes, longer than a path can be ({MAX_TEXT})")]
    TooLong(usize),
    /// Nothing at all.
    #[error("the expression is empty")]
    Empty,
}

/// Longest expression, that of a path; it also bounds the depth of a search.
const MAX_TEXT: usize = 4096;
/// Widest tag; longer than any file name.
pub(super) const MAX_WIDTH: usize = 255;
/// Digits that always fit a u64.
pub(super) const MAX_DIGITS: usize = 19;

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Expression, ExpressionError> {
        let fail =
            |at: Range<usize>, mistake| ExpressionError { text: text.to_owned(), at, mistake };
        if text.is_empty() {
            return Err(fail(0..0, Mistake::Empty));
        }
        if text.len() > MAX_TEXT {
            return Err(fail(0..0, Mistake::TooLong(text.len())));
        }
        let mut expression = Expression { parts: Vec::new(), tags: Vec::new() };
        let mut nameless = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let close = match c {
                '<' => '>',
                '{' => '}',
                _ => {
                    literal.push(c);
                    at += c.len_utf8();
                    continue;
                }
            };
            if text[at + 1..].starts_with(c) {
                literal.push(c);
                at += 2;
                continue;
            }
            let end = text[at..]
                .find(close)
                .map(|e| at + e)
                .ok_or_else(|| fail(at..text.len(), Mistake::Unclosed(close, c)))?;
            let tag = parse_tag(&text[at + 1..end], c == '{')
                .map_err(|(r, mistake)| fail(at + 1 + r.start..at + 1 + r.end, mistake))?;
            if !literal.is_empty() {
                expression.parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            if tag.name.is_empty() {
                nameless.push(expression.tags.len());
            }
            expression.push_tag(tag).map_err(|mistake| fail(at..end + 1, mistake))?;
            at = end + 1;
        }
        if !literal.is_empty() {
            expression.parts.push(Part::Text(literal));
        }
        expression.name_the_nameless(&nameless);
        Ok(expression)
    }
}

/// A tag as written; what was left out may come from an earlier tag of the same name.
struct Written {
    name: String,
    kind: Option<TagKind>,
    width: Option<usize>,
}

/// Reads what stands between the brackets; ranges count from there.
fn parse_tag(inside: &str, braces: bool) -> Result<Written, (Range<usize>, Mistake)> {
    let separator = if braces { ':' } else { ',' };
    let mut start = 0;
    let mut written = Written { name: String::new(), kind: None, width: None };
    for (number, field) in inside.split(separator).enumerate() {
        let range = start..start + field.len();
        start = range.end + 1;
        let trimmed = field.trim();
        if number == 0 {
            if !trimmed.is_empty() && !is_name(trimmed) {
                return Err((range, Mistake::BadName(trimmed.to_owned())));
            }
            written.name = canonical_name(trimmed);
            continue;
        }
        // `02d` and `3s` carry width and type in one field.
        let letters = trimmed.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &trimmed[..trimmed.len() - letters.len()];
        let bad = || (range.clone(), Mistake::BadField(trimmed.to_owned()));
        if trimmed.is_empty() || (!braces && !digits.is_empty() && !letters.is_empty()) {
            return Err(bad());
        }
        if !letters.is_empty() {
            let kind = match letters {
                "I" | "i" | "d" => TagKind::Integer,
                "S" | "s" => TagKind::Text,
                _ => return Err(bad()),
            };
            if written.kind.replace(kind).is_some() {
                return Err((range, Mistake::Twice("type")));
            }
        }
        if !digits.is_empty() {
            let width =
                digits.parse().ok().filter(|w| (1..=MAX_WIDTH).contains(w)).ok_or_else(bad)?;
            if written.width.replace(width).is_some() {
                return Err((range, Mistake::Twice("width")));
            }
        }
    }
    match written.width {
        Some(w) if written.kind != Some(TagKind::Text) && w > MAX_DIGITS => {
            Err((0..inside.len(), Mistake::TooManyDigits(w)))
        }
        _ => Ok(written),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Expression {
    /// Adds a tag, or meets an earlier one of the same name.
    fn push_tag(&mut self, written: Written) -> Result<(), Mistake> {
        let Written { name, kind, width } = written;
        let earlier = self.tags.iter().position(|t| !name.is_empty() && t.name == name);
        let index = match earlier {
            Some(index) => {
                let tag = &self.tags[index];
                if kind.is_some_and(|k| k != tag.kind) || (width.is_some() && width != tag.width) {
                    return Err(Mistake::Differs(name));
                }
                index
            }
            None => {
                self.tags.push(Tag { name, kind: kind.unwrap_or(TagKind::Integer), width });
                self.tags.len() - 1
            }
        };
        self.parts.push(Part::Tag(index));
        Ok(())
    }

    /// Names tags `Tag0`, `Tag1`, ..., leaving out names that the user gave to others.
    fn name_the_nameless(&mut self, nameless: &[usize]) {
        let mut number = 0;
        for index in nameless {
            while self.tag(&format!("Tag{number}")).is_some() {
                number += 1;
            }
            self.tags[*index].name = format!("Tag{number}");
        }
    }
}
