//! Where the chunks of a level go in the file.

use std::sync::{Mutex, PoisonError};

use hooke_core::{Level, Pixels, Region};

use crate::tiff::layout::Layout;

/// A level that is being written.
pub struct LevelStore {
    /// What its pages hold.
    pub layout: Layout,
    /// Its shape and chunks.
    pub level: Level,
    /// Where its chunks are.
    pub places: Places,
}

/// Where chunks are.
pub enum Places {
    /// Planes follow each other raw from this byte; `strides` counts planes over `t, c, z`.
    Raw {
        /// The first plane.
        start: u64,
        /// Planes between neighbours along t, c and z.
        strides: [u64; 3],
    },
    /// Chunks are where they were written: offset and size, plane by plane; (0, 0) before.
    Listed(Mutex<Vec<(u64, u64)>>),
}

impl LevelStore {
    /// Number of planes.
    pub fn planes(&self) -> u64 {
        self.level.shape[..3].iter().product()
    }

    /// The number of a plane in the order `t, c, z`.
    pub fn plane(&self, [t, c, z]: [u64; 3]) -> u64 {
        let [_, nc, nz, _, _] = self.level.shape;
        (t * nc + c) * nz + z
    }

    /// Bytes of a raw plane.
    pub fn plane_bytes(&self) -> u64 {
        let [_, _, _, ny, nx] = self.level.shape;
        ny * nx * self.layout.dtype.size() as u64
    }

    /// The chunks that a region covers, with their box in the level, in C order.
    pub fn chunks_of(&self, region: &Region) -> Vec<(u64, Region)> {
        let [down, across] = self.layout.chunks();
        let [ch, cw] = self.layout.chunk;
        let (start, end) = (region.start, region.end());
        let mut chunks = Vec::new();
        for t in start[0]..end[0] {
            for c in start[1]..end[1] {
                for z in start[2]..end[2] {
                    let plane = self.plane([t, c, z]);
                    for row in start[3] / ch..end[3].div_ceil(ch) {
                        for column in start[4] / cw..end[4].div_ceil(cw) {
                            let at = [t, c, z, row * ch, column * cw];
                            let ny = ch.min(self.level.shape[3] - row * ch);
                            let nx = cw.min(self.level.shape[4] - column * cw);
                            let number = (plane * down + row) * across + column;
                            chunks.push((number, Region::new(at, [1, 1, 1, ny, nx])));
                        }
                    }
                }
            }
        }
        chunks
    }

    /// Whether a region is a union of whole chunks.
    pub fn is_aligned(&self, region: &Region) -> bool {
        let (start, end) = (region.start, region.end());
        let whole = |d: usize, step: u64| {
            start[d].is_multiple_of(step)
                && (end[d].is_multiple_of(step) || end[d] == self.level.shape[d])
        };
        match self.places {
            Places::Raw { .. } => true,
            Places::Listed(_) => whole(3, self.layout.chunk[0]) && whole(4, self.layout.chunk[1]),
        }
    }

    /// The table of chunk places.
    pub fn table(&self) -> Option<std::sync::MutexGuard<'_, Vec<(u64, u64)>>> {
        match &self.places {
            // An entry is set whole or not at all.
            Places::Listed(table) => Some(table.lock().unwrap_or_else(PoisonError::into_inner)),
            Places::Raw { .. } => None,
        }
    }

    /// Offsets and sizes of the chunks of a plane.
    pub fn plane_chunks(&self, plane: [u64; 3]) -> Vec<(u64, u64)> {
        match &self.places {
            Places::Raw { start, strides } => {
                let number: u64 = plane.iter().zip(strides).map(|(p, s)| p * s).sum();
                let base = start + number * self.plane_bytes();
                let row_bytes = self.layout.row_bytes();
                let strips = (0..self.layout.chunks()[0]).map(|s| {
                    let y = s * self.layout.chunk[0];
                    (base + y * row_bytes, self.layout.rows_at(y) * row_bytes)
                });
                strips.collect()
            }
            Places::Listed(_) => {
                let count = self.layout.chunk_count() as usize;
                let from = self.plane(plane) as usize * count;
                let table = self.table().expect("chunks are listed");
                table[from..from + count].to_vec()
            }
        }
    }

    /// Runs of bytes that a raw block fills: offset in the file, first row and rows in the block.
    pub fn raw_rows(&self, region: &Region) -> Vec<(u64, [u64; 3], std::ops::Range<u64>)> {
        let Places::Raw { start, strides } = &self.places else { return Vec::new() };
        let row_bytes = self.layout.row_bytes();
        let size = self.layout.dtype.size() as u64;
        let [nt, nc, nz, ny, nx] = region.shape;
        let full = nx == self.level.shape[4];
        // Whole rows go out together, about a megabyte at a time.
        let rows = if full { ((1 << 20) / row_bytes).clamp(1, ny.max(1)) } else { 1 };
        let mut runs = Vec::new();
        for t in 0..nt {
            for c in 0..nc {
                for z in 0..nz {
                    let at = [t, c, z];
                    let number: u64 = (0..3).map(|d| (region.start[d] + at[d]) * strides[d]).sum();
                    let base = start + number * self.plane_bytes() + region.start[4] * size;
                    for y in (0..ny).step_by(rows as usize) {
                        let offset = base + (region.start[3] + y) * row_bytes;
                        runs.push((offset, at, y..(y + rows).min(ny)));
                    }
                }
            }
        }
        runs
    }
}

/// The little-endian bytes of some rows of one plane of a block.
pub fn rows_le(block: &Pixels, [t, c, z]: [u64; 3], rows: std::ops::Range<u64>, out: &mut Vec<u8>) {
    let [_, nc, nz, ny, nx] = block.shape();
    let base = ((t * nc + c) * nz + z) * ny;
    let range = ((base + rows.start) * nx) as usize..((base + rows.end) * nx) as usize;
    out.clear();
    hooke_core::dispatch!(block.dtype(), T => {
        let samples = block.as_slice::<T>().expect("dispatched on the dtype");
        <T as hooke_core::Sample>::extend_le(&samples[range], out);
    });
}
