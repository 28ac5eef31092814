//! Headers and image file directories, classic and Big, in both byte orders.

use super::tag;

/// How the numbers of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// BigTIFF: 64-bit offsets and counts.
    pub big: bool,
    /// `MM`: most significant byte first.
    pub big_endian: bool,
}

impl Numbers {
    /// Reads up to eight bytes as one unsigned number.
    pub fn uint(self, bytes: &[u8]) -> u64 {
        let join = |n: u64, b: &u8| (n << 8) | u64::from(*b);
        if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }

    /// Bytes of an offset.
    pub fn offset_size(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Bytes of a directory's entry count.
    pub fn count_size(self) -> usize {
        if self.big { 8 } else { 2 }
    }

    /// Bytes of one entry.
    pub fn entry_size(self) -> usize {
        if self.big { 20 } else { 12 }
    }
}

/// Reads the header: how numbers are written, and where the first directory is.
///
/// `None` when the bytes are no TIFF header.
pub fn read_header(bytes: &[u8]) -> Option<(Numbers, u64)> {
    let big_endian = match bytes.get(..2)? {
        b"II" => false,
        b"MM" => true,
        _ => return None,
    };
    let numbers = Numbers { big: false, big_endian };
    match numbers.uint(bytes.get(2..4)?) {
        42 => Some((numbers, numbers.uint(bytes.get(4..8)?))),
        43 => {
            let eight = numbers.uint(bytes.get(4..6)?) == 8 && numbers.uint(bytes.get(6..8)?) == 0;
            let first = numbers.uint(bytes.get(8..16)?);
            eight.then_some((Numbers { big: true, big_endian }, first))
        }
        _ => None,
    }
}

/// One entry of a directory.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The tag.
    pub tag: u16,
    /// The type of the values.
    pub kind: u16,
    /// Number of values.
    pub count: u64,
    /// The values themselves where they fit, else their offset.
    pub inline: [u8; 8],
}

impl Entry {
    /// Bytes of all values; `None` for unknown types or an overflow.
    pub fn size(&self) -> Option<u64> {
        tag::type_size(self.kind)?.checked_mul(self.count)
    }
}

/// A directory: the description of one page.
#[derive(Debug, Clone)]
pub struct Ifd {
    /// Where it begins.
    pub offset: u64,
    /// Its entries in stored order.
    pub entries: Vec<Entry>,
    /// Where the next directory begins; 0 at the end of the chain.
    pub next: u64,
}

impl Ifd {
    /// The entry of a tag, the first where it stands twice.
    pub fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|e| e.tag == tag)
    }

    /// Reads a directory from its bytes: entry count, entries, offset of the next.
    ///
    /// `None` when `bytes` are too short.
    pub fn parse(numbers: Numbers, offset: u64, bytes: &[u8]) -> Option<Ifd> {
        let at = numbers.count_size();
        let count = usize::try_from(numbers.uint(bytes.get(..at)?)).ok()?;
        let end = count.checked_mul(numbers.entry_size())?.checked_add(at)?;
        let entries = bytes.get(at..end)?.chunks_exact(numbers.entry_size());
        let next = bytes.get(end..end.checked_add(numbers.offset_size())?)?;
        Some(Ifd {
            offset,
            entries: entries.map(|e| parse_entry(numbers, e)).collect(),
            next: numbers.uint(next),
        })
    }
}

fn parse_entry(numbers: Numbers, bytes: &[u8]) -> Entry {
    let (count, value) = bytes[4..].split_at(numbers.offset_size());
    let mut inline = [0; 8];
    inline[..value.len()].copy_from_slice(value);
    Entry {
        tag: numbers.uint(&bytes[..2]) as u16,
        kind: numbers.uint(&bytes[2..4]) as u16,
        count: numbers.uint(count),
        inline,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_byte_orders_and_both_sizes_are_known() {
        let (n, first) = read_header(b"II*\0\x08\0\0\0").unwrap();
        assert_eq!((n.big, n.big_endian, first), (false, false, 8));
        let (n, first) = read_header(b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10").unwrap();
        assert_eq!((n.big, n.big_endian, first), (true, true, 16));
        assert!(read_header(b"II*").is_none());
        assert!(read_header(b"II+\0\x04\0\0\0\0\0\0\0\0\0\0\0").is_none());
    }

    #[test]
    fn a_directory_that_is_cut_is_none() {
        let n = Numbers { big: false, big_endian: false };
        let mut bytes = vec![1, 0, 0, 1, 3, 0, 1, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0];
        let ifd = Ifd::parse(n, 8, &bytes).unwrap();
        assert_eq!((ifd.entries[0].tag, ifd.next), (256, 9));
        bytes.pop();
        assert!(Ifd::parse(n, 8, &bytes).is_none());
    }
}
