//! Directories: entries sorted by tag, values inline or behind, classic and Big, little-endian.

use std::fs::File;
use std::io;

use super::store::LevelStore;
use crate::positional::write_file_at;
use crate::tiff::ifd::Numbers;
use crate::tiff::layout::Predictor;
use crate::tiff::tag;

/// Directories are written out when they have grown to this.
const BUFFER: usize = 4 << 20;

/// The values of a tag.
#[derive(Debug, Clone)]
pub enum Value {
    /// Bytes of a given type.
    Bytes(u16, Vec<u8>),
    /// 16-bit numbers.
    Short(Vec<u16>),
    /// Numbers of 32 bits, or 64 in BigTIFF: sizes and offsets.
    Long(Vec<u64>),
    /// 32-bit numbers, in BigTIFF too.
    Word(Vec<u32>),
    /// Fractions.
    Rational(Vec<(u32, u32)>),
}

impl Value {
    /// A text with its final zero.
    pub fn text(text: &str) -> Value {
        Value::Bytes(2, text.bytes().chain([0]).collect())
    }

    /// Type, count and bytes.
    fn encode(&self, numbers: Numbers) -> (u16, u64, Vec<u8>) {
        match self {
            Value::Bytes(kind, bytes) => (*kind, bytes.len() as u64, bytes.clone()),
            Value::Short(v) => {
                (tag::SHORT, v.len() as u64, v.iter().flat_map(|n| n.to_le_bytes()).collect())
            }
            Value::Word(v) => {
                (tag::LONG, v.len() as u64, v.iter().flat_map(|n| n.to_le_bytes()).collect())
            }
            Value::Long(v) if numbers.big => {
                (tag::LONG8, v.len() as u64, v.iter().flat_map(|n| n.to_le_bytes()).collect())
            }
            Value::Long(v) => {
                let bytes = v.iter().flat_map(|n| (*n as u32).to_le_bytes()).collect();
                (tag::LONG, v.len() as u64, bytes)
            }
            Value::Rational(v) => {
                let both = |(a, b): &(u32, u32)| [a.to_le_bytes(), b.to_le_bytes()].concat();
                (tag::RATIONAL, v.len() as u64, v.iter().flat_map(both).collect())
            }
        }
    }
}

/// Entries of a directory, by tag.
pub type Entries = std::collections::BTreeMap<u16, Value>;

/// Directories that follow each other, each with the pointer to the next, written a few at a time.
pub struct ChainWriter<'a> {
    file: &'a File,
    numbers: Numbers,
    /// Where `out` begins in the file.
    base: u64,
    out: Vec<u8>,
    /// Where in `out` the last page's pointer is.
    pointer: Option<usize>,
    /// Where in the file the pointer of a page is that stands already.
    link: Option<u64>,
    first: Option<u64>,
}

impl<'a> ChainWriter<'a> {
    /// Begins at or after byte `end`; `link` is the pointer of a directory that stands already.
    pub fn new(file: &'a File, numbers: Numbers, end: u64, link: Option<u64>) -> ChainWriter<'a> {
        let base = end.next_multiple_of(2);
        ChainWriter { file, numbers, base, out: Vec::new(), pointer: None, link, first: None }
    }

    /// The first byte behind the directories so far.
    pub fn end(&self) -> u64 {
        self.base + self.out.len() as u64
    }

    /// Appends a directory outside the chain and returns where it is.
    pub fn append_sub(&mut self, entries: &Entries) -> u64 {
        append(&mut self.out, self.base, self.numbers, entries).0
    }

    /// Appends the next directory of the chain.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append_page(&mut self, entries: &Entries) -> io::Result<()> {
        let (offset, next) = append(&mut self.out, self.base, self.numbers, entries);
        let room = self.numbers.offset_size();
        let bytes = &offset.to_le_bytes()[..room];
        match (self.pointer, self.link) {
            (Some(at), _) => self.out[at..at + room].copy_from_slice(bytes),
            (None, Some(link)) => write_file_at(self.file, bytes, link)?,
            (None, None) => {}
        }
        self.first.get_or_insert(offset);
        self.pointer = Some(next);
        if self.out.len() > BUFFER {
            // All but the last page, whose pointer is still open.
            let done = (offset - self.base) as usize;
            write_file_at(self.file, &self.out[..done], self.base)?;
            self.out.drain(..done);
            self.base += done as u64;
            self.pointer = Some(next - done);
        }
        Ok(())
    }

    /// Writes the rest; returns where the first directory is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<u64> {
        write_file_at(self.file, &self.out, self.base)?;
        Ok(self.first.unwrap_or(0))
    }
}

