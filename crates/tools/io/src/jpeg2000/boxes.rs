//! The boxes of a JP2 file (ISO/IEC 15444-1, annex I), as far as they lead to the code stream.

use std::path::Path;

use super::header::START;
use crate::positional::ReadAt;
use crate::{Error, Result};

/// The first bytes of every JP2 and JPH file.
pub(super) const SIGNATURE: &[u8] = b"\0\0\0\x0cjP  \r\n\x87\n";
/// Boxes before the code stream beyond this are damage.
const MOST_BOXES: usize = 10_000;

/// Byte of the code stream and its length, cut at the end of the file.
///
/// # Errors
/// [`Error::Truncated`] when the code stream ends behind the file, but not with `rescue`;
/// [`Error::Unsupported`] for colours from a palette; [`Error::Corrupt`] without a code stream.
pub(super) fn find(path: &Path, file: &dyn ReadAt, rescue: bool) -> Result<(u64, u64)> {
    let size = file.size();
    let read = |at: u64, out: &mut [u8]| {
        file.read_at(out, at).map_err(|e| Error::io(path, format!("read the box at {at}"), e))
    };
    let mut head = [0; 4];
    if size >= 4 {
        read(0, &mut head)?;
    }
    if head == START {
        return Ok((0, size));
    }
    let mut at = SIGNATURE.len() as u64;
    for _ in 0..MOST_BOXES {
        if size.saturating_sub(at) < 8 {
            break;
        }
        let mut bytes = [0; 16];
        let found = (size - at).min(16) as usize;
        read(at, &mut bytes[..found])?;
        let (head, length) = match number(&bytes[..4]) {
            0 => (8, size - at),
            1 if found == 16 => (16, number(&bytes[8..])),
            n => (8, n),
        };
        let name = &bytes[4..8];
        let next = at.checked_add(length).filter(|_| length >= head);
        let Some(next) = next else {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(Error::corrupt(
                path,
                format!("box `{name}` at byte {at} of {length} bytes"),
            ));
        };
        match name {
            b"jp2c" if next > size && !rescue => {
                return Err(Error::Truncated {
                    path: path.to_owned(),
                    what: "the code stream".to_owned(),
                    expected: next,
                    found: size,
                });
            }
            b"jp2c" => return Ok((at + head, next.min(size) - at - head)),
            b"pclr" => {
                let hint = "save it as grey or RGB without a palette";
                return Err(Error::unsupported(path, "JPEG 2000 with a palette of colours", hint));
            }
            // What is inside matters.
            b"jp2h" => at += head,
            _ => at = next,
        }
    }
    Err(Error::corrupt(path, "no code stream (box `jp2c`)"))
}

/// A number, most significant byte first.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}
