//! The header of an NPY file, versions 1 to 3.

use std::io::Read;
use std::path::Path;

use hooke_core::Dtype;

use super::literal::{Descr, Literal, Stated};
use crate::strided::RawSample;
use crate::{Error, Result};

/// The first bytes of every NPY file.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header that is read; numpy's own limit for files that are not trusted is 10,000.
const LONGEST: u32 = 1 << 20;

/// What the header of an NPY file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How samples are stored.
    pub sample: RawSample,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// Whether the first dimension is the fastest in the file.
    pub fortran_order: bool,
    /// Lengths as numpy gives them, slowest first in C order.
    pub shape: Vec<u64>,
    /// Byte of the first sample.
    pub data_offset: u64,
}

impl Header {
    /// Reads the header from the beginning of a file.
    ///
    /// # Errors
    /// [`Error::Unrecognised`] without the magic bytes, [`Error::Truncated`] when the header is
    /// cut, [`Error::Corrupt`] when it is not the dictionary numpy writes, [`Error::Unsupported`]
    /// for types that are not numbers.
    pub fn read(path: &Path, file: &mut impl Read) -> Result<Header> {
        let (Stated { descr, fortran_order, shape }, data_offset) = Header::stated(path, file)?;
        let what = match descr {
            Descr::Sample(sample, big_endian) => {
                return Ok(Header { sample, big_endian, fortran_order, shape, data_offset });
            }
            Descr::Fields(_) => "a structured NPY array".to_owned(),
            Descr::Text { name, .. } | Descr::Object { name } | Descr::Other { name } => {
                format!("NPY samples of type `{name}`")
            }
        };
        Err(Error::unsupported(path, what, "convert it in numpy"))
    }

    /// What the header says whatever the type of the array, and where its data begin.
    pub(super) fn stated(path: &Path, file: &mut impl Read) -> Result<(Stated, u64)> {
        let mut head = [0; 8];
        let mut have = 0;
        let mut take = |buffer: &mut [u8], what: &str| {
            let found = read_up_to(file, buffer).map_err(|e| Error::io(path, "read", e))?;
            have += found as u64;
            if found == buffer.len() {
                return Ok(have);
            }
            let expected = have - found as u64 + buffer.len() as u64;
            let what = what.to_owned();
            Err(Error::Truncated { path: path.to_owned(), what, expected, found: have })
        };
        take(&mut head, "NPY header")?;
        if !head.starts_with(MAGIC) {
            let found = "does not begin with \\x93NUMPY".to_owned();
            return Err(Error::Unrecognised { path: path.to_owned(), found });
        }
        let wide = match head[6] {
            1 => false,
            2 | 3 => true,
            v => return Err(Error::unsupported(path, format!("NPY version {v}"), "")),
        };
        let mut length = [0; 4];
        take(&mut length[..if wide { 4 } else { 2 }], "NPY header")?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            return Err(Error::corrupt(path, format!("NPY header of {length} bytes")));
        }
        let mut text = vec![0; length as usize];
        let data_offset = take(&mut text, "NPY header")?;
        let text = String::from_utf8_lossy(&text);
        Literal::new(path, &text).read().map(|stated| (stated, data_offset))
    }

    /// The header of version 1 for a little-endian array in C order, padded to 64 bytes.
    ///
    /// # Panics
    /// When so many lengths are given that they fill 64 KiB.
    pub fn write(dtype: Dtype, shape: &[u64]) -> Vec<u8> {
        let kind = match dtype {
            d if d.is_float() => 'f',
            d if d.is_signed() => 'i',
            _ => 'u',
        };
        let order = if dtype.size() == 1 { '|' } else { '<' };
        Header::of_type(&format!("{order}{kind}{}", dtype.size()), shape)
    }

    /// The same for any of numpy's types.
    pub(crate) fn of_type(descr: &str, shape: &[u64]) -> Vec<u8> {
        Header::of_descr(&format!("'{descr}'"), shape)
    }

    /// The same for records, whose fields are given as numpy writes them.
    pub(crate) fn of_fields(fields: &str, rows: u64) -> Vec<u8> {
        Header::of_descr(&format!("[{fields}]"), &[rows])
    }

    fn of_descr(descr: &str, shape: &[u64]) -> Vec<u8> {
        let mut lengths = String::new();
        for n in shape {
            lengths.push_str(&format!("{n}, "));
        }
        let lengths =
            if shape.len() == 1 { lengths.trim_end() } else { lengths.trim_end_matches(", ") };
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({lengths}), }}");
        let total = (MAGIC.len() + 4 + text.len() + 1).next_multiple_of(64);
        let padding = total - (MAGIC.len() + 4 + text.len() + 1);
        let mut out = MAGIC.to_vec();
        out.extend([1, 0]);
        let length = u16::try_from(text.len() + padding + 1).expect("at most five lengths");
        out.extend(length.to_le_bytes());
        out.extend(text.bytes());
        out.extend(std::iter::repeat_n(b' ', padding));
        out.push(b'\n');
        out
    }
}

