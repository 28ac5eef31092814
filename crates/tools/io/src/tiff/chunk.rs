//! Reading the rows of one chunk row: from the file through the codec into typed samples.

use std::ops::Range;

use hooke_core::Pixels;
use hooke_core::pixels::Typed;

use super::decompress::decompress;
use super::layout::{Codec, Layout, Predictor, Stored};
use super::page::Page;
use super::planes::Plane;
use super::predictor::{undo_float, undo_horizontal};
use super::samples::read_row;
use crate::Result;

/// Raw rows are read in steps of about this many bytes, which stay in the cache.
const RAW_STEP: u64 = 1 << 20;
/// A gap of this many bytes costs less to read over than a second call costs.
const GAP: u64 = 16 << 10;
/// Buffers that grew beyond this are given back.
const KEPT: usize = 64 << 20;

/// Where the rows of one sample (channel) go, in C order.
pub struct Target<'a, T> {
    /// Which of the page's samples.
    pub sample: u64,
    /// `rows x columns` of the band.
    pub out: &'a mut [T],
}

/// Buffers of a thread, reused between chunks.
#[derive(Default)]
pub struct Scratch {
    packed: Vec<u8>,
    decoded: Vec<u8>,
    row: Vec<u8>,
}

impl Scratch {
    /// Gives back buffers that an unusual chunk made huge.
    pub fn shrink(&mut self) {
        for buffer in [&mut self.packed, &mut self.decoded] {
            if buffer.capacity() > KEPT {
                *buffer = Vec::new();
            }
        }
    }
}

/// Where a chunk is in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    index: u64,
    offset: u64,
    size: u64,
}

