//! The file that images are written to: its bytes, and where the chunks of every level go.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hooke_core::{ImageMeta, Level, Pixels, Region};
use rayon::prelude::*;

use super::encode::encode;
use super::options::{Compression, Kind, WriteOptions};
use super::store::{LevelStore, Places, rows_le};
use crate::atomic::AtomicFile;
use crate::positional::{read_file_at, write_file_at};
use crate::tiff::decompress::decompress;
use crate::tiff::ifd::Numbers;
use crate::tiff::layout::{Layout, Predictor, Stored, factor};
use crate::tiff::planes::Strides;
use crate::tiff::predictor::undo_horizontal;
use crate::tiff::samples::read_row;
use crate::{Error, Result};

/// Files that may grow beyond this are BigTIFF; 32-bit offsets end a little later.
pub const LARGEST_CLASSIC: u64 = 3_900_000_000;
/// Edge of a tile.
const TILE: u64 = 512;
/// Bytes of a strip, about.
const STRIP_BYTES: u64 = 256 << 10;
/// Chunks that are encoded at once; they bound the memory that compressed chunks take.
const BATCH: usize = 64;

/// The file that several images share.
pub struct Container {
    /// The name it will have.
    pub target: PathBuf,
    /// Its flavour.
    pub kind: Kind,
    /// Its byte order and size of offsets.
    pub numbers: Numbers,
    /// The images in order.
    pub images: Vec<ImageStore>,
    /// The file under its temporary name.
    pub file: File,
    compression: Compression,
    atomic: Mutex<Option<AtomicFile>>,
    end: AtomicU64,
    finished: Mutex<Vec<bool>>,
}

/// An image that is being written.
pub struct ImageStore {
    /// What is known about it.
    pub meta: ImageMeta,
    /// Its levels.
    pub levels: Vec<LevelStore>,
    /// The levels as they are shown to callers.
    pub described: Vec<Level>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is set whole or not at all.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The levels of an image, without places for raw planes yet.
fn level_stores(meta: &ImageMeta, options: &WriteOptions, numbers: Numbers) -> Vec<LevelStore> {
    let [t, c, z, y, x] = meta.shape;
    let compression = options.compression();
    let tiled = options.kind == Kind::Ome
        || options.kind == Kind::Tiff
            && (options.tile.is_some() || compression != Compression::None);
    let planes = [t, c, z];
    let shapes = std::iter::once([y, x]).chain(options.levels.iter().copied());
    let store = |[height, width]: [u64; 2]| {
        let size = meta.dtype.size() as u64;
        let edge = |n: u64| TILE.min(n.next_multiple_of(16));
        let strip = (STRIP_BYTES / (width * size)).clamp(1, height);
        let chunk = match options.tile {
            Some(tile) if tiled => tile,
            _ if tiled => [edge(height), edge(width)],
            // ImageJ wants one strip per plane.
            _ if options.kind == Kind::ImageJ => [height, width],
            _ => [strip, width],
        };
        let differences = compression.likes_differences() && !meta.dtype.is_float();
        let layout = Layout {
            width,
            height,
            samples: 1,
            planar: false,
            chunk,
            tiled,
            dtype: meta.dtype,
            stored: Stored::Native,
            codec: compression.codec(),
            predictor: if differences { Predictor::Horizontal } else { Predictor::None },
            photometric: 1,
            reversed_bits: false,
            numbers,
        };
        // ImageJ counts planes along c fastest, then z; all other files as t, c, z.
        let order = if options.kind == Kind::ImageJ { [0, 2, 1] } else { [0, 1, 2] };
        let places = if tiled {
            let chunks = layout.chunk_count() * planes.iter().product::<u64>();
            Places::Listed(Mutex::new(vec![(0, 0); chunks as usize]))
        } else {
            Places::Raw { start: 0, strides: Strides::of_order(order, planes).0 }
        };
        let level = Level {
            shape: [t, c, z, height, width],
            factors: [1.0, factor(y, height), factor(x, width)],
            chunk: [1, 1, 1, chunk[0], chunk[1]],
            shard: None,
            codec: layout.codec.name().to_owned(),
        };
        LevelStore { layout, level, places }
    };
    shapes.map(store).collect()
}

/// Bytes the file may have at most, about: compressed chunks as if they were raw.
fn estimate(images: &[Vec<LevelStore>]) -> u64 {
    let level = |l: &LevelStore| {
        let chunks = l.layout.chunk_count();
        let pixels = chunks * l.layout.chunk[0] * l.layout.row_bytes();
        l.planes().saturating_mul(pixels + 16 * chunks + 400)
    };
    images.iter().flatten().map(level).fold(1 << 20, u64::saturating_add)
}

impl Container {
    /// Begins a file under a temporary name, with room for all raw planes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the kind cannot hold the images; [`Error::Io`].
    pub fn create(target: &Path, metas: &[ImageMeta], options: &WriteOptions) -> Result<Container> {
        let plain = options.kind != Kind::ImageJ && options.levels.is_empty();
        if metas.is_empty() || metas.len() > 1 && !plain {
            let what = format!("{} images in one such file", metas.len());
            return Err(Error::unsupported(target, what, "write one file per image"));
        }
        metas.iter().try_for_each(|meta| options.check(target, meta))?;
        let plan = |big| -> Vec<Vec<LevelStore>> {
            let numbers = Numbers { big, big_endian: false };
            metas.iter().map(|m| level_stores(m, options, numbers)).collect()
        };
        let big = options.kind != Kind::ImageJ && estimate(&plan(false)) > LARGEST_CLASSIC;
        let mut atomic = AtomicFile::create(target)?;
        let again = atomic.file_mut().try_clone();
        let file = again.map_err(|e| Error::io(target, "open again", e))?;
        let images = metas.iter().zip(plan(big)).map(|(meta, levels)| {
            let described = levels.iter().map(|l| l.level.clone()).collect();
            ImageStore { meta: meta.clone(), levels, described }
        });
        let mut container = Container {
            target: target.to_owned(),
            kind: options.kind,
            numbers: Numbers { big, big_endian: false },
            images: images.collect(),
            file,
            compression: options.compression(),
            atomic: Mutex::new(Some(atomic)),
            end: AtomicU64::new(16),
            finished: Mutex::new(vec![false; metas.len()]),
        };
        container.begin()?;
        Ok(container)
    }

