//! Whole arrays of numbers, texts, records or one object, as tables and settings are kept in.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use hooke_core::Dtype;
use zip::ZipArchive;

use super::Header;
use super::literal::{Descr, Stated};
use super::pickle::is_none;
use crate::strided::RawSample;
use crate::{Error, Result};

/// Bytes of the longest pickled object that is looked into.
const LONGEST_PICKLE: u64 = 1 << 20;

/// An array, whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Small {
    /// Its lengths, slowest first.
    pub shape: Vec<u64>,
    /// Its elements in C order.
    pub data: SmallData,
}

/// The elements of an array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SmallData {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
    /// Named columns.
    Records(Vec<(String, Vec<f64>)>),
    /// One object; whether it is `None`.
    Object {
        none: bool,
    },
}

/// Reads an array of at most `size` bytes, its header included.
///
/// # Errors
/// See [`Header::read`]; [`Error::Truncated`] when the bytes do not suffice.
pub(crate) fn read_small(path: &Path, file: &mut impl Read, size: u64) -> Result<Small> {
    let (Stated { descr, fortran_order, shape }, offset) = Header::stated(path, file)?;
    let left = size.saturating_sub(offset);
    let item = match &descr {
        Descr::Sample(sample, _) => sample.size(),
        Descr::Text { chars, .. } => chars.saturating_mul(4),
        Descr::Fields(fields) => fields.iter().map(|(_, s, _)| s.size()).sum(),
        Descr::Object { .. } => 0,
        Descr::Other { name } => {
            return Err(Error::unsupported(path, format!("NPY samples of type `{name}`"), ""));
        }
    };
    let count = shape.iter().fold(1u64, |n, s| n.saturating_mul(*s));
    let bytes = count.saturating_mul(item);
    if bytes > left {
        let what = "an NPY array".to_owned();
        let (expected, found) = (offset.saturating_add(bytes), size);
        return Err(Error::Truncated { path: path.to_owned(), what, expected, found });
    }
    if item == 0 && count > 1 {
        return Err(Error::corrupt(path, "NPY array: many elements without bytes"));
    }
    let data = match descr {
        Descr::Object { .. } => {
            let mut pickle = Vec::new();
            file.take(LONGEST_PICKLE).read_to_end(&mut pickle).map_err(|e| unread(path, e))?;
            let none = is_none(&pickle)
                .filter(|_| shape.is_empty())
                .ok_or_else(|| Error::unsupported(path, "a pickled array", "save plain arrays"))?;
            SmallData::Object { none }
        }
        Descr::Text { chars, big_endian, .. } => {
            let mut texts = Vec::new();
            each(path, file, if item == 0 { 0 } else { count }, item, |bytes| {
                texts.push(text(bytes, big_endian, chars));
            })?;
            texts.resize(count as usize, String::new());
            SmallData::Texts(texts)
        }
        Descr::Fields(fields) => {
            let mut columns: Vec<(String, Vec<f64>)> =
                fields.iter().map(|(name, ..)| (name.clone(), Vec::new())).collect();
            each(path, file, if item == 0 { 0 } else { count }, item, |mut bytes| {
                for ((_, column), (_, sample, big_endian)) in columns.iter_mut().zip(&fields) {
                    let (cell, rest) = bytes.split_at(sample.size() as usize);
                    column.push(number(cell, *sample, *big_endian));
                    bytes = rest;
                }
            })?;
            SmallData::Records(columns)
        }
        Descr::Sample(sample, big_endian) => {
            let mut numbers = Vec::with_capacity(count.min(1 << 20) as usize);
            each(path, file, count, item, |b| numbers.push(number(b, sample, big_endian)))?;
            if let (true, [rows, columns]) = (fortran_order, shape.as_slice()) {
                numbers = transposed(&numbers, *rows as usize, *columns as usize);
            }
            SmallData::Numbers(numbers)
        }
        Descr::Other { .. } => unreachable!("it was refused above"),
    };
    Ok(Small { shape, data })
}

/// Calls `with` on the bytes of each element.
fn each(
    path: &Path,
    file: &mut impl Read,
    count: u64,
    item: u64,
    mut with: impl FnMut(&[u8]),
) -> Result<()> {
    let item = item as usize;
    let many = ((1 << 20) / item.max(1)).max(1) as u64;
    let mut buffer = Vec::new();
    let mut left = count;
    while left > 0 {
        let now = left.min(many);
        buffer.resize(now as usize * item, 0);
        file.read_exact(&mut buffer).map_err(|e| unread(path, e))?;
        buffer.chunks_exact(item).for_each(&mut with);
        left -= now;
    }
    Ok(())
}

fn unread(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
            Error::corrupt(path, format!("NPY array: {error}"))
        }
        _ => Error::io(path, "read", error),
    }
}

fn transposed(numbers: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(numbers.len());
    for row in 0..rows {
        out.extend((0..columns).map(|column| numbers[column * rows + row]));
    }
    out
}

fn text(bytes: &[u8], big_endian: bool, chars: u64) -> String {
    let read = |c: &[u8; 4]| {
        let code = if big_endian { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    let text: String = bytes.as_chunks().0.iter().take(chars as usize).map(read).collect();
    text.trim_end_matches('\0').to_owned()
}

fn number(bytes: &[u8], sample: RawSample, big_endian: bool) -> f64 {
    let mut wide = [0u8; 8];
    let n = bytes.len().min(8);
    wide[..n].copy_from_slice(&bytes[..n]);
    if big_endian {
        wide[..n].reverse();
    }
    let bits = u64::from_le_bytes(wide);
    match sample {
        RawSample::Bool => f64::from(u8::from(bits != 0)),
        RawSample::Half => half::f16::from_bits(bits as u16).to_f64(),
        RawSample::Native(dtype) => match dtype {
            Dtype::Float32 => f32::from_bits(bits as u32).into(),
            Dtype::Float64 => f64::from_bits(bits),
            Dtype::Int8 => f64::from(bits as i8),
            Dtype::Int16 => f64::from(bits as i16),
            Dtype::Int32 => f64::from(bits as i32),
            Dtype::Int64 => bits as i64 as f64,
            _ => bits as f64,
        },
    }
}

/// Reads an array of an NPZ file by its name; nothing when there is none.
///
/// # Errors
/// [`Error::Corrupt`] for a damaged archive; see also [`read_small`].
pub(crate) fn read_npz_member(
    path: &Path,
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
) -> Result<Option<Small>> {
    let file = format!("{name}.npy");
    let mut member = match archive.by_name(&file) {
        Ok(member) => member,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(e) => return Err(Error::corrupt(path, format!("NPZ archive: {e}"))),
    };
    let size = member.size();
    // A size that the archive states is not one it has: memory is given for what is there.
    read_small(path, &mut member, size).map(Some)
}
