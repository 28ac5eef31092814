//! An open TIFF file: its directories, found when they are asked for, and the values of their tags.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ifd::{Entry, Ifd, Numbers, read_header};
use super::page::Page;
use super::tag;
use crate::chunk_cache::ChunkKey;
use crate::positional::ReadAt;
use crate::{ChunkCache, Error, Result};

/// Bytes of the smallest useful directory: a count, one entry, the next offset.
const SMALLEST_IFD: u64 = 18;
/// Directories are read in one go when they are no longer than this.
const IFD_READ: usize = 1024;
/// Pages kept parsed.
const CACHED_PAGES: usize = 4096;

/// An open TIFF file.
pub struct TiffFile {
    bytes: Box<dyn ReadAt>,
    path: PathBuf,
    numbers: Numbers,
    chain: Mutex<Chain>,
    pages: Mutex<HashMap<u64, Arc<Page>>>,
    cache: Option<Arc<ChunkCache>>,
    source: u64,
}

/// The directories found so far, and where the next one is.
struct Chain {
    offsets: Vec<u64>,
    seen: HashSet<u64>,
    next: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single push or insert, so a panic elsewhere tears nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TiffFile {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Unrecognised`] when it is no TIFF header, [`Error::Io`] when it cannot be read.
    pub fn new(
        bytes: Box<dyn ReadAt>,
        path: &Path,
        cache: Option<Arc<ChunkCache>>,
    ) -> Result<TiffFile> {
        let mut head = vec![0; bytes.size().min(16) as usize];
        bytes.read_at(&mut head, 0).map_err(|e| Error::io(path, "read the header", e))?;
        let Some((numbers, next)) = read_header(&head) else {
            return Err(Error::Unrecognised { path: path.to_owned(), found: show(&head) });
        };
        Ok(TiffFile {
            bytes,
            path: path.to_owned(),
            numbers,
            chain: Mutex::new(Chain { offsets: Vec::new(), seen: HashSet::new(), next }),
            pages: Mutex::default(),
            cache,
            source: ChunkCache::new_source(),
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How its numbers are written.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.size()
    }

    /// Where decoded chunks of this file are kept.
    pub fn cache(&self) -> Option<&Arc<ChunkCache>> {
        self.cache.as_ref()
    }

    /// The key of the chunk that begins at a byte.
    pub fn chunk_key(&self, offset: u64) -> ChunkKey {
        ChunkKey { source: self.source, level: 0, chunk: offset }
    }

    /// The most directories that a file of this size can hold.
    pub fn most_pages(&self) -> u64 {
        self.size() / SMALLEST_IFD
    }

    /// An error: the content contradicts itself.
    pub fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::corrupt(&self.path, what)
    }

    /// Says whether a range lies in the file.
    ///
    /// # Errors
    /// [`Error::Truncated`] naming `what` when it does not.
    pub fn check_range(&self, what: &str, offset: u64, size: u64) -> Result<()> {
        match offset.checked_add(size) {
            Some(end) if end <= self.size() => Ok(()),
            Some(end) => Err(Error::Truncated {
                path: self.path.clone(),
                what: what.to_owned(),
                expected: end,
                found: self.size(),
            }),
            None => Err(self.corrupt(format!("{what} lies at byte {offset}, beyond any file"))),
        }
    }

    /// Fills `out` from the bytes at `offset`.
    ///
    /// # Errors
    /// [`Error::Truncated`] naming `what`, or [`Error::Io`].
    pub fn read_at(&self, what: &str, offset: u64, out: &mut [u8]) -> Result<()> {
        self.check_range(what, offset, out.len() as u64)?;
        self.bytes
            .read_at(out, offset)
            .map_err(|e| Error::io(&self.path, format!("read {} bytes at {offset}", out.len()), e))
    }

    /// Reads `size` bytes into `out`, which keeps its buffer; checked before anything is allocated.
    ///
    /// # Errors
    /// [`Error::Truncated`] naming `what`, or [`Error::Io`].
    pub fn read_into(&self, what: &str, offset: u64, size: u64, out: &mut Vec<u8>) -> Result<()> {
        self.check_range(what, offset, size)?;
        out.resize(size as usize, 0);
        self.read_at(what, offset, out)
    }

    /// Reads a directory.
    ///
    /// # Errors
    /// [`Error::Truncated`] when it is cut, [`Error::Corrupt`] when its length is absurd.
    pub fn ifd(&self, offset: u64) -> Result<Ifd> {
        let what = format!("the directory at byte {offset}");
        let n = self.numbers;
        self.check_range(&what, offset, n.count_size() as u64)?;
        let mut bytes = vec![0; (self.size() - offset).min(IFD_READ as u64) as usize];
        self.read_at(&what, offset, &mut bytes)?;
        let count = n.uint(&bytes[..n.count_size()]);
        let need = count
            .checked_mul(n.entry_size() as u64)
            .and_then(|s| s.checked_add((n.count_size() + n.offset_size()) as u64))
            .filter(|s| *s <= self.size() && count <= 65_535)
            .ok_or_else(|| self.corrupt(format!("{what} claims {count} entries")))?;
        if need > bytes.len() as u64 {
            self.read_into(&what, offset, need, &mut bytes)?;
        }
        Ifd::parse(n, offset, &bytes).ok_or_else(|| self.corrupt(format!("{what} is cut")))
    }

    /// Where the page `index` of the chain is described; `None` past the last.
    ///
    /// Walks no further than needed; what was walked is remembered.
    ///
    /// # Errors
    /// As [`TiffFile::ifd`]; [`Error::Corrupt`] when the chain runs in a circle.
    pub fn page_offset(&self, index: u64) -> Result<Option<u64>> {
        let mut chain = lock(&self.chain);
        while chain.offsets.len() as u64 <= index {
            let offset = chain.next;
            if offset == 0 {
                return Ok(None);
            }
            let pages = chain.offsets.len();
            if chain.seen.contains(&offset) {
                let what =
                    format!("the chain of pages returns to byte {offset} after page {pages}");
                return Err(self.corrupt(what));
            }
            if pages as u64 > self.most_pages() {
                return Err(self.corrupt(format!("more than the {pages} pages that can fit")));
            }
            let next = self.next_of(offset, pages)?;
            chain.seen.insert(offset);
            chain.offsets.push(offset);
            chain.next = next;
        }
        Ok(Some(chain.offsets[index as usize]))
    }

    /// Reads only where a directory says the next one is.
    fn next_of(&self, offset: u64, page: usize) -> Result<u64> {
        let what = format!("page {page} (its directory at byte {offset})");
        let n = self.numbers;
        let mut head = [0; 8];
        self.read_at(&what, offset, &mut head[..n.count_size()])?;
        let count = n.uint(&head[..n.count_size()]);
        let entries = count.checked_mul(n.entry_size() as u64).filter(|_| count <= 65_535);
        let at = entries
            .and_then(|s| s.checked_add(offset)?.checked_add(n.count_size() as u64))
            .ok_or_else(|| self.corrupt(format!("{what} claims {count} entries")))?;
        self.read_at(&what, at, &mut head[..n.offset_size()])?;
        Ok(n.uint(&head[..n.offset_size()]))
    }

    /// How many pages of the chain were walked so far.
    pub fn pages_walked(&self) -> u64 {
        lock(&self.chain).offsets.len() as u64
    }

    /// The page described at a byte, parsed once and then remembered.
    ///
    /// # Errors
    /// As [`Page::parse`].
    pub fn page(&self, offset: u64) -> Result<Arc<Page>> {
        if let Some(page) = lock(&self.pages).get(&offset) {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(Page::parse(self, &self.ifd(offset)?)?);
        let mut pages = lock(&self.pages);
        if pages.len() >= CACHED_PAGES {
            pages.clear();
        }
        pages.insert(offset, Arc::clone(&page));
        Ok(page)
    }

    /// The bytes of an entry's values `from..from + count`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for unknown types or more values than the file can hold;
    /// [`Error::Truncated`] when they lie past the end.
    pub fn values(&self, entry: &Entry, from: u64, count: u64) -> Result<Vec<u8>> {
        let absurd = || {
            let (n, kind, tag) = (entry.count, entry.kind, entry.tag);
            self.corrupt(format!("tag {tag} claims {n} values of type {kind}"))
        };
        let all = entry.size().filter(|s| *s <= self.size()).ok_or_else(absurd)?;
        let step = tag::type_size(entry.kind).ok_or_else(absurd)?;
        if from.checked_add(count).is_none_or(|end| end > entry.count) {
            return Err(absurd());
        }
        let (start, size) = (from * step, count * step);
        if all <= self.numbers.offset_size() as u64 {
            return Ok(entry.inline[start as usize..(start + size) as usize].to_vec());
        }
        let at = self.numbers.uint(&entry.inline[..self.numbers.offset_size()]);
        let what = format!("tag {}", entry.tag);
        self.check_range(&what, at, all)?;
        let mut out = vec![0; size as usize];
        self.read_at(&what, at + start, &mut out)?;
        Ok(out)
    }

    /// Unsigned values `from..from + count` of an entry.
    ///
    /// # Errors
    /// As [`TiffFile::values`], and [`Error::Corrupt`] for types that hold no unsigned integers.
    pub fn uints(&self, entry: &Entry, from: u64, count: u64) -> Result<Vec<u64>> {
        let step = match entry.kind {
            tag::BYTE | tag::UNDEFINED => 1,
            tag::SHORT => 2,
            tag::LONG | tag::IFD => 4,
            tag::LONG8 | tag::IFD8 => 8,
            kind => {
                let tag = entry.tag;
                return Err(self.corrupt(format!("tag {tag} has type {kind}, no whole numbers")));
            }
        };
        let bytes = self.values(entry, from, count)?;
        Ok(bytes.chunks_exact(step).map(|b| self.numbers.uint(b)).collect())
    }

    /// The first unsigned value of a tag, `None` where the tag is absent.
    ///
    /// # Errors
    /// As [`TiffFile::uints`].
    pub fn uint(&self, ifd: &Ifd, tag: u16) -> Result<Option<u64>> {
        match ifd.entry(tag) {
            Some(entry) if entry.count > 0 => Ok(self.uints(entry, 0, 1)?.first().copied()),
            _ => Ok(None),
        }
    }

    /// The first value of a tag that holds fractions, as numerator and denominator.
    ///
    /// # Errors
    /// As [`TiffFile::values`].
    pub fn rational(&self, ifd: &Ifd, tag: u16) -> Result<Option<(u32, u32)>> {
        let fractions = ifd.entry(tag).filter(|e| e.count > 0 && e.kind == tag::RATIONAL);
        let Some(entry) = fractions else { return Ok(None) };
        let bytes = self.values(entry, 0, 1)?;
        let part = |bytes: &[u8]| self.numbers.uint(bytes) as u32;
        Ok(Some((part(&bytes[..4]), part(&bytes[4..]))))
    }

    /// The first value of a rational or floating tag; `None` where it is absent or has no value.
    ///
    /// # Errors
    /// As [`TiffFile::values`].
    pub fn real(&self, ifd: &Ifd, tag: u16) -> Result<Option<f64>> {
        let Some(entry) = ifd.entry(tag).filter(|e| e.count > 0) else { return Ok(None) };
        let bytes = self.values(entry, 0, 1)?;
        let n = self.numbers;
        Ok(match entry.kind {
            tag::RATIONAL => {
                let (top, bottom) = (n.uint(&bytes[..4]) as f64, n.uint(&bytes[4..]) as f64);
                (bottom > 0.0).then(|| top / bottom)
            }
            tag::FLOAT => Some(f64::from(f32::from_bits(n.uint(&bytes) as u32))),
            tag::DOUBLE => Some(f64::from_bits(n.uint(&bytes))),
            tag::BYTE | tag::SHORT | tag::LONG | tag::LONG8 => Some(n.uint(&bytes) as f64),
            _ => None,
        })
    }

    /// All bytes of a tag; `None` where it is absent.
    ///
    /// # Errors
    /// As [`TiffFile::values`].
    pub fn raw(&self, ifd: &Ifd, tag: u16) -> Result<Option<Vec<u8>>> {
        ifd.entry(tag).map(|e| self.values(e, 0, e.count)).transpose()
    }

    /// A text without its trailing zeros: UTF-8, or Latin-1 where it is no UTF-8.
    ///
    /// # Errors
    /// As [`TiffFile::values`].
    pub fn text(&self, ifd: &Ifd, tag: u16) -> Result<Option<String>> {
        let Some(mut bytes) = self.raw(ifd, tag)? else { return Ok(None) };
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(Some(String::from_utf8(bytes).unwrap_or_else(|e| {
            // Latin-1 maps byte for byte to the first 256 characters.
            e.into_bytes().into_iter().map(char::from).collect()
        })))
    }
}

fn show(head: &[u8]) -> String {
    if head.is_empty() {
        return "0 bytes".to_owned();
    }
    let hex: Vec<_> = head.iter().take(8).map(|b| format!("{b:02X}")).collect();
    format!("begins with {}", hex.join(" "))
}
