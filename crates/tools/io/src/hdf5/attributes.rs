//! Numbers and texts that stand on a dataset.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rust_hdf5::DatatypeMessage;
use serde_json::{Value, json};

use super::Handles;
use crate::{Error, Result};

/// Most bytes of a heap collection that are read; texts beyond are not metadata.
const LARGEST_HEAP: u64 = 16 << 20;

/// The value of an attribute of a dataset or variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// Numbers, in C order.
    Numbers(Vec<f64>),
    /// Texts, in C order.
    Texts(Vec<String>),
}

impl Attribute {
    /// Reads an attribute of a dataset, or `None` when there is none that holds numbers or texts.
    ///
    /// An attribute that cannot be read is none too: metadata never hides pixels.
    pub(crate) fn read(handles: &Handles, dataset: &str, name: &str) -> Option<Attribute> {
        let stored = Stored::read(handles, dataset, name)?;
        if let Some(numbers) = stored.numbers {
            return Some(Attribute::Numbers(numbers));
        }
        let raw = &stored.raw;
        match stored.kind {
            DatatypeMessage::FixedString { size, .. } if raw.len() > size as usize && size > 0 => {
                let text = |bytes: &[u8]| {
                    let text = String::from_utf8_lossy(bytes);
                    text.trim_end_matches(['\0', ' ']).to_owned()
                };
                Some(Attribute::Texts(raw.chunks(size as usize).map(text).collect()))
            }
            // The crate resolves the first text of an array only.
            DatatypeMessage::VarLenString { .. } if raw.len() > 16 => {
                heap_texts(handles, raw, stored.base).ok().map(Attribute::Texts)
            }
            _ => stored.first.map(|text| Attribute::Texts(vec![text])),
        }
    }

    /// The names of a dataset's attributes.
    pub(crate) fn names(handles: &Handles, dataset: &str) -> Vec<String> {
        let what = format!("attributes of `/{dataset}`");
        let names = handles.run(&what, |file| file.dataset(dataset)?.attr_names());
        names.unwrap_or_default()
    }

    /// The attributes of a group that are texts; the empty path is the file itself.
    ///
    /// The crate does not tell the type of a group's attribute: what is no legible text is left
    /// out. Texts of single characters in a row, as Imaris writes them, are joined.
    pub(crate) fn texts_of_group(handles: &Handles, path: &str) -> Vec<(String, String)> {
        let what = format!("attributes of `/{path}`");
        let read = handles.run(&what, |file| {
            let root = file.root_group();
            let group = if path.is_empty() { root } else { root.group(path)? };
            let text = |name: String| Some((group.attr_string(&name).ok()?, name));
            Ok(group.attr_names()?.into_iter().filter_map(text).collect())
        });
        let read: Vec<(String, String)> = read.unwrap_or_default();
        let legible = |text: &str| {
            !text.is_empty()
                && !text.contains(|c: char| c == '\u{FFFD}' || c.is_control() && !c.is_whitespace())
        };
        read.into_iter().filter(|(t, _)| legible(t)).map(|(text, name)| (name, text)).collect()
    }

    /// Of an attribute that lists object references, sequence by sequence: the first address of
    /// each, such as the first dimension scale of each axis in `DIMENSION_LIST`.
    pub(crate) fn first_references(
        handles: &Handles,
        dataset: &str,
        name: &str,
    ) -> Option<Vec<Option<u64>>> {
        let stored = Stored::read(handles, dataset, name)?;
        let DatatypeMessage::VarLenSequence { base } = stored.kind else { return None };
        if !matches!(*base, DatatypeMessage::Reference { size: 8, .. }) {
            return None;
        }
        let lists = heap_items(handles, &stored.raw, stored.base, 8).ok()?;
        Some(lists.iter().map(|list| u64_at(list, 0)).collect())
    }

    /// The numbers, if they are.
    pub(crate) fn numbers(self) -> Option<Vec<f64>> {
        match self {
            Attribute::Numbers(numbers) => Some(numbers),
            Attribute::Texts(_) => None,
        }
    }

    /// The texts, if they are.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        match self {
            Attribute::Texts(texts) => Some(texts),
            Attribute::Numbers(_) => None,
        }
    }

    /// As JSON: one value alone, several as a list; numbers that JSON has not become null.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Attribute::Numbers(numbers) => match numbers.as_slice() {
                [one] => json!(one),
                several => json!(several),
            },
            Attribute::Texts(texts) => match texts.as_slice() {
                [one] => json!(one),
                several => json!(several),
            },
        }
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Attribute {
        Attribute::Texts(vec![text.to_owned()])
    }
}

