//! Where the chunks of a file are: read from its map, or searched for when the map is not there.

use std::collections::BTreeMap;
use std::path::Path;

use super::MAGIC;
use crate::positional::{FileBytes, ReadAt};
use crate::{Error, Result};

/// `magic, length of the name, length of the data`.
const HEADER: u64 = 16;
/// Chunks begin at multiples of this.
const ALIGNED: u64 = 4096;
/// The end of the file: a name of 32 bytes and the place of the map.
const MAP_SIGNATURE: &[u8] = b"ND2 CHUNK MAP SIGNATURE 0000001!";
const TAIL: u64 = 40;
/// Names are padded to the next chunk border, so they are at most this long.
const LONGEST_NAME: u64 = 2 * ALIGNED;
/// Begins the names of frames; their number follows.
const FRAME: &[u8] = b"ImageDataSeq|";
/// Larger chunks of metadata are refused.
const MOST_METADATA: u64 = 256 << 20;

/// The chunks of a file.
#[derive(Debug)]
pub(super) struct ChunkMap {
    /// Places of everything that is not a frame, by name without the final `!`.
    others: BTreeMap<String, u64>,
    /// Place of each frame that is stored, by number.
    pub frames: BTreeMap<u64, u64>,
    /// Whether the file has no map: the acquisition did not end properly.
    pub searched: bool,
}

/// The head of one chunk.
#[derive(Debug, Clone)]
struct Head {
    name: Vec<u8>,
    data: u64,
    bytes: u64,
}

impl ChunkMap {
    /// Reads the map at the end of the file; searches for chunks when there is none.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Corrupt`] when not even a search finds metadata.
    pub fn read(path: &Path, file: &FileBytes) -> Result<ChunkMap> {
        if let Some(map) = stored(path, file)? {
            return Ok(map);
        }
        let map = search(path, file)?;
        if map.others.is_empty() && map.frames.is_empty() {
            return Err(Error::corrupt(path, "no chunk map at its end, and no chunks before it"));
        }
        Ok(map)
    }

    /// The data of a metadata chunk: the first of the names that the file has.
    pub fn metadata(
        &self,
        path: &Path,
        file: &FileBytes,
        names: &[&str],
    ) -> Result<Option<Vec<u8>>> {
        let Some((name, place)) = names.iter().find_map(|n| Some((*n, *self.others.get(*n)?)))
        else {
            return Ok(None);
        };
        let head = head_at(path, file, place)?
            .filter(|h| h.name.starts_with(name.as_bytes()))
            .ok_or_else(|| Error::corrupt(path, format!("no chunk {name} at byte {place}")))?;
        if head.bytes > MOST_METADATA || head.data + head.bytes > file.size() {
            let what = format!("chunk {name} at byte {place} claims {} bytes", head.bytes);
            return Err(Error::corrupt(path, what));
        }
        let mut data = vec![0; head.bytes as usize];
        read(path, file, &mut data, head.data)?;
        Ok(Some(data))
    }
}

/// Where the data of the frame at `place` begins and how many bytes it has.
pub(super) fn frame_data(
    path: &Path,
    file: &FileBytes,
    place: u64,
    number: u64,
) -> Result<(u64, u64)> {
    let wanted = format!("ImageDataSeq|{number}!");
    match head_at(path, file, place)? {
        Some(head) if head.name.starts_with(wanted.as_bytes()) => Ok((head.data, head.bytes)),
        _ => Err(Error::corrupt(path, format!("frame {number}: no {wanted} at byte {place}"))),
    }
}