/// Reads rows that lie in one row of chunks, over the given columns, into every target.
///
/// # Errors
/// When a chunk is cut, does not decode, or promises more than its bytes can hold.
pub fn read_band<T: Typed>(
    plane: &Plane,
    rows: Range<u64>,
    columns: Range<u64>,
    targets: &mut [Target<'_, T>],
    scratch: &mut Scratch,
) -> Result<()> {
    let layout = &plane.page.layout;
    let [down, across] = layout.chunks();
    let first = columns.start / layout.chunk[1];
    let count = (columns.end - 1) / layout.chunk[1] - first + 1;
    let row = rows.start / layout.chunk[0] * across;
    let groups: Vec<&mut [Target<'_, T>]> =
        if layout.planar { targets.chunks_mut(1).collect() } else { vec![targets] };
    for group in groups {
        let base = if layout.planar { group[0].sample * down * across } else { 0 };
        let places = places(plane, base + row + first, count)?;
        for (k, place) in (first..).zip(places) {
            let left = k * layout.chunk[1];
            let chunk = left..(left + layout.chunk[1]);
            let part = columns.start.max(chunk.start)..columns.end.min(chunk.end);
            let origin = columns.start;
            let window = Window { plane, place, rows: rows.clone(), columns: part, left, origin };
            window.fill(group, scratch)?;
        }
    }
    Ok(())
}

/// Where `count` chunks from `first` are.
fn places(plane: &Plane, first: u64, count: u64) -> Result<Vec<Place>> {
    let (file, page) = (&plane.file, &plane.page);
    if let Some(offset) = plane.raw {
        let size = page.layout.row_bytes() * page.layout.height;
        return Ok(vec![Place { index: 0, offset, size }]);
    }
    let offsets = file.uints(&page.offsets, first, count)?;
    let sizes = match &page.counts {
        Some(counts) => file.uints(counts, first, count)?,
        None => vec![u64::MAX; count as usize],
    };
    let together = (first..).zip(offsets).zip(sizes);
    Ok(together.map(|((index, offset), size)| Place { index, offset, size }).collect())
}

/// Checks that all chunks of a page lie in the file.
///
/// # Errors
/// [`crate::Error::Truncated`] for the first that does not.
pub fn check_chunks(plane: &Plane) -> Result<()> {
    let layout = &plane.page.layout;
    for place in places(plane, 0, if plane.raw.is_some() { 1 } else { layout.chunk_count() })? {
        if place.size != u64::MAX {
            plane.file.check_range(&name(&plane.page, place), place.offset, place.size)?;
        }
    }
    Ok(())
}

fn name(page: &Page, place: Place) -> String {
    let kind = if page.layout.tiled { "tile" } else { "strip" };
    format!("{kind} {} of the page at byte {}", place.index, page.offset)
}

/// A part of a chunk that is wanted.
struct Window<'a> {
    plane: &'a Plane,
    place: Place,
    /// Rows of the image.
    rows: Range<u64>,
    /// Columns of the image that lie in this chunk.
    columns: Range<u64>,
    /// First column of the chunk.
    left: u64,
    /// First column of the targets.
    origin: u64,
}

impl Window<'_> {
    fn layout(&self) -> &Layout {
        &self.plane.page.layout
    }

    fn name(&self) -> String {
        name(&self.plane.page, self.place)
    }

    fn fill<T: Typed>(&self, targets: &mut [Target<'_, T>], scratch: &mut Scratch) -> Result<()> {
        let layout = self.layout();
        if self.place.offset == 0 && self.place.size == 0 {
            // A chunk that was never written, as GDAL and others leave them, is zero.
            for y in self.rows.clone() {
                targets.iter_mut().for_each(|t| self.target_row(t, y).fill(T::default()));
            }
            return Ok(());
        }
        let raw = layout.codec == Codec::None
            && layout.predictor == Predictor::None
            && !layout.reversed_bits;
        match self.plane.file.cache() {
            _ if raw => self.read_raw(targets, scratch),
            Some(cache) => {
                let key = self.plane.file.chunk_key(self.place.offset);
                let chunk = cache.get_or_read(key, || self.whole_chunk::<T>(scratch))?;
                self.copy_chunk(&chunk, targets, scratch)
            }
            None => self.decode(targets, scratch),
        }
    }

    /// Reads only the rows that are wanted, a few at a time.
    fn read_raw<T: Typed>(
        &self,
        targets: &mut [Target<'_, T>],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let layout = self.layout();
        let (row_bytes, step) = (layout.row_bytes(), layout.interleaved());
        let top = self.rows.start / layout.chunk[0] * layout.chunk[0];
        let needed = (self.rows.end - top) * row_bytes;
        if self.place.size < needed {
            let (size, name) = (self.place.size, self.name());
            let what = format!("{name} has {size} bytes, its rows need {needed}");
            return Err(self.plane.file.corrupt(what));
        }
        // Of wide rows only the wanted columns are read, where samples begin at whole bytes.
        let bytewise = !matches!(layout.stored, Stored::Packed(_));
        let pixel = step * layout.bits() / 8;
        let part = (self.columns.end - self.columns.start) * pixel;
        let (skip, take) = if bytewise && row_bytes.saturating_sub(part) > GAP {
            ((self.columns.start - self.left) * pixel, part)
        } else {
            (0, row_bytes)
        };
        let rows_per_read = if take < row_bytes { 1 } else { (RAW_STEP / row_bytes).max(1) };
        let first = if take < row_bytes { 0 } else { (self.columns.start - self.left) * step };
        let mut y = self.rows.start;
        while y < self.rows.end {
            let rows = rows_per_read.min(self.rows.end - y);
            let at = self.place.offset.saturating_add((y - top) * row_bytes + skip);
            let size = (rows - 1) * row_bytes + take;
            self.plane.file.read_into(&self.name(), at, size, &mut scratch.packed)?;
            for (k, row) in scratch.packed.chunks(row_bytes as usize).enumerate() {
                for target in targets.iter_mut() {
                    let sample = first + if layout.planar { 0 } else { target.sample };
                    let out = self.target_row(target, y + k as u64);
                    read_row(layout, row, sample as usize, step as usize, out);
                }
            }
            y += rows;
        }
        Ok(())
    }

    /// Decodes the whole chunk and takes the wanted part.
    fn decode<T: Typed>(&self, targets: &mut [Target<'_, T>], scratch: &mut Scratch) -> Result<()> {
        let (layout, file) = (self.layout(), &self.plane.file);
        let step = layout.interleaved();
        let top = self.rows.start / layout.chunk[0] * layout.chunk[0];
        let (rows, row_bytes) = (layout.rows_at(top), layout.row_bytes());
        self.load(rows, scratch)?;
        let (row_len, size) = (row_bytes as usize, layout.bits() as usize / 8);
        match layout.predictor {
            Predictor::None => {}
            Predictor::Horizontal => {
                let numbers = layout.numbers;
                undo_horizontal(&mut scratch.decoded, row_len, size, step as usize, numbers);
            }
            Predictor::Float => {
                let (decoded, row) = (&mut scratch.decoded, &mut scratch.row);
                undo_float(decoded, row_len, size, step as usize, layout.numbers, row);
            }
        }
        let first = (self.columns.start - self.left) * step;
        for y in self.rows.clone() {
            let at = (y - top) as usize * row_len;
            let row = scratch
                .decoded
                .get(at..at + row_len)
                .ok_or_else(|| file.corrupt(format!("{} has no row {}", self.name(), y - top)))?;
            for target in targets.iter_mut() {
                let sample = first + if layout.planar { 0 } else { target.sample };
                read_row(layout, row, sample as usize, step as usize, self.target_row(target, y));
            }
        }
        Ok(())
    }

    /// Decodes all rows and samples of the chunk, as `c, y, x`.
    fn whole_chunk<T: Typed>(&self, scratch: &mut Scratch) -> Result<Pixels> {
        let layout = self.layout();
        let top = self.rows.start / layout.chunk[0] * layout.chunk[0];
        let (rows, columns) = (layout.rows_at(top), layout.chunk[1]);
        let rows = rows.min(layout.height - top);
        let columns = columns.min(layout.width - self.left);
        let mut pixels = Pixels::zeros(T::DTYPE, [1, layout.interleaved(), 1, rows, columns]);
        let out = pixels.as_mut_slice::<T>().expect("made with this dtype");
        let slices = out.chunks_exact_mut((rows * columns) as usize);
        let mut targets: Vec<Target<'_, T>> =
            (0..).zip(slices).map(|(sample, out)| Target { sample, out }).collect();
        let whole = Window {
            plane: self.plane,
            place: self.place,
            rows: top..top + rows,
            columns: self.left..self.left + columns,
            left: self.left,
            origin: self.left,
        };
        whole.decode(&mut targets, scratch)?;
        drop(targets);
        Ok(pixels)
    }

    /// Copies the wanted part of a decoded chunk.
    fn copy_chunk<T: Typed>(
        &self,
        chunk: &Pixels,
        targets: &mut [Target<'_, T>],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let layout = self.layout();
        let top = self.rows.start / layout.chunk[0] * layout.chunk[0];
        let [_, samples, _, rows, columns] = chunk.shape();
        let fits = rows >= self.rows.end - top
            && columns >= self.columns.end - self.left
            && samples == layout.interleaved();
        let (Some(values), true) = (chunk.as_slice::<T>(), fits) else {
            // Two pages of different kinds share these bytes.
            return self.decode(targets, scratch);
        };
        for target in targets.iter_mut() {
            let sample = if layout.planar { 0 } else { target.sample };
            for y in self.rows.clone() {
                let row = (sample * rows + y - top) * columns + self.columns.start - self.left;
                let out = self.target_row(target, y);
                let count = out.len();
                out.copy_from_slice(&values[row as usize..row as usize + count]);
            }
        }
        Ok(())
    }

    /// Reads and decompresses the chunk into `scratch.decoded`.
    fn load(&self, rows: u64, scratch: &mut Scratch) -> Result<()> {
        let (layout, file) = (self.layout(), &self.plane.file);
        let promised = rows * layout.row_bytes();
        // Absent lengths are legal only without compression.
        let size = if self.place.size == u64::MAX { promised } else { self.place.size };
        file.check_range(&self.name(), self.place.offset, size)?;
        if promised > layout.codec.most_decoded(size) {
            let what = format!("{} promises {promised} bytes from {size}", self.name());
            return Err(file.corrupt(what));
        }
        file.read_into(&self.name(), self.place.offset, size, &mut scratch.packed)?;
        if layout.reversed_bits {
            scratch.packed.iter_mut().for_each(|b| *b = b.reverse_bits());
        }
        scratch.decoded.resize(promised as usize, 0);
        let tables = self.plane.page.jpeg_tables.as_deref();
        decompress(layout, rows, tables, &scratch.packed, &mut scratch.decoded)
            .map_err(|what| file.corrupt(format!("{} {what}", self.name())))
    }

    /// The part of a target's row `y` that this chunk fills; targets hold `self.rows` whole rows.
    fn target_row<'t, T>(&self, target: &'t mut Target<'_, T>, y: u64) -> &'t mut [T] {
        let width = target.out.len() / (self.rows.end - self.rows.start) as usize;
        let from = (y - self.rows.start) as usize * width;
        let from = from + (self.columns.start - self.origin) as usize;
        &mut target.out[from..from + (self.columns.end - self.columns.start) as usize]
    }
}
