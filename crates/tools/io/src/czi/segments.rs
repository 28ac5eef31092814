//! Segments: a name, two sizes, data.

use std::path::Path;

use crate::positional::{FileBytes, ReadAt};
use crate::{Error, Result};

/// `name, bytes allocated, bytes used`.
pub(super) const HEADER: u64 = 32;
/// Fixed part of an entry of the directory, before its dimensions.
const ENTRY: usize = 32;
/// One dimension of an entry.
const DIMENSION: usize = 20;
/// Real entries have about ten.
const MOST_DIMENSIONS: usize = 64;
/// Begins of the directory's entries and of the XML, within their segments.
const ENTRIES: usize = 128;
const XML: usize = 256;

/// One rectangle of one plane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SubBlock {
    pub pixel_type: i32,
    pub compression: i32,
    /// Place of its segment.
    pub place: u64,
    pub dimensions: Vec<Dimension>,
}

/// The extent of a sub-block along one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dimension {
    /// `X Y Z C T`, and `S M` and others that tell images apart.
    pub name: char,
    pub start: i64,
    pub size: u64,
    /// Less than `size` in the levels of a pyramid.
    pub stored: u64,
}

impl SubBlock {
    pub fn get(&self, name: char) -> Option<&Dimension> {
        self.dimensions.iter().find(|d| d.name == name)
    }

    /// Whether it is stored as large as it is, not as a level of a pyramid.
    pub fn is_full(&self) -> bool {
        self.dimensions.iter().all(|d| d.size == d.stored)
    }

    /// Bytes from the segment's begin to its own metadata, by the length of its entry.
    pub fn head_bytes(&self) -> u64 {
        HEADER + (16 + ENTRY + DIMENSION * self.dimensions.len()).max(256) as u64
    }
}

/// Where the directory and the XML are.
pub(super) struct FileHeader {
    pub version: [i32; 2],
    directory: u64,
    metadata: u64,
}

impl FileHeader {
    pub fn read(path: &Path, file: &FileBytes) -> Result<FileHeader> {
        const BYTES: u64 = 80;
        if file.size() < HEADER + BYTES {
            return Err(Error::Truncated {
                path: path.to_owned(),
                what: "the file header".to_owned(),
                expected: HEADER + BYTES,
                found: file.size(),
            });
        }
        let data = bytes_at(path, file, HEADER, BYTES)?;
        let header = FileHeader {
            version: [int(&data, 0), int(&data, 4)],
            directory: long(&data, 52),
            metadata: long(&data, 60),
        };
        if int(&data, 48) != 0 {
            let hint = "open it in ZEN and save it as one file";
            return Err(Error::unsupported(path, "a CZI that consists of several files", hint));
        }
        if header.directory == 0 {
            let what = "the file has no directory: the acquisition did not end properly";
            return Err(Error::corrupt(path, what));
        }
        Ok(header)
    }

    /// Every sub-block of the file.
    pub fn directory(&self, path: &Path, file: &FileBytes) -> Result<Vec<SubBlock>> {
        let data = segment(path, file, self.directory, b"ZISRAWDIRECTORY")?;
        let count = data.first_chunk::<4>().map_or(0, |b| i32::from_le_bytes(*b));
        let mut rest = data.get(ENTRIES..).unwrap_or_default();
        let mut blocks = Vec::new();
        for number in 0..count.max(0) {
            let cut = || Error::corrupt(path, format!("entry {number} of the directory is cut"));
            let (fixed, dimensions) = rest.split_at_checked(ENTRY).ok_or_else(cut)?;
            if !fixed.starts_with(b"DV") {
                return Err(Error::corrupt(
                    path,
                    format!("entry {number} of the directory is not of kind DV"),
                ));
            }
            let axes = usize::try_from(int(fixed, 28)).ok().filter(|n| *n <= MOST_DIMENSIONS);
            let bytes = axes.ok_or_else(cut)? * DIMENSION;
            let (dimensions, after) = dimensions.split_at_checked(bytes).ok_or_else(cut)?;
            rest = after;
            if int(fixed, 14) != 0 {
                let hint = "open it in ZEN and save it as one file";
                return Err(Error::unsupported(path, "a CZI that consists of several files", hint));
            }
            let dimensions: Option<Vec<Dimension>> =
                dimensions.chunks_exact(DIMENSION).map(dimension).collect();
            blocks.push(SubBlock {
                pixel_type: int(fixed, 2),
                place: long(fixed, 6),
                compression: int(fixed, 18),
                dimensions: dimensions.ok_or_else(|| {
                    Error::corrupt(
                        path,
                        format!("entry {number} of the directory has an impossible size"),
                    )
                })?,
            });
        }
        Ok(blocks)
    }