impl From<f64> for Attribute {
    fn from(number: f64) -> Attribute {
        Attribute::Numbers(vec![number])
    }
}

/// An attribute as it is stored.
struct Stored {
    kind: DatatypeMessage,
    raw: Vec<u8>,
    numbers: Option<Vec<f64>>,
    /// The text, the first one of several.
    first: Option<String>,
    /// Bytes before the superblock.
    base: u64,
}

impl Stored {
    fn read(handles: &Handles, dataset: &str, name: &str) -> Option<Stored> {
        let what = format!("attribute `{name}` of `/{dataset}`");
        let found = handles.run(&what, |file| {
            let dataset = file.dataset(dataset)?;
            if !dataset.attr_names()?.iter().any(|n| n == name) {
                return Ok(None);
            }
            let attribute = dataset.attr(name)?;
            let numbers = attribute.read_numeric_as::<f64>().ok().or_else(|| {
                let integers = attribute.read_numeric_as::<i64>().ok()?;
                Some(integers.into_iter().map(|v| v as f64).collect())
            });
            Ok(Some(Stored {
                kind: attribute.datatype()?,
                raw: attribute.read_raw()?,
                numbers,
                first: attribute.read_string().ok(),
                base: file.userblock_size(),
            }))
        });
        found.ok()?
    }
}

/// Texts of variable length.
fn heap_texts(handles: &Handles, references: &[u8], base: u64) -> Result<Vec<String>> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned();
    Ok(heap_items(handles, references, base, 1)?.into_iter().map(text).collect())
}

/// Sequences of variable length, as bytes: for each the number of its elements (u32), the address
/// of a heap collection (u64) and the number of the object in it (u32). Source: HDF5 file format
/// 3.0, section III.E.
fn heap_items(
    handles: &Handles,
    references: &[u8],
    base: u64,
    element: usize,
) -> Result<Vec<Vec<u8>>> {
    let path = handles.path();
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let bad = || Error::corrupt(path, "an attribute in the global heap");
    let mut collection: (u64, Vec<u8>) = (u64::MAX, Vec::new());
    let (mut items, mut total) = (Vec::new(), 0);
    for reference in references.chunks_exact(16) {
        let length = u32_at(reference, 0).ok_or_else(bad)? as usize;
        let address = u64_at(reference, 4).ok_or_else(bad)?;
        let object = u32_at(reference, 12).ok_or_else(bad)?;
        if length == 0 || address == 0 || address == u64::MAX {
            items.push(Vec::new());
            continue;
        }
        if collection.0 != address {
            let mut head = [0; 16];
            let at = address.checked_add(base).ok_or_else(bad)?;
            file.read_exact_at(&mut head, at).map_err(|_| bad())?;
            let size = u64_at(&head, 8).filter(|s| *s <= LARGEST_HEAP).ok_or_else(bad)?;
            if !head.starts_with(b"GCOL") {
                return Err(bad());
            }
            let mut bytes = vec![0; size as usize];
            file.read_exact_at(&mut bytes, at).map_err(|_| bad())?;
            collection = (address, bytes);
        }
        let bytes = heap_object(&collection.1, object).ok_or_else(bad)?;
        let bytes = &bytes[..length.saturating_mul(element).min(bytes.len())];
        // Many references to one long object are damage.
        total += bytes.len() as u64;
        if total > LARGEST_HEAP {
            return Err(bad());
        }
        items.push(bytes.to_vec());
    }
    Ok(items)
}

/// The bytes of an object of a heap collection.
fn heap_object(collection: &[u8], wanted: u32) -> Option<&[u8]> {
    let mut at = 16usize;
    loop {
        let number = u16::from_le_bytes(collection.get(at..at + 2)?.try_into().ok()?);
        let size = usize::try_from(u64_at(collection, at + 8)?).ok()?;
        let begin = at + 16;
        let end = begin.checked_add(size)?;
        if u32::from(number) == wanted {
            return collection.get(begin..end);
        }
        if number == 0 {
            return None;
        }
        at = end.checked_next_multiple_of(8)?;
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}
