//! Arrays over `t, y, x` that the steps of a run leave for each other, in the work folder.

use std::ops::Range;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::{Axes, Dtype, ImageMeta, Pixels, Region};
use hooke_io::npy::NpySink;
use ndarray::{Array3, ArrayView3};

use crate::engine::WorkDir;

/// Frames, rows and columns, half-open.
pub(super) type Part = [Range<usize>; 3];

/// An array that is written and read in parts. What nobody wrote is 0.
///
/// It is one file of plain samples, so that blocks of rows with all frames and slabs of whole frames are
/// both read without anything beside them.
pub(super) struct WorkArray {
    sink: NpySink,
    shape: [usize; 3],
}

impl WorkArray {
    /// Begins an array; an earlier one of this name goes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(
        work: &WorkDir,
        name: &str,
        shape: [usize; 3],
        dtype: Dtype,
    ) -> Result<WorkArray, SourceError> {
        let path = work.private("arrays")?.join(format!("{name}.npy"));
        Ok(WorkArray { sink: NpySink::create(&path, &meta(name, shape, dtype))?, shape })
    }

    /// An array that an earlier step made.
    ///
    /// # Errors
    /// When it is not there, or of another shape or type.
    pub fn open(
        work: &WorkDir,
        name: &str,
        shape: [usize; 3],
        dtype: Dtype,
    ) -> Result<WorkArray, SourceError> {
        let path = work.private("arrays")?.join(format!("{name}.npy"));
        Ok(WorkArray { sink: NpySink::resume(&path, &meta(name, shape, dtype))?, shape })
    }

    /// Gives back the room of an array that no later step reads.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(work: &WorkDir, name: &str) -> Result<(), SourceError> {
        let path = work.private("arrays")?.join(format!("{name}.npy.part"));
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(hooke_io::Error::io(&path, "remove", e).into())
            }
            _ => Ok(()),
        }
    }

    /// Writes a part.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write<T: Typed>(
        &self,
        part: &Part,
        values: ArrayView3<'_, T>,
    ) -> Result<(), SourceError> {
        let region = region(part);
        let samples: Vec<T> = values.iter().copied().collect();
        self.sink.write(0, &region, &Pixels::from_vec(region.shape, samples))?;
        Ok(())
    }

    /// Reads a part.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read<T: Typed>(&self, part: &Part) -> Result<Array3<T>, SourceError> {
        let mut pixels = Pixels::zeros(T::DTYPE, [0; 5]);
        self.sink.read_back(0, &region(part), &mut pixels)?;
        let samples = pixels.into_vec::<T>().ok_or("an array of another type")?;
        let shape = part.clone().map(|r| r.len());
        Ok(Array3::from_shape_vec(shape, samples)?)
    }

    /// Slabs of whole frames, as many each as fit.
    pub fn slabs(&self, bytes_per_frame: u64, bytes: u64) -> Vec<Range<usize>> {
        cut(self.shape[0], ((bytes / bytes_per_frame.max(1)) as usize).clamp(1, SLAB))
    }
}

/// Most frames of a slab.
const SLAB: usize = 256;

fn meta(name: &str, shape: [usize; 3], dtype: Dtype) -> ImageMeta {
    let [t, y, x] = shape.map(|n| n.max(1) as u64);
    let axes = Axes::parse("tyx").unwrap_or(Axes::TCZYX);
    ImageMeta::new(name, axes, [t, 1, 1, y, x], dtype)
}

/// A length in pieces.
pub(super) fn cut(length: usize, piece: usize) -> Vec<Range<usize>> {
    (0..length.div_ceil(piece.max(1))).map(|i| i * piece..((i + 1) * piece).min(length)).collect()
}

/// Bytes of one row with all its frames, and `halo` rows on either side.
pub(super) fn row_bytes(shape: [usize; 3], halo: usize, per_sample: u64) -> u64 {
    let [t, y, x] = shape;
    (1 + 2 * halo).min(y.max(1)) as u64 * (t * x) as u64 * per_sample
}

/// Blocks of whole rows with all frames: as many rows as fit with `halo` rows beside, at least one.
pub(super) fn row_blocks(
    shape: [usize; 3],
    halo: usize,
    per_sample: u64,
    bytes: u64,
) -> Vec<Range<usize>> {
    let row = row_bytes(shape, 0, per_sample);
    let fit = ((bytes / row.max(1)) as usize).saturating_sub(2 * halo);
    cut(shape[1], fit.max(1))
}

fn region(part: &Part) -> Region {
    let [t, y, x] = part.clone().map(|r| (r.start as u64, r.len() as u64));
    Region::new([t.0, 0, 0, y.0, x.0], [t.1, 1, 1, y.1, x.1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_rows_and_fit() {
        for (bytes, halo) in [(1 << 30, 2), (400_000, 2), (130_000, 0), (1, 5)] {
            let blocks = row_blocks([300, 70, 80], halo, 4, bytes);
            assert_eq!(blocks.iter().map(Range::len).sum::<usize>(), 70);
            assert!(blocks.windows(2).all(|w| w[0].end == w[1].start));
            let largest = blocks.iter().map(Range::len).max().unwrap_or(0);
            let taken = ((largest + 2 * halo) * 300 * 80 * 4) as u64;
            assert!(largest == 1 || taken <= bytes, "{largest} rows of {bytes} bytes");
        }
        assert_eq!(row_bytes([10, 3, 5], 4, 4), 3 * 50 * 4);
    }
}