/// An NPY file of one text, as numpy writes `np.array("zyx")`.
pub(crate) fn write_text(text: &str) -> Vec<u8> {
    let mut bytes = Header::of_type(&format!("<U{}", text.chars().count()), &[]);
    bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
    bytes
}

/// The text of such a file; `None` for anything else.
pub(super) fn read_text(bytes: &[u8]) -> Option<String> {
    let length = u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?) as usize;
    let header = std::str::from_utf8(bytes.get(10..10 + length)?).ok()?;
    let big_endian = header.contains("'>U");
    if !bytes.starts_with(MAGIC) || !(big_endian || header.contains("'<U")) {
        return None;
    }
    let read = |c: &[u8; 4]| {
        char::from_u32(if big_endian { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) })
    };
    let text: String =
        bytes[10 + length..].as_chunks().0.iter().map(read).collect::<Option<_>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}

fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Result<Header> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        Header::read(Path::new("a.npy"), &mut bytes.as_slice())
    }

    #[test]
    fn what_is_written_is_read() {
        for shape in [vec![7], vec![3, 4], vec![1, 2, 3, 4, 5]] {
            for dtype in Dtype::ALL {
                let bytes = Header::write(dtype, &shape);
                assert_eq!(bytes.len() % 64, 0);
                let header = Header::read(Path::new("a"), &mut bytes.as_slice()).unwrap();
                assert_eq!(header.sample, RawSample::Native(dtype));
                assert_eq!((header.shape, header.data_offset), (shape.clone(), bytes.len() as u64));
            }
        }
    }

    #[test]
    fn a_text_survives() {
        assert_eq!(read_text(&write_text("tczyx")).unwrap(), "tczyx");
        assert_eq!(read_text(&write_text("")).unwrap(), "");
        assert_eq!(read_text(&Header::write(Dtype::Uint8, &[3])), None);
        assert_eq!(read_text(&write_text("zyx")[..20]), None);
    }

    #[test]
    fn keys_may_come_in_any_order_and_bad_ones_are_named() {
        let header =
            parse("{'shape': (3L, 4), \"fortran_order\": True, 'descr': '>f2'}  \n").unwrap();
        assert_eq!((header.sample, header.big_endian), (RawSample::Half, true));
        assert!(header.fortran_order);
        let message = |text| parse(text).unwrap_err().to_string();
        assert!(message("{'descr': '<c8', 'fortran_order': False, 'shape': ()}").contains("`<c8`"));
        assert!(
            message("{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (3,)}")
                .contains("structured")
        );
        assert!(message("{'descr': '<f4'}").contains("missing"));
        assert!(message("{'descr': '<f4', 'shape': (1, -2)}").contains("shape"));
        assert!(message("{'descr': '<f4").contains("not closed"));
    }

    #[test]
    fn a_cut_header_says_how_much_is_there() {
        let bytes = Header::write(Dtype::Uint8, &[2, 2]);
        let error = Header::read(Path::new("a.npy"), &mut &bytes[..50]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.npy: truncated: NPY header needs 128 bytes, the file has 50"
        );
    }
}
