//! Arrays over `t, y, x` that the steps of a run leave for each other, in the work folder.

use std::ops::Range;

use hooke_core::image::{ImageSink, SourceError};
use hooke_core::pixels::Typed;
use hooke_core::{Axes, Dtype, ImageMeta, Pixels, Region};
use hooke_io::ome_zarr::{self, Compression, Levels, OmeZarrSink, WriteOptions};
use ndarray::{Array3, ArrayView3};

use crate::engine::WorkDir;

/// Frames, rows and columns, half-open.
pub(super) type Part = [Range<usize>; 3];

/// An array that is written and read in parts. What nobody wrote is 0.
///
/// It has chunks of a few rows over some frames, so that both blocks of rows with all frames and slabs of
/// whole frames are read without much beside them.
pub(super) struct WorkArray {
    sink: OmeZarrSink,
    /// Frames of a chunk: slabs that are written are made of these.
    frames: usize,
    shape: [usize; 3],
}

/// Rows of a chunk.
const ROWS: usize = 16;
/// Frames of a chunk, and most of them in a long movie.
const FRAMES: [usize; 2] = [32, 2048];
/// Chunks along time that are aimed at.
const CHUNKS: usize = 64;

impl WorkArray {
    /// Frames of a chunk of an array of so many.
    pub fn chunk_frames(frames: usize) -> usize {
        frames.div_ceil(CHUNKS).clamp(FRAMES[0], FRAMES[1]).next_multiple_of(FRAMES[0])
    }

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
        let path = work.private("arrays")?.join(format!("{name}.zarr"));
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(|e| hooke_io::Error::io(&path, "remove", e))?;
        }
        let [t, y, x] = shape.map(|n| n as u64);
        // Frames as planes of one volume.
        let meta = ImageMeta::new(name, Axes::of(&[]), [1, 1, t.max(1), y.max(1), x.max(1)], dtype);
        let axes = Axes::parse("zyx").unwrap_or(Axes::TCZYX);
        let meta = ImageMeta { axes, ..meta };
        let how = WriteOptions {
            chunk: Some([Self::chunk_frames(shape[0]) as u64, ROWS as u64, x.max(1)]),
            unsharded: true,
            compression: Some(Compression::Zstd(1)),
            levels: Levels::Count(1),
            ..WriteOptions::default()
        };
        ome_zarr::create(&path, &meta, &how)?;
        WorkArray::open(work, name, shape)
    }

    /// An array that an earlier step made.
    ///
    /// # Errors
    /// When it is not there.
    pub fn open(work: &WorkDir, name: &str, shape: [usize; 3]) -> Result<WorkArray, SourceError> {
        let path = work.private("arrays")?.join(format!("{name}.zarr"));
        let sink = ome_zarr::open_for_write(&path)?;
        Ok(WorkArray { sink, frames: Self::chunk_frames(shape[0]), shape })
    }

    /// Writes a part, made of whole chunks but at the ends of the array.
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

    /// Slabs of whole frames, as many chunks each as fit.
    pub fn slabs(&self, bytes_per_frame: u64, bytes: u64) -> Vec<Range<usize>> {
        let fit = (bytes / bytes_per_frame.max(1)) as usize / self.frames * self.frames;
        cut(self.shape[0], fit.max(self.frames))
    }
}

/// A length in pieces.
pub(super) fn cut(length: usize, piece: usize) -> Vec<Range<usize>> {
    (0..length.div_ceil(piece.max(1))).map(|i| i * piece..((i + 1) * piece).min(length)).collect()
}

/// Blocks of whole rows with all frames: as many rows, in steps of a chunk's, as fit with `halo` rows beside.
pub(super) fn row_blocks(
    shape: [usize; 3],
    halo: usize,
    per_sample: u64,
    bytes: u64,
) -> Vec<Range<usize>> {
    let [t, y, x] = shape;
    let row = (t * x) as u64 * per_sample;
    let fit = ((bytes / row.max(1)) as usize).saturating_sub(2 * halo) / ROWS * ROWS;
    cut(y, fit.max(ROWS))
}

fn region(part: &Part) -> Region {
    let start = part.clone().map(|r| r.start as u64);
    let shape = part.clone().map(|r| r.len() as u64);
    Region::new([0, 0, start[0], start[1], start[2]], [1, 1, shape[0], shape[1], shape[2]])
}
