//! Path to values and back.

use std::collections::HashSet;

use thiserror::Error;

use super::parse::MAX_DIGITS;
use super::{Expression, Part, Tag, TagKind, TagValue, TagValues};

/// Values that do not fill an expression.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// A tag has no value.
    #[error("no value for tag {0}")]
    Missing(String),
    /// A tag of digits got text.
    #[error("tag {tag} takes digits, found `{found}`")]
    NotDigits {
        /// The tag.
        tag: String,
        /// Its value.
        found: String,
    },
    /// The value is longer than the tag.
    #[error("`{found}` does not fit the {width} characters of tag {tag}")]
    TooLong {
        /// The tag.
        tag: String,
        /// Its value.
        found: String,
        /// Characters it may have.
        width: usize,
    },
    /// Text that no path of this expression can hold.
    #[error("`{found}` cannot stand in a file name (tag {tag}); it is empty or holds `/`")]
    NotAName {
        /// The tag.
        tag: String,
        /// Its value.
        found: String,
    },
}

impl Expression {
    /// The values of the tags in a path, or `None` when the path does not match.
    ///
    /// The expression covers the whole path as given, from its first character to its last. A tag
    /// without a width takes as much as it can, the first one first.
    pub fn matches(&self, path: &str) -> Option<TagValues> {
        let mut search = Search {
            expression: self,
            path,
            bound: vec![None; self.tags.len()],
            failed: HashSet::new(),
        };
        if !search.run(0, 0) {
            return None;
        }
        let bound = search.bound;
        self.tags
            .iter()
            .zip(bound)
            .map(|(tag, text)| {
                let text = text?;
                let value = match tag.kind {
                    TagKind::Integer => TagValue::Integer(text.parse().ok()?),
                    TagKind::Text => TagValue::Text(text.to_owned()),
                };
                Some((tag.name.clone(), value))
            })
            .collect()
    }

    /// The path that holds the given values; values of other names are ignored.
    ///
    /// Integers and text shorter than their tag are filled with zeros on the left.
    ///
    /// # Errors
    /// [`FormatError`] naming the tag when a value is missing, of the wrong kind or too long.
    pub fn format(&self, values: &TagValues) -> Result<String, FormatError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Tag(index) => {
                    let tag = &self.tags[*index];
                    let value =
                        values.get(&tag.name).ok_or(FormatError::Missing(tag.name.clone()))?;
                    format_tag(tag, value, &mut out)?;
                }
            }
        }
        Ok(out)
    }
}

fn format_tag(tag: &Tag, value: &TagValue, out: &mut String) -> Result<(), FormatError> {
    let text = value.to_string();
    if tag.kind == TagKind::Integer && !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FormatError::NotDigits { tag: tag.name.clone(), found: text });
    }
    if text.is_empty() || text.contains('/') {
        return Err(FormatError::NotAName { tag: tag.name.clone(), found: text });
    }
    let longest = if tag.kind == TagKind::Integer { MAX_DIGITS } else { usize::MAX };
    let (length, width) = (text.chars().count(), tag.width.unwrap_or(longest));
    if length > width {
        return Err(FormatError::TooLong { tag: tag.name.clone(), found: text, width });
    }
    out.extend(std::iter::repeat_n('0', tag.width.unwrap_or(0).saturating_sub(length)));
    out.push_str(&text);
    Ok(())
}

/// A search with memory of the dead ends, so that many tags without width stay polynomial.
struct Search<'a> {
    expression: &'a Expression,
    path: &'a str,
    bound: Vec<Option<&'a str>>,
    failed: HashSet<(usize, usize, Vec<Option<&'a str>>)>,
}

impl<'a> Search<'a> {
    /// Whether the parts from number `part` on can cover the path from byte `at` to its end.
    fn run(&mut self, part: usize, at: usize) -> bool {
        let rest = &self.path[at..];
        let Some(next) = self.expression.parts.get(part) else { return rest.is_empty() };
        let index = match next {
            Part::Text(text) => {
                return rest.starts_with(text.as_str()) && self.run(part + 1, at + text.len());
            }
            Part::Tag(index) => *index,
        };
        if let Some(text) = self.bound[index] {
            return rest.starts_with(text) && self.run(part + 1, at + text.len());
        }
        let tag = &self.expression.tags[index];
        // Ends of every prefix the tag may take, the shortest first.
        let longest = if tag.kind == TagKind::Integer { MAX_DIGITS } else { usize::MAX };
        let takes = |c: char| match tag.kind {
            TagKind::Integer => c.is_ascii_digit(),
            TagKind::Text => c != '/',
        };
        let ends = rest
            .char_indices()
            .take_while(|(_, c)| takes(*c))
            .map(|(i, c)| i + c.len_utf8())
            .take(tag.width.unwrap_or(longest));
        if let Some(width) = tag.width {
            let mut ends = ends.skip(width - 1);
            return ends.next().is_some_and(|end| self.bind(index, part, at, end));
        }
        let key = (part, at, self.values_needed_later(part));
        if self.failed.contains(&key) {
            return false;
        }
        let ends: Vec<usize> = ends.collect();
        let found = ends.into_iter().rev().any(|end| self.bind(index, part, at, end));
        if !found {
            self.failed.insert(key);
        }
        found
    }

    fn bind(&mut self, index: usize, part: usize, at: usize, end: usize) -> bool {
        self.bound[index] = Some(&self.path[at..at + end]);
        let found = self.run(part + 1, at + end);
        if !found {
            self.bound[index] = None;
        }
        found
    }

    /// Bound values that later parts repeat; others cannot change what follows.
    fn values_needed_later(&self, part: usize) -> Vec<Option<&'a str>> {
        let later = &self.expression.parts[part..];
        self.bound
            .iter()
            .enumerate()
            .map(|(i, text)| text.filter(|_| later.contains(&Part::Tag(i))))
            .collect()
    }
}
