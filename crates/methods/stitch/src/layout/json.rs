//! `layout.json` as text: deterministic, one tile and one pair per line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::error::LayoutError;
use super::model::Layout;

impl Layout {
    /// Reads the text of a `layout.json` and checks it with [`Layout::validate`].
    ///
    /// Unknown keys are kept; `null` among the components of a vector is NaN in memory.
    ///
    /// # Errors
    /// [`LayoutError`] naming the line, or what the layout breaks.
    pub fn from_json(text: &str) -> Result<Layout, LayoutError> {
        let layout: Layout = serde_json::from_str(text)?;
        layout.validate()?;
        Ok(layout)
    }

    /// Writes the text of a `layout.json`, ending in a newline.
    ///
    /// The same layout gives the same bytes: keys in the order of the contract, numbers as their
    /// shortest text that reads back to the same value, NaN and infinity as `null`. Every tile,
    /// pair, island and warning has a line of its own, so that two layouts can be compared by
    /// eye or by `diff`.
    pub fn to_json(&self) -> String {
        let mut bytes = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut bytes, RecordPerLine::default());
        self.serialize(&mut serializer)
            .expect("a Vec takes every byte, and a layout's map keys are all strings");
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("serde_json writes UTF-8")
    }
}

/// Breaks lines between top-level keys and before the objects of top-level lists, nowhere else.
#[derive(Default)]
struct RecordPerLine {
    /// How many objects and arrays are open.
    depth: usize,
    /// Whether the value of the open top-level key is an array.
    in_list: bool,
}

impl Formatter for RecordPerLine {
    fn begin_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        let record = self.depth == 2 && self.in_list;
        self.depth += 1;
        w.write_all(if record { b"\n  {" } else { b"{" })
    }

    fn end_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.depth -= 1;
        w.write_all(if self.depth == 0 { b"\n}" } else { b"}" })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        match (first, self.depth) {
            (true, 1) => w.write_all(b"\n "),
            (false, 1) => w.write_all(b",\n "),
            (true, _) => Ok(()),
            (false, _) => w.write_all(b","),
        }
    }

    fn begin_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.in_list |= self.depth == 2;
        w.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.depth -= 1;
        self.in_list &= self.depth != 1;
        w.write_all(b"]")
    }
}
