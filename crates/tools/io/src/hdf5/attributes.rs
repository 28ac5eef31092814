//! Numbers and texts that stand on a dataset.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rust_hdf5::DatatypeMessage;

use super::Handles;
use crate::{Error, Result};

/// Most bytes of a heap collection that are read; texts beyond are not metadata.
const LARGEST_HEAP: u64 = 16 << 20;

/// An attribute's value, as far as image metadata needs it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    /// Numbers, in C order.
    Numbers(Vec<f64>),
    /// Texts, in C order.
    Texts(Vec<String>),
}

impl Attribute {
    /// Reads an attribute of a dataset, or `None` when there is none that holds numbers or texts.
    ///
    /// An attribute that cannot be read is none too: metadata never hides pixels.
    pub fn read(handles: &Handles, dataset: &str, name: &str) -> Option<Attribute> {
        let what = format!("attribute `{name}` of `/{dataset}`");
        let (kind, raw, numbers, first, base) = handles
            .run(&what, |file| {
                let dataset = file.dataset(dataset)?;
                if !dataset.attr_names()?.iter().any(|n| n == name) {
                    return Ok(None);
                }
                let attribute = dataset.attr(name)?;
                let numbers = attribute.read_numeric_as::<f64>().ok().or_else(|| {
                    let integers = attribute.read_numeric_as::<i64>().ok()?;
                    Some(integers.into_iter().map(|v| v as f64).collect())
                });
                let first = attribute.read_string().ok();
                let base = file.userblock_size();
                Ok(Some((attribute.datatype()?, attribute.read_raw()?, numbers, first, base)))
            })
            .ok()??;
        if let Some(numbers) = numbers {
            return Some(Attribute::Numbers(numbers));
        }
        match kind {
            DatatypeMessage::FixedString { size, .. } if raw.len() > size as usize && size > 0 => {
                let text = |bytes: &[u8]| {
                    let text = String::from_utf8_lossy(bytes);
                    text.trim_end_matches(['\0', ' ']).to_owned()
                };
                Some(Attribute::Texts(raw.chunks(size as usize).map(text).collect()))
            }
            // The crate resolves the first text of an array only.
            DatatypeMessage::VarLenString { .. } if raw.len() > 16 => {
                heap_texts(handles, &raw, base).ok().map(Attribute::Texts)
            }
            _ => first.map(|text| Attribute::Texts(vec![text])),
        }
    }

    /// The numbers, if they are.
    pub fn numbers(self) -> Option<Vec<f64>> {
        match self {
            Attribute::Numbers(numbers) => Some(numbers),
            Attribute::Texts(_) => None,
        }
    }

    /// The texts, if they are.
    pub fn texts(self) -> Option<Vec<String>> {
        match self {
            Attribute::Texts(texts) => Some(texts),
            Attribute::Numbers(_) => None,
        }
    }
}

/// Texts of variable length: for each a length (u32), the address of a heap collection (u64) and
/// the number of the object in it (u32). Source: HDF5 file format 3.0, section III.E.
fn heap_texts(handles: &Handles, references: &[u8], base: u64) -> Result<Vec<String>> {
    let path = handles.path();
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let bad = || Error::corrupt(path, "a text in the global heap");
    let mut collection: (u64, Vec<u8>) = (u64::MAX, Vec::new());
    let mut texts = Vec::new();
    for reference in references.chunks_exact(16) {
        let length = u32_at(reference, 0).ok_or_else(bad)? as usize;
        let address = u64_at(reference, 4).ok_or_else(bad)?;
        let object = u32_at(reference, 12).ok_or_else(bad)?;
        if length == 0 || address == 0 || address == u64::MAX {
            texts.push(String::new());
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
        let bytes = &bytes[..length.min(bytes.len())];
        texts.push(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned());
    }
    Ok(texts)
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

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}
