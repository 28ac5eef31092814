//! The Python literal in the header of an NPY file.

use std::path::Path;

use hooke_core::Dtype;

use crate::strided::RawSample;
use crate::{Error, Result};

/// What a header says.
pub(super) struct Stated {
    pub descr: Descr,
    pub fortran_order: bool,
    pub shape: Vec<u64>,
}

/// The type of an array's elements.
pub(super) enum Descr {
    /// A number, and whether it is big-endian.
    Sample(RawSample, bool),
    /// A text of at most so many characters of four bytes.
    Text { name: String, chars: u64, big_endian: bool },
    /// Named numbers, as [`Descr::Sample`].
    Fields(Vec<(String, RawSample, bool)>),
    /// A pickled object.
    Object { name: String },
    /// Anything else.
    Other { name: String },
}

/// The Python literal that makes up the header, being read.
pub(super) struct Literal<'a> {
    path: &'a Path,
    rest: &'a str,
}

impl<'a> Literal<'a> {
    pub fn new(path: &'a Path, text: &'a str) -> Literal<'a> {
        Literal { path, rest: text.trim() }
    }

    pub fn read(mut self) -> Result<Stated> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.accept('}') {
            let key = self.text()?;
            self.expect(':')?;
            match key {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran = Some(self.boolean()?),
                "shape" => shape = Some(self.lengths()?),
                other => return Err(self.bad(&format!("unknown key `{other}`"))),
            }
            if !self.accept(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.rest.trim().is_empty() {
            return Err(self.bad("text after the dictionary"));
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran, shape) else {
            return Err(self.bad("descr, fortran_order or shape is missing"));
        };
        Ok(Stated { descr, fortran_order, shape })
    }

    fn bad(&self, what: &str) -> Error {
        Error::corrupt(self.path, format!("NPY header: {what}"))
    }

    fn accept(&mut self, c: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.starts_with(c);
        self.rest = if found { &rest[c.len_utf8()..] } else { rest };
        found
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.accept(c) { Ok(()) } else { Err(self.bad(&format!("`{c}` expected"))) }
    }

    fn text(&mut self) -> Result<&'a str> {
        let quote = if self.accept('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let rest = self.rest;
        let end = rest.find(quote).ok_or_else(|| self.bad("a text is not closed"))?;
        self.rest = &rest[end + 1..];
        Ok(&rest[..end])
    }

    fn boolean(&mut self) -> Result<bool> {
        let rest = self.rest.trim_start();
        let value =
            [("True", true), ("False", false)].into_iter().find(|(n, _)| rest.starts_with(n));
        let (name, value) = value.ok_or_else(|| self.bad("True or False expected"))?;
        self.rest = &rest[name.len()..];
        Ok(value)
    }

    fn lengths(&mut self) -> Result<Vec<u64>> {
        self.expect('(')?;
        let end = self.rest.find(')').ok_or_else(|| self.bad("the shape is not closed"))?;
        let (inside, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        let inside = inside.trim().trim_end_matches(',');
        if inside.trim().is_empty() {
            return Ok(Vec::new());
        }
        // Python 2 wrote long integers with an L.
        let number = |n: &str| n.trim().trim_end_matches('L').parse().ok();
        inside.split(',').map(number).collect::<Option<_>>().ok_or_else(|| self.bad("the shape"))
    }

    fn descr(&mut self) -> Result<Descr> {
        if self.accept('[') {
            return self.fields();
        }
        let name = self.text()?;
        Ok(of_name(name))
    }

    /// The fields of a structured array, all of them numbers; else it is of another type.
    fn fields(&mut self) -> Result<Descr> {
        let (mut fields, mut other) = (Vec::new(), false);
        while !self.accept(']') {
            self.expect('(')?;
            let name = self.text()?;
            self.expect(',')?;
            match of_name(self.text()?) {
                Descr::Sample(sample, big_endian) => {
                    fields.push((name.to_owned(), sample, big_endian));
                }
                _ => other = true,
            }
            self.expect(')')?;
            if !self.accept(',') {
                self.expect(']')?;
                break;
            }
        }
        match other {
            false => Ok(Descr::Fields(fields)),
            true => Ok(Descr::Other { name: "structured".to_owned() }),
        }
    }
}

fn of_name(descr: &str) -> Descr {
    let big_endian = descr.starts_with('>');
    let name = descr.trim_start_matches(['<', '>', '|', '=']);
    let owned = || descr.to_owned();
    let sample = match name {
        "b1" => RawSample::Bool,
        "f2" => RawSample::Half,
        _ => match name.split_at_checked(1) {
            Some((kind @ ("u" | "i" | "f"), size)) => {
                let bits = size.parse::<usize>().ok().and_then(|s| s.checked_mul(8));
                match bits.and_then(|b| Dtype::parse(&format!("{kind}{b}"))) {
                    Some(dtype) => RawSample::Native(dtype),
                    None => return Descr::Other { name: owned() },
                }
            }
            Some(("U", size)) => match size.parse() {
                Ok(chars) => return Descr::Text { name: owned(), chars, big_endian },
                Err(_) => return Descr::Other { name: owned() },
            },
            Some(("O", _)) => return Descr::Object { name: owned() },
            _ => return Descr::Other { name: owned() },
        },
    };
    Descr::Sample(sample, big_endian)
}
