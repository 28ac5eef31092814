//! The bytes of a code stream that some of its tiles need.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::boxes::number;
use super::header::{CodeStream, EOC, SOT};
use crate::positional::{FileBytes, ReadAt};
use crate::{Error, Result};

/// A code stream in a file.
pub(super) struct Source {
    pub path: PathBuf,
    pub file: FileBytes,
    /// Where it begins in the file, and its length.
    pub begin: u64,
    pub length: u64,
    pub stream: CodeStream,
    /// Whether parts that are cut or lost are left out.
    pub rescue: bool,
    /// Tile, place and length of each part, in the order of the file.
    pub parts: OnceLock<Vec<(u64, u64, u64)>>,
}

impl Source {
    /// A code stream of the tiles in these rows and columns of tiles, or the whole one where tiles
    /// depend on each other.
    ///
    /// # Errors
    /// [`Error::Truncated`] and [`Error::Corrupt`] for tiles that are cut or not there.
    pub fn of_tiles(&self, tiles: [Range<u64>; 2]) -> Result<Vec<u8>> {
        let (Some(header), Some(first)) = (&self.stream.header, self.stream.first_part) else {
            return self.bytes(0, self.length);
        };
        let columns = self.stream.tiles()[1];
        let parts = match self.parts.get() {
            Some(parts) => parts,
            // Two threads that find them at once find the same.
            None => {
                let found = self.find_parts(first)?;
                self.parts.get_or_init(|| found)
            }
        };
        let wanted = |tile: u64| {
            tiles[0].contains(&(tile / columns)) && tiles[1].contains(&(tile % columns))
        };
        let parts: Vec<_> = parts.iter().filter(|(tile, ..)| wanted(*tile)).collect();
        let size: u64 = parts.iter().map(|(_, _, length)| length).sum();
        let mut bytes = Vec::with_capacity(header.len() + size as usize + 2);
        bytes.extend_from_slice(header);
        for (_, at, length) in parts {
            bytes.extend(self.bytes(*at, *length)?);
        }
        if !bytes.ends_with(&EOC.to_be_bytes()[6..]) {
            bytes.extend(&EOC.to_be_bytes()[6..]);
        }
        Ok(bytes)
    }

    /// Goes from part to part: each says how long it is.
    fn find_parts(&self, first: u64) -> Result<Vec<(u64, u64, u64)>> {
        let tiles: u64 = self.stream.tiles().iter().product();
        let mut parts = Vec::new();
        let mut at = first;
        loop {
            let left = self.length.saturating_sub(at);
            let head = self.bytes(at, left.min(12))?;
            if head.get(..2).map(number) == Some(EOC) {
                return Ok(parts);
            }
            let said = head.get(6..10).map_or(0, number);
            let tile = head.get(4..6).map_or(tiles, number);
            let is_part = head.len() == 12 && number(&head[..2]) == SOT && tile < tiles;
            // The last part may leave its length out.
            let length = if said == 0 { left } else { said };
            if is_part && length >= 12 && length <= left {
                parts.push((tile, at, length));
                at += length;
                if said == 0 {
                    return Ok(parts);
                }
                continue;
            }
            if self.rescue {
                if is_part {
                    parts.push((tile, at, left));
                }
                return Ok(parts);
            }
            let what = format!("the part of a tile at byte {}", self.begin + at);
            return Err(match is_part && length > left || left < 12 {
                true => Error::Truncated {
                    path: self.path.clone(),
                    what,
                    expected: self.begin + at + length.max(12),
                    found: self.begin + self.length,
                },
                false => Error::corrupt(&self.path, format!("{what} is none")),
            });
        }
    }

    /// Bytes of the code stream, which lie in the file.
    fn bytes(&self, at: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.file.read_at(&mut bytes, self.begin + at).map_err(|e| {
            Error::io(&self.path, format!("read {length} bytes at {}", self.begin + at), e)
        })?;
        Ok(bytes)
    }
}