fn stored(path: &Path, file: &FileBytes) -> Result<Option<ChunkMap>> {
    let Some(end) = file.size().checked_sub(TAIL) else { return Ok(None) };
    let mut tail = [0; TAIL as usize];
    read(path, file, &mut tail, end)?;
    let (signature, place) = tail.split_at(MAP_SIGNATURE.len());
    if signature != MAP_SIGNATURE {
        return Ok(None);
    }
    let place = u64::from_le_bytes(place.try_into().expect("eight bytes are left"));
    let head = head_at(path, file, place)?
        .filter(|h| h.name.starts_with(b"ND2 FILEMAP SIGNATURE NAME 0001!"))
        .filter(|h| h.data.checked_add(h.bytes).is_some_and(|e| e <= file.size()))
        .ok_or_else(|| Error::corrupt(path, format!("no chunk map at byte {place}")))?;
    let mut entries = vec![0; head.bytes as usize];
    read(path, file, &mut entries, head.data)?;
    let mut map = ChunkMap { others: BTreeMap::new(), frames: BTreeMap::new(), searched: false };
    let mut rest = entries.as_slice();
    while let Some(end) = rest.iter().position(|b| *b == b'!') {
        let (name, numbers) = rest.split_at(end + 1);
        let Some((place, after)) = numbers.split_first_chunk::<8>() else { break };
        if name == MAP_SIGNATURE {
            break;
        }
        map.add(name, u64::from_le_bytes(*place));
        // The size that follows may be unknown; the chunk's own head has it.
        let Some((_, after)) = after.split_first_chunk::<8>() else { break };
        rest = after;
    }
    Ok(Some(map))
}

/// Goes from chunk to chunk; where one is damaged, looks for the next at every border.
fn search(path: &Path, file: &FileBytes) -> Result<ChunkMap> {
    let mut map = ChunkMap { others: BTreeMap::new(), frames: BTreeMap::new(), searched: true };
    let mut place = 0;
    while place + HEADER <= file.size() {
        let head = head_at(path, file, place)?;
        let whole = head.filter(|h| h.data.checked_add(h.bytes).is_some_and(|e| e <= file.size()));
        let end = match whole {
            Some(head) => {
                if let Some(end) = head.name.iter().position(|b| *b == b'!') {
                    map.add(&head.name[..=end], place);
                }
                head.data + head.bytes
            }
            None => place + 1,
        };
        place = end.max(place + 1).next_multiple_of(ALIGNED);
    }
    Ok(map)
}

impl ChunkMap {
    fn add(&mut self, name: &[u8], place: u64) {
        let name = name.strip_suffix(b"!").unwrap_or(name);
        let number = name.strip_prefix(FRAME).and_then(|n| std::str::from_utf8(n).ok());
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            self.frames.insert(number, place);
        } else {
            self.others.insert(String::from_utf8_lossy(name).into_owned(), place);
        }
    }
}

/// The head of the chunk at a place, `None` where there is none.
fn head_at(path: &Path, file: &FileBytes, place: u64) -> Result<Option<Head>> {
    let Some(left) = file.size().checked_sub(place).filter(|n| *n >= HEADER) else {
        return Ok(None);
    };
    let mut fixed = [0; HEADER as usize];
    read(path, file, &mut fixed, place)?;
    let number = |range: std::ops::Range<usize>| {
        fixed[range].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b))
    };
    let (letters, bytes) = (number(4..8), number(8..16));
    if !fixed.starts_with(MAGIC) || letters > LONGEST_NAME.min(left - HEADER) {
        return Ok(None);
    }
    let mut name = vec![0; letters as usize];
    read(path, file, &mut name, place + HEADER)?;
    Ok(Some(Head { name, data: place + HEADER + letters, bytes }))
}

/// Bytes that lie inside the file; memory is taken only when they do.
pub(super) fn read_vec(path: &Path, file: &FileBytes, at: u64, count: u64) -> Result<Vec<u8>> {
    check_inside(path, file, at, count)?;
    let mut bytes = vec![0; count as usize];
    read(path, file, &mut bytes, at)?;
    Ok(bytes)
}

fn check_inside(path: &Path, file: &FileBytes, at: u64, count: u64) -> Result<()> {
    let found = file.size();
    if at.checked_add(count).is_some_and(|end| end <= found) {
        return Ok(());
    }
    let (what, expected) = (format!("{count} bytes at {at}"), at.saturating_add(count));
    Err(Error::Truncated { path: path.to_owned(), what, expected, found })
}

pub(super) fn read(path: &Path, file: &FileBytes, out: &mut [u8], at: u64) -> Result<()> {
    check_inside(path, file, at, out.len() as u64)?;
    let count = out.len();
    file.read_at(out, at).map_err(|e| Error::io(path, format!("read {count} bytes at {at}"), e))
}
