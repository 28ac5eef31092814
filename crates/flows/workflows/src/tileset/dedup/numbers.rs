//! Lists of whole numbers in the work folder.

use std::path::Path;

use hooke_core::image::WrittenKey;
use hooke_io::Error;

/// Writes rows of `N` numbers, whole or not at all.
pub(super) fn write<const N: usize>(
    path: &Path,
    rows: impl Iterator<Item = [u64; N]>,
) -> Result<WrittenKey, Error> {
    let bytes: Vec<u8> = rows.flatten().flat_map(u64::to_le_bytes).collect();
    Ok(hooke_io::atomic::write_file(path, &[&bytes])?.named(""))
}

/// Reads them back.
pub(super) fn read<const N: usize>(path: &Path) -> Result<Vec<[u64; N]>, Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
    let (words, rest) = bytes.as_chunks::<8>();
    let numbers: Vec<u64> = words.iter().map(|w| u64::from_le_bytes(*w)).collect();
    let (rows, more) = numbers.as_chunks::<N>();
    match rest.is_empty() && more.is_empty() {
        true => Ok(rows.to_vec()),
        false => Err(Error::corrupt(path, format!("{} bytes are no rows of {N}", bytes.len()))),
    }
}