    /// The XML; `None` where there is none.
    pub fn xml(&self, path: &Path, file: &FileBytes) -> Result<Option<String>> {
        if self.metadata == 0 {
            return Ok(None);
        }
        let data = segment(path, file, self.metadata, b"ZISRAWMETADATA")?;
        let bytes = data.first_chunk::<4>().map_or(0, |b| i32::from_le_bytes(*b));
        let xml = usize::try_from(bytes).ok().and_then(|n| data.get(XML..)?.get(..n));
        let xml = xml.ok_or_else(|| Error::corrupt(path, "the XML metadata is cut"))?;
        Ok(Some(String::from_utf8_lossy(xml).into_owned()))
    }
}

fn dimension(bytes: &[u8]) -> Option<Dimension> {
    let name = char::from(*bytes.first()?);
    let length = |v: i32| u64::try_from(v).ok().filter(|n| *n > 0);
    let size = length(int(bytes, 8))?;
    // Dimensions other than x and y are mostly written as stored with their full size, or with 0.
    let stored = length(int(bytes, 16)).unwrap_or(size);
    Some(Dimension { name, start: i64::from(int(bytes, 4)), size, stored })
}

/// The data of a segment of the given name.
fn segment(path: &Path, file: &FileBytes, place: u64, name: &[u8]) -> Result<Vec<u8>> {
    let shown = String::from_utf8_lossy(name).into_owned();
    let (found, used) = head_at(path, file, place)?;
    if !found.starts_with(name) {
        return Err(Error::corrupt(path, format!("no segment {shown} at byte {place}")));
    }
    if place + HEADER + used > file.size() {
        return Err(Error::Truncated {
            path: path.to_owned(),
            what: format!("segment {shown} at byte {place}"),
            expected: place + HEADER + used,
            found: file.size(),
        });
    }
    bytes_at(path, file, place + HEADER, used)
}

/// Name and bytes used of the segment at a place.
pub(super) fn head_at(path: &Path, file: &FileBytes, place: u64) -> Result<([u8; 16], u64)> {
    if place.checked_add(HEADER).is_none_or(|end| end > file.size()) {
        return Err(Error::corrupt(
            path,
            format!("a segment lies at byte {place}, behind the end"),
        ));
    }
    let head = bytes_at(path, file, place, HEADER)?;
    let name: [u8; 16] = head[..16].try_into().expect("the head has 32 bytes");
    let (allocated, used) = (long(&head, 16), long(&head, 24));
    // Old writers leave the bytes used at 0.
    let used = if used == 0 { allocated } else { used };
    if used > file.size() {
        return Err(Error::corrupt(
            path,
            format!("the segment at byte {place} claims {used} bytes"),
        ));
    }
    Ok((name, used))
}

/// Bytes that lie inside the file.
pub(super) fn bytes_at(path: &Path, file: &FileBytes, at: u64, count: u64) -> Result<Vec<u8>> {
    let found = file.size();
    if at.checked_add(count).is_none_or(|end| end > found) {
        let (what, expected) = (format!("{count} bytes at {at}"), at.saturating_add(count));
        return Err(Error::Truncated { path: path.to_owned(), what, expected, found });
    }
    let mut bytes = vec![0; count as usize];
    file.read_at(&mut bytes, at)
        .map_err(|e| Error::io(path, format!("read {count} bytes at {at}"), e))?;
    Ok(bytes)
}

pub(super) fn int(bytes: &[u8], at: usize) -> i32 {
    let part = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    part.map_or(0, i32::from_le_bytes)
}

pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    let part = bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
    part.map_or(0, u64::from_le_bytes)
}
