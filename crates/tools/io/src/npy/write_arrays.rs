//! Arrays to an NPZ file, whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use hooke_core::{Axes, Pixels};
use zip::ZipWriter;

use super::Header;
use super::write_archive::options;
use crate::atomic::AtomicFile;
use crate::{Error, Result};

/// Writes arrays over these axes as an NPZ file, deflated, in this order.
///
/// Equal arrays give equal files: entries carry no time.
///
/// # Errors
/// [`Error::Io`] when the file cannot be written.
pub fn write_npz(target: &Path, axes: Axes, arrays: &[(&str, &Pixels)]) -> Result<()> {
    let mut file = AtomicFile::create(target)?;
    let fail = |e: std::io::Error| Error::io(target, "write", e);
    let mut archive = ZipWriter::new(BufWriter::new(file.file_mut()));
    let how = options(Some(6)).large_file(true);
    for (name, pixels) in arrays {
        let mut bytes = Header::write(pixels.dtype(), &axes.pick(&pixels.shape()));
        pixels.extend_le_bytes(&mut bytes);
        archive.start_file(format!("{name}.npy"), how).map_err(|e| fail(e.into()))?;
        archive.write_all(&bytes).map_err(fail)?;
    }
    let mut buffered = archive.finish().map_err(|e| fail(e.into()))?;
    buffered.flush().map_err(fail)?;
    drop(buffered);
    file.commit()?;
    Ok(())
}