/// Appends a directory that will lie at `base + out.len()`, with its values behind it.
///
/// Returns where the directory begins, and where in `out` its pointer to the next one is.
pub fn append(out: &mut Vec<u8>, base: u64, numbers: Numbers, entries: &Entries) -> (u64, usize) {
    if !(base + out.len() as u64).is_multiple_of(2) {
        out.push(0);
    }
    let offset = base + out.len() as u64;
    let (count, room) = (entries.len() as u64, numbers.offset_size());
    let length = numbers.count_size() + entries.len() * numbers.entry_size() + room;
    let mut behind = offset + length as u64;
    let mut values = Vec::new();
    out.extend_from_slice(&count.to_le_bytes()[..numbers.count_size()]);
    for (tag, value) in entries {
        let (kind, count, mut bytes) = value.encode(numbers);
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes()[..room]);
        if bytes.len() <= room {
            bytes.resize(room, 0);
            out.extend_from_slice(&bytes);
        } else {
            out.extend_from_slice(&behind.to_le_bytes()[..room]);
            if !bytes.len().is_multiple_of(2) {
                bytes.push(0);
            }
            behind += bytes.len() as u64;
            values.extend_from_slice(&bytes);
        }
    }
    let next = out.len();
    out.extend_from_slice(&[0; 8][..room]);
    out.extend_from_slice(&values);
    (offset, next)
}

/// The entries that describe the pixels of a plane.
pub fn of_plane(store: &LevelStore, plane: [u64; 3], reduced: bool) -> Entries {
    let layout = &store.layout;
    let (offsets, sizes): (Vec<u64>, Vec<u64>) = store.plane_chunks(plane).into_iter().unzip();
    let short = |n: u64| Value::Short(vec![n as u16]);
    let format = match (layout.dtype.is_float(), layout.dtype.is_signed()) {
        (true, _) => 3,
        (_, true) => 2,
        _ => 1,
    };
    let mut entries = Entries::from([
        (tag::NEW_SUBFILE_TYPE, Value::Word(vec![u32::from(reduced)])),
        (tag::IMAGE_WIDTH, Value::Word(vec![layout.width as u32])),
        (tag::IMAGE_LENGTH, Value::Word(vec![layout.height as u32])),
        (tag::BITS_PER_SAMPLE, short(layout.bits())),
        (tag::COMPRESSION, short(layout.codec.number().into())),
        (tag::PHOTOMETRIC, short(1)),
        (tag::SAMPLES_PER_PIXEL, short(1)),
        (tag::SAMPLE_FORMAT, short(format)),
    ]);
    if layout.predictor == Predictor::Horizontal {
        entries.insert(tag::PREDICTOR, short(2));
    }
    if layout.tiled {
        entries.insert(tag::TILE_WIDTH, Value::Word(vec![layout.chunk[1] as u32]));
        entries.insert(tag::TILE_LENGTH, Value::Word(vec![layout.chunk[0] as u32]));
        entries.insert(tag::TILE_OFFSETS, Value::Long(offsets));
        entries.insert(tag::TILE_BYTE_COUNTS, Value::Long(sizes));
    } else {
        entries.insert(tag::ROWS_PER_STRIP, Value::Word(vec![layout.chunk[0] as u32]));
        entries.insert(tag::STRIP_OFFSETS, Value::Long(offsets));
        entries.insert(tag::STRIP_BYTE_COUNTS, Value::Long(sizes));
    }
    entries
}

/// Adds the resolution: pixels per `unit_um` along y and x, with the number of the unit.
pub fn add_resolution(entries: &mut Entries, pixel_um: [Option<f64>; 2], unit_um: f64, unit: u16) {
    let [y, x] = pixel_um.map(|p| p.and_then(|p| fraction(unit_um / p)));
    let pairs = [(tag::Y_RESOLUTION, y), (tag::X_RESOLUTION, x)];
    for (tag, value) in pairs {
        if let Some(value) = value {
            entries.insert(tag, Value::Rational(vec![value]));
        }
    }
    let unit = if y.or(x).is_some() { unit } else { 1 };
    entries.insert(tag::RESOLUTION_UNIT, Value::Short(vec![unit]));
}

/// The simplest fraction within 1e-12 of a positive number (by its continued fraction), or the
/// nearest that fits 32 bits; `None` for numbers that do not.
fn fraction(value: f64) -> Option<(u32, u32)> {
    const LARGEST: f64 = u32::MAX as f64;
    if !(value.is_finite() && value > 1.0 / LARGEST && value < LARGEST) {
        return None;
    }
    let (mut before, mut best) = ((1.0, 0.0), (value.floor(), 1.0));
    let mut rest = value;
    for _ in 0..64 {
        let error = (best.0 / best.1 - value).abs();
        if best.0 > 0.0 && error <= 1e-12 * value {
            break;
        }
        let part = rest - rest.floor();
        if part <= 0.0 {
            break;
        }
        rest = 1.0 / part;
        let whole = rest.floor();
        let next = (whole * best.0 + before.0, whole * best.1 + before.1);
        if next.0 > LARGEST || next.1 > LARGEST {
            break;
        }
        (before, best) = (best, next);
    }
    (best.0 >= 1.0).then_some((best.0 as u32, best.1 as u32))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fractions_are_simple_where_they_can_be() {
        assert_eq!(fraction(1e4 / 0.65), Some((200_000, 13)));
        assert_eq!(fraction(2.0), Some((2, 1)));
        assert_eq!(fraction(0.5), Some((1, 2)));
        assert_eq!(fraction(0.0), None);
        for value in [std::f64::consts::PI, 1e4 / 0.1083, 1e-5 / 3.0, 3e8 / 7.0, 1.0 / 1.3668] {
            let (a, b) = fraction(value).unwrap();
            assert!(
                (f64::from(a) / f64::from(b) - value).abs() <= 1e-9 * value,
                "{value}: {a}/{b}"
            );
        }
    }
}