    /// An error of the operating system about this file.
    pub fn io(&self, doing: &'static str) -> impl Fn(std::io::Error) -> Error + '_ {
        move |e| Error::io(&self.target, doing, e)
    }

    /// The first byte behind everything written so far.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Notes that an image is complete; `true` when all are.
    pub fn note_finished(&self, image: usize) -> bool {
        let mut finished = lock(&self.finished);
        finished[image] = true;
        finished.iter().all(|f| *f)
    }

    /// Takes the file out to be named, once; `None` afterwards.
    pub fn take_file(&self) -> Option<AtomicFile> {
        lock(&self.atomic).take()
    }

    /// Reserves `size` bytes at the end of the file.
    fn reserve(&self, size: u64) -> u64 {
        self.end.fetch_add(size, Ordering::Relaxed)
    }

    /// Gives raw planes their places, and writes ImageJ's first directory, which must stand before
    /// them since 32-bit offsets do not reach past a large block.
    fn begin(&mut self) -> Result<()> {
        if self.kind == Kind::ImageJ {
            // Values have a fixed length, so the directory can be sized before places are known.
            let (bytes, _) = self.imagej_directory();
            self.end = AtomicU64::new((8 + bytes.len() as u64).next_multiple_of(16));
        }
        let mut end = self.end.load(Ordering::Relaxed);
        for store in self.images.iter_mut().flat_map(|i| &mut i.levels) {
            let size = store.planes() * store.plane_bytes();
            if let Places::Raw { start, .. } = &mut store.places {
                *start = end;
                end = (end + size).next_multiple_of(16);
            }
        }
        self.end = AtomicU64::new(end);
        self.file.set_len(end).map_err(self.io("reserve"))
    }

    /// Writes a block of raw planes to its place.
    pub fn write_raw(&self, store: &LevelStore, region: &Region, block: &Pixels) -> Result<()> {
        let mut bytes = Vec::new();
        for (offset, plane, rows) in store.raw_rows(region) {
            rows_le(block, plane, rows, &mut bytes);
            write_file_at(&self.file, &bytes, offset).map_err(self.io("write"))?;
        }
        Ok(())
    }

    /// Reads a region of raw planes back.
    pub fn read_raw(&self, store: &LevelStore, region: &Region, out: &mut Pixels) -> Result<()> {
        let [_, nc, nz, ny, nx] = region.shape;
        let mut bytes = Vec::new();
        hooke_core::dispatch!(store.layout.dtype, T => {
            let samples = out.as_mut_slice::<T>().expect("reset to this dtype");
            for (offset, [t, c, z], rows) in store.raw_rows(region) {
                let base = ((t * nc + c) * nz + z) * ny;
                let range = (base + rows.start) * nx..(base + rows.end) * nx;
                let target = &mut samples[range.start as usize..range.end as usize];
                bytes.resize(size_of_val(target), 0);
                read_file_at(&self.file, &mut bytes, offset).map_err(self.io("read back"))?;
                <T as hooke_core::Sample>::read_le(&bytes, target);
            }
        });
        Ok(())
    }

    /// Encodes chunks in parallel, a batch at a time, and appends them in their order.
    pub fn write_chunks(&self, store: &LevelStore, region: &Region, block: &Pixels) -> Result<()> {
        for batch in store.chunks_of(region).chunks(BATCH) {
            let encoded: Vec<Vec<u8>> = batch
                .par_iter()
                .map(|(_, part)| {
                    let rows = store.layout.rows_at(part.start[3]);
                    let part = part.relative_to(region.start);
                    encode(&store.layout, self.compression, block, &part, rows)
                })
                .collect();
            let total = encoded.iter().map(|e| e.len() as u64).sum();
            let mut offset = self.reserve(total);
            if !self.numbers.big && offset + total > u64::from(u32::MAX) {
                let what = "chunks beyond 4 GiB of a classic TIFF".to_owned();
                return Err(Error::unsupported(&self.target, what, "write --to ome-zarr"));
            }
            let joined = encoded.concat();
            write_file_at(&self.file, &joined, offset).map_err(self.io("write"))?;
            let mut table = store.table().expect("chunks are listed");
            for ((number, _), bytes) in batch.iter().zip(&encoded) {
                table[*number as usize] = (offset, bytes.len() as u64);
                offset += bytes.len() as u64;
            }
        }
        Ok(())
    }

    /// Decodes the chunks of a region again.
    pub fn read_chunks(&self, store: &LevelStore, region: &Region, out: &mut Pixels) -> Result<()> {
        let layout = &store.layout;
        let row_bytes = layout.row_bytes() as usize;
        let (mut packed, mut raw) = (Vec::new(), Vec::new());
        for (number, part) in store.chunks_of(region) {
            let (offset, size) = store.table().expect("chunks are listed")[number as usize];
            if size == 0 {
                let what = format!("the chunk at {:?} was not written yet", part.start);
                return Err(Error::NotThere { path: self.target.clone(), what });
            }
            packed.resize(size as usize, 0);
            read_file_at(&self.file, &mut packed, offset).map_err(self.io("read back"))?;
            let rows = layout.rows_at(part.start[3]);
            raw.resize(rows as usize * row_bytes, 0);
            decompress(layout, rows, None, &packed, &mut raw)
                .map_err(|what| Error::corrupt(&self.target, what))?;
            if layout.predictor == Predictor::Horizontal {
                undo_horizontal(&mut raw, row_bytes, layout.dtype.size(), 1, layout.numbers);
            }
            let Some(common) = part.intersect(region) else { continue };
            let to = common.relative_to(region.start).start;
            let from = common.relative_to(part.start).start;
            let [_, nc, nz, ny, nx] = region.shape;
            hooke_core::dispatch!(layout.dtype, T => {
                let samples = out.as_mut_slice::<T>().expect("reset to this dtype");
                for y in 0..common.shape[3] {
                    let at = (((to[0] * nc + to[1]) * nz + to[2]) * ny + to[3] + y) * nx + to[4];
                    let target = &mut samples[at as usize..(at + common.shape[4]) as usize];
                    let row = &raw[(from[3] + y) as usize * row_bytes..][..row_bytes];
                    read_row(layout, row, from[4] as usize, 1, target);
                }
            });
        }
        Ok(())
    }
}
