//! The XML and the blocks of a file: where they are, what is cut.
//!
//! A file is a sequence of parts. Each begins with `u32 0x70, u32 bytes`; the first part's bytes
//! are `u8 0x2A, u32 n` and the XML as `n` UTF-16 units. All others' are `u8 0x2A, size, u8 0x2A,
//! u32 n` and `n` units of a name, and `size` bytes of samples follow behind; `size` is a u32 in
//! version 1 of the format and a u64 in version 2.

use std::collections::HashMap;
use std::path::Path;

use crate::positional::{FileBytes, ReadAt};
use crate::{Error, Result};

/// The begin of every part.
pub(super) const MARK: [u8; 4] = [0x70, 0, 0, 0];
/// What stands before every number and text within a part.
pub(super) const TEST: u8 = 0x2A;
/// `mark, bytes, 0x2A, units`.
const HEADER: u64 = 13;
/// Longest name of a block, in UTF-16 units.
const LONGEST_NAME: u64 = 1 << 12;

/// One block of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Byte of its first sample.
    pub start: u64,
    /// Bytes it has; the file may end before.
    pub size: u64,
}

/// The parts of a file.
pub(super) struct Container {
    pub xml: String,
    pub blocks: HashMap<String, Block>,
    /// The file ends within a part: this many bytes are wanted.
    pub cut: Option<u64>,
}

impl Container {
    pub fn read(path: &Path, file: &FileBytes) -> Result<Container> {
        let head = bytes_at(path, file, "the header", 0, HEADER)?;
        let units = u64::from(u32_at(&head, 9));
        if head[..4] != MARK || head[8] != TEST {
            return Err(Error::corrupt(path, "the header is not that of a Leica file"));
        }
        let xml = text_at(path, file, "the XML", HEADER, units)?;
        refuse_relatives(path, &xml)?;
        let mut container = Container { xml, blocks: HashMap::new(), cut: None };
        let mut at = HEADER + 2 * units;
        while at < file.size() {
            let Some((name, block)) = part(path, file, at)? else {
                container.cut = Some(file.size() + 1);
                break;
            };
            at = block.start.checked_add(block.size).ok_or_else(|| {
                Error::corrupt(path, format!("the block `{name}` has {} bytes", block.size))
            })?;
            container.blocks.insert(name, block);
        }
        if at > file.size() {
            container.cut = Some(at);
        }
        Ok(container)
    }
}

/// Leica's other formats begin alike.
fn refuse_relatives(path: &Path, xml: &str) -> Result<()> {
    let hint = "open the project in LAS X and save it as .lif";
    if xml.starts_with("LMS_Object_File") {
        return Err(Error::unsupported(path, "a Leica LOF file", hint));
    }
    if xml.starts_with("<LMSDataContainerEnhancedHeader") {
        let hint = "it holds the levels of images whose pixels are in the .lif file beside it";
        return Err(Error::unsupported(path, "a Leica LIFEXT file", hint));
    }
    Ok(())
}

/// Name and place of the block whose part begins at a byte; `None` when its head is cut.
fn part(path: &Path, file: &FileBytes, at: u64) -> Result<Option<(String, Block)>> {
    const LONGEST: u64 = 8 + 1 + 8 + 1 + 4;
    let head = bytes_at(path, file, "a block", at, LONGEST.min(file.size() - at))?;
    let bad = |what: &str| Error::corrupt(path, format!("the block at byte {at} {what}"));
    if !head.starts_with(&MARK[..head.len().min(4)]) {
        return Err(bad("does not begin as one"));
    }
    let Some(bytes) = head.get(4..8).map(|b| u64::from(u32_at(b, 0))) else { return Ok(None) };
    // The size is as wide as the part's length leaves room for.
    let mut cut = false;
    for width in [8, 4] {
        let second = 9 + width;
        let Some(units) = head.get(second + 1..second + 5).map(|b| u64::from(u32_at(b, 0))) else {
            cut = true;
            continue;
        };
        if head[8] != TEST || head[second] != TEST || bytes != width as u64 + 6 + 2 * units {
            continue;
        }
        if units > LONGEST_NAME {
            return Err(bad("has an endless name"));
        }
        let begin = at + second as u64 + 5;
        let start = begin + 2 * units;
        if start > file.size() {
            return Ok(None);
        }
        let size = head[9..second].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
        let name = text_at(path, file, "a block's name", begin, units)?;
        return Ok(Some((name, Block { start, size })));
    }
    if cut { Ok(None) } else { Err(bad("has no legal header")) }
}

fn text_at(path: &Path, file: &FileBytes, what: &str, at: u64, units: u64) -> Result<String> {
    let bytes = bytes_at(path, file, what, at, 2 * units)?;
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
    Ok(String::from_utf16_lossy(&units))
}

/// Bytes that lie inside the file.
fn bytes_at(path: &Path, file: &FileBytes, what: &str, at: u64, count: u64) -> Result<Vec<u8>> {
    let found = file.size();
    if at.saturating_add(count) > found {
        let expected = at.saturating_add(count);
        return Err(Error::Truncated {
            path: path.to_owned(),
            what: what.to_owned(),
            expected,
            found,
        });
    }
    let mut bytes = vec![0; count as usize];
    file.read_at(&mut bytes, at)
        .map_err(|e| Error::io(path, format!("read {count} bytes at {at}"), e))?;
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    part.map_or(0, u32::from_le_bytes)
}
