//! File expressions: a path with tags, such as `scan_<X,2>_<Y,2>.tif` or `scan_{x:02}_{y:02}.tif`.
//!
//! | module | holds |
//! |---|---|
//! | `parse` | text to [`Expression`], with the place of a mistake |
//! | `matching` | path to values and back |
//! | `find` | the files of a folder that match |
//! | `detect` | names to a proposed expression |

mod detect;
mod find;
mod matching;
mod parse;

use std::fmt;

pub use detect::{DetectError, detect};
pub use find::Found;
pub use matching::FormatError;
pub use parse::{ExpressionError, Mistake};

/// A path with tags, one per grid axis or channel.
///
/// `<NAME>`, `<NAME,W>`, `<NAME,TYPE,W>` with `TYPE` `I` (digits, the default) or `S` (any
/// characters but `/`) and the exact width `W`; or `{name}`, `{name:02}`, `{name:s}`. Without a
/// width a tag takes one character or more. A repeated name matches the same text. The names
/// `X Y Z C` may be written in either case; a tag without a name is `Tag0`, `Tag1`, ... in order.
/// `<<` and `{{` stand for the characters themselves.
///
/// ```
/// use hooke_io::expression::Expression;
/// let tiles: Expression = "scan_<X,2>_{y:02}.tif".parse().unwrap();
/// let values = tiles.matches("scan_01_12.tif").unwrap();
/// assert_eq!(values.integer("X"), Some(1));
/// assert_eq!(values.integer("Y"), Some(12));
/// assert_eq!(tiles.format(&values).unwrap(), "scan_01_12.tif");
/// assert_eq!(tiles.glob(), "scan_[0-9][0-9]_[0-9][0-9].tif");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    parts: Vec<Part>,
    tags: Vec<Tag>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Index into `tags`; a repeated name gives the same index again.
    Tag(usize),
}

/// A place in an [`Expression`] that varies between files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name, `X Y Z C` in capitals.
    pub name: String,
    /// What characters it takes.
    pub kind: TagKind,
    /// The exact number of characters, or one and more.
    pub width: Option<usize>,
}

/// What characters a [`Tag`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagKind {
    /// Digits; the value is an integer.
    Integer,
    /// Any characters but `/`.
    Text,
}

/// What a [`Tag`] holds in one path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagValue {
    /// The number written by the digits.
    Integer(u64),
    /// The characters.
    Text(String),
}

impl TagValue {
    /// Whether the value is the one a user wrote: integers compare as numbers (`07` is 7).
    pub fn is(&self, written: &str) -> bool {
        match self {
            TagValue::Integer(value) => written.trim().parse() == Ok(*value),
            TagValue::Text(value) => value == written,
        }
    }
}

impl fmt::Display for TagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TagValue::Integer(value) => write!(f, "{value}"),
            TagValue::Text(value) => f.write_str(value),
        }
    }
}

/// The values of an expression's tags in one path, in the order of the tags.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct TagValues(Vec<(String, TagValue)>);

impl TagValues {
    /// The value of the tag of this name (`X Y Z C` in either case).
    pub fn get(&self, name: &str) -> Option<&TagValue> {
        let name = canonical_name(name);
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The value of a tag of digits.
    pub fn integer(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            TagValue::Integer(value) => Some(*value),
            TagValue::Text(_) => None,
        }
    }

    /// Sets the value of a tag, replacing an earlier one.
    pub fn set(&mut self, name: &str, value: TagValue) {
        let name = canonical_name(name);
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Names and values, in the order of the tags.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TagValue)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }
}

impl FromIterator<(String, TagValue)> for TagValues {
    fn from_iter<I: IntoIterator<Item = (String, TagValue)>>(items: I) -> TagValues {
        let mut values = TagValues::default();
        for (name, value) in items {
            values.set(&name, value);
        }
        values
    }
}

impl Expression {
    /// The tags in the order of their first appearance.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The tag of this name (`X Y Z C` in either case).
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        let name = canonical_name(name);
        self.tags.iter().find(|t| t.name == name)
    }

    /// The pattern as a shell would write it, for messages: `scan_[0-9][0-9].tif`.
    ///
    /// A tag without a width becomes `*`, which takes more than the tag does.
    pub fn glob(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => {
                    for c in text.chars() {
                        match c {
                            '[' | ']' | '*' | '?' => out.extend(['[', c, ']']),
                            _ => out.push(c),
                        }
                    }
                }
                Part::Tag(tag) => match (self.tags[*tag].kind, self.tags[*tag].width) {
                    (_, None) => out.push('*'),
                    (TagKind::Integer, Some(width)) => out.push_str(&"[0-9]".repeat(width)),
                    (TagKind::Text, Some(width)) => out.push_str(&"?".repeat(width)),
                },
            }
        }
        out
    }

    /// The pattern as a regular expression in Python's spelling, for use in other tools.
    ///
    /// Anchor it at both ends; Hooke does. A repeated name is a back reference.
    pub fn regex(&self) -> String {
        let mut out = String::new();
        let mut seen = vec![false; self.tags.len()];
        for part in &self.parts {
            match part {
                Part::Text(text) => text.chars().for_each(|c| {
                    if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
                        out.push('\\');
                    }
                    out.push(c);
                }),
                Part::Tag(index) => {
                    let tag = &self.tags[*index];
                    if std::mem::replace(&mut seen[*index], true) {
                        out.push_str(&format!("(?P={})", tag.name));
                        continue;
                    }
                    let class = if tag.kind == TagKind::Integer { "\\d" } else { "." };
                    let count = tag.width.map_or("+".to_owned(), |w| format!("{{{w}}}"));
                    out.push_str(&format!("(?P<{}>{class}{count})", tag.name));
                }
            }
        }
        out
    }
}

impl fmt::Display for Expression {
    /// The expression in the first spelling; parsing it again gives an equal expression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => {
                    f.write_str(&text.replace('<', "<<").replace('{', "{{"))?;
                }
                Part::Tag(index) => {
                    let Tag { name, kind, width } = &self.tags[*index];
                    let kind = if *kind == TagKind::Text { ",S" } else { "" };
                    match width {
                        Some(width) => write!(f, "<{name}{kind},{width}>")?,
                        None => write!(f, "<{name}{kind}>")?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// `X Y Z C` in capitals, all else as written.
fn canonical_name(name: &str) -> String {
    match name {
        "x" | "y" | "z" | "c" => name.to_ascii_uppercase(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
