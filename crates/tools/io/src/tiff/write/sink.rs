//! A TIFF file that is being written: blocks in any order, then the directories.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hooke_core::image::{SourceError, WrittenKey};
use hooke_core::{ImageMeta, ImageSink, Level, Pixels, Region};
use rayon::prelude::*;

use super::directory::{self, Entries, Value, add_resolution};
use super::encode::encode;
use super::options::{Compression, Kind, WriteOptions};
use super::store::{LevelStore, Places, rows_le};
use super::{imagej_text, ome_text};
use crate::atomic::AtomicFile;
use crate::tiff::decompress::decompress;
use crate::tiff::ifd::Numbers;
use crate::tiff::layout::{Layout, Predictor, Stored};
use crate::tiff::planes::Strides;
use crate::tiff::positional::{read_file_at, write_file_at};
use crate::tiff::predictor::undo_horizontal;
use crate::tiff::samples::read_row;
use crate::tiff::shaped::{Shaped, Sizes};
use crate::tiff::tag;
use crate::{Error, Result};

/// Files that may grow beyond this are BigTIFF; 32-bit offsets end a little later.
const LARGEST_CLASSIC: u64 = 3_900_000_000;
/// Edge of a tile.
const TILE: u64 = 512;
/// Bytes of a strip, about.
const STRIP_BYTES: u64 = 256 << 10;
/// Chunks that are encoded at once; they bound the memory that compressed chunks take.
const BATCH: usize = 64;
/// Directories are written out when they have grown to this.
const DIRECTORY_BUFFER: usize = 4 << 20;

/// One image of a TIFF file that is being written.
///
/// Blocks may come in any order and from many threads of one process. Compressed chunks are appended
/// as they come, so the file's bytes depend on the order of blocks while its pixels do not. The file
/// has a temporary name until [`ImageSink::finish`] was called for every image; dropped before, it
/// vanishes. A TIFF file has no journal: an interrupted one cannot be gone on with.
pub struct TiffSink {
    container: Arc<Container>,
    image: usize,
}

/// The file that several images share.
struct Container {
    target: PathBuf,
    kind: Kind,
    compression: Compression,
    numbers: Numbers,
    file: File,
    atomic: Mutex<Option<AtomicFile>>,
    end: AtomicU64,
    images: Vec<ImageStore>,
    finished: Mutex<Vec<bool>>,
}

struct ImageStore {
    meta: ImageMeta,
    levels: Vec<LevelStore>,
    /// For [`ImageSink::levels`].
    described: Vec<Level>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TiffSink {
    /// Begins a file with one image. An older file of that name stays until the new one is complete.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the kind cannot hold the image (see [`WriteOptions::check`]);
    /// [`Error::Io`] when the folder cannot be written.
    pub fn create(target: &Path, meta: &ImageMeta, options: &WriteOptions) -> Result<TiffSink> {
        let mut sinks = TiffSink::create_several(target, std::slice::from_ref(meta), options)?;
        Ok(sinks.remove(0))
    }

    /// Begins a file with several images, all written with the same options; levels only where
    /// there is one image. ImageJ files hold one image.
    ///
    /// # Errors
    /// As [`TiffSink::create`].
    pub fn create_several(
        target: &Path,
        metas: &[ImageMeta],
        options: &WriteOptions,
    ) -> Result<Vec<TiffSink>> {
        let several =
            metas.len() > 1 && (options.kind == Kind::ImageJ || !options.levels.is_empty());
        if metas.is_empty() || several {
            let what = format!("{} images in one such file", metas.len());
            return Err(Error::unsupported(target, what, "write one file per image"));
        }
        metas.iter().try_for_each(|meta| options.check(target, meta))?;
        let plan = |big| -> Vec<Vec<LevelStore>> {
            let numbers = Numbers { big, big_endian: false };
            metas.iter().map(|m| level_stores(m, options, numbers)).collect()
        };
        let big = options.kind != Kind::ImageJ && estimate(&plan(false)) > LARGEST_CLASSIC;
        let numbers = Numbers { big, big_endian: false };
        let mut atomic = AtomicFile::create(target)?;
        let io = |doing: &'static str| move |e| Error::io(target, doing, e);
        let file = atomic.file_mut().try_clone().map_err(io("open again"))?;
        let mut container = Container {
            target: target.to_owned(),
            kind: options.kind,
            compression: options.compression(),
            numbers,
            file,
            atomic: Mutex::new(Some(atomic)),
            end: AtomicU64::new(16),
            images: Vec::new(),
            finished: Mutex::new(vec![false; metas.len()]),
        };
        for (meta, levels) in metas.iter().zip(plan(big)) {
            let described = levels.iter().map(|l| l.level.clone()).collect();
            container.images.push(ImageStore { meta: meta.clone(), levels, described });
        }
        container.begin()?;
        let container = Arc::new(container);
        let sink = |image| TiffSink { container: Arc::clone(&container), image };
        Ok((0..metas.len()).map(sink).collect())
    }

    fn level(&self, level: usize) -> Result<&LevelStore> {
        let levels = &self.container.images[self.image].levels;
        levels.get(level).ok_or_else(|| Error::NotThere {
            path: self.container.target.clone(),
            what: format!("level {level} (there are {})", levels.len()),
        })
    }

    /// Says whether a region and a block belong to a level.
    fn check(&self, store: &LevelStore, region: &Region, block: Option<&Pixels>) -> Result<()> {
        let path = &self.container.target;
        if !region.fits(store.level.shape) {
            let what = format!("region {region:?} in a level of shape {:?}", store.level.shape);
            return Err(Error::NotThere { path: path.clone(), what });
        }
        let Some(block) = block else { return Ok(()) };
        if block.shape() != region.shape || block.dtype() != store.layout.dtype {
            let what = format!(
                "a block of {} {:?} for a region of {} {:?}",
                block.dtype(),
                block.shape(),
                store.layout.dtype,
                region.shape
            );
            return Err(Error::unsupported(path, what, ""));
        }
        if !store.is_aligned(region) {
            let [rows, columns] = store.layout.chunk;
            let what = format!("{region:?} is no union of whole chunks of {columns} x {rows}");
            return Err(Error::unsupported(path, what, "align blocks to write_unit"));
        }
        Ok(())
    }
}

impl ImageSink for TiffSink {
    fn write_unit(&self, level: usize) -> [u64; 5] {
        match self.level(level) {
            Ok(LevelStore { places: Places::Raw { .. }, level, .. }) => {
                [1, 1, 1, 1, level.shape[4]]
            }
            Ok(store) => [1, 1, 1, store.layout.chunk[0], store.layout.chunk[1]],
            Err(_) => [1; 5],
        }
    }

    fn levels(&self) -> &[Level] {
        &self.container.images[self.image].described
    }

    fn write(
        &self,
        level: usize,
        region: &Region,
        block: &Pixels,
    ) -> Result<Vec<WrittenKey>, SourceError> {
        let store = self.level(level)?;
        self.check(store, region, Some(block))?;
        match store.places {
            Places::Raw { .. } => self.container.write_raw(store, region, block)?,
            Places::Listed(_) => self.container.write_chunks(store, region, block)?,
        }
        // One file that is complete only in the end: there is no key to check a block by.
        Ok(Vec::new())
    }

    fn read_back(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<(), SourceError> {
        let store = self.level(level)?;
        self.check(store, region, None)?;
        out.reset(store.layout.dtype, region.shape);
        match store.places {
            Places::Raw { .. } => self.container.read_raw(store, region, out)?,
            Places::Listed(_) => self.container.read_chunks(store, region, out)?,
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), SourceError> {
        {
            let mut finished = lock(&self.container.finished);
            finished[self.image] = true;
            if !finished.iter().all(|f| *f) {
                return Ok(());
            }
        }
        Ok(self.container.finish()?)
    }
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
            factors: [1.0, y as f64 / height as f64, x as f64 / width as f64],
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
    fn io(&self, doing: &'static str) -> impl Fn(std::io::Error) -> Error + '_ {
        move |e| Error::io(&self.target, doing, e)
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

    /// The first directory of an ImageJ file, which lies at byte 8.
    fn imagej_directory(&self) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        let store = &self.images[0].levels[0];
        let mut entries = directory::of_plane(store, [0; 3], false);
        self.describe(&mut entries, 0);
        let (_, next) = directory::append(&mut bytes, 8, self.numbers, &entries);
        (bytes, next)
    }

    /// Adds what only the first page of an image carries.
    fn describe(&self, entries: &mut Entries, image: usize) {
        let meta = &self.images[image].meta;
        let pixel_um = [meta.voxel_size_um[1].value, meta.voxel_size_um[2].value];
        let text = match self.kind {
            Kind::ImageJ => {
                add_resolution(entries, pixel_um, 1.0, 1);
                if let Some((sizes, bytes)) = imagej_text::extra(meta) {
                    entries.insert(tag::IMAGEJ_METADATA_COUNTS, Value::Word(sizes));
                    entries.insert(tag::IMAGEJ_METADATA, Value::Bytes(tag::BYTE, bytes));
                }
                imagej_text::description(meta)
            }
            Kind::Ome => {
                add_resolution(entries, pixel_um, 1e4, 3);
                let metas: Vec<&ImageMeta> = self.images.iter().map(|i| &i.meta).collect();
                if image == 0 { ome_text::document(&metas) } else { String::new() }
            }
            Kind::Tiff => {
                add_resolution(entries, pixel_um, 1e4, 3);
                shaped_text(meta)
            }
        };
        if !text.is_empty() {
            entries.insert(tag::IMAGE_DESCRIPTION, Value::text(&text));
        }
        let software = concat!("Hooke ", env!("CARGO_PKG_VERSION"));
        entries.insert(tag::SOFTWARE, Value::text(software));
    }

    fn write_raw(&self, store: &LevelStore, region: &Region, block: &Pixels) -> Result<()> {
        let mut bytes = Vec::new();
        for (offset, plane, rows) in store.raw_rows(region) {
            rows_le(block, plane, rows, &mut bytes);
            write_file_at(&self.file, &bytes, offset).map_err(self.io("write"))?;
        }
        Ok(())
    }

    fn read_raw(&self, store: &LevelStore, region: &Region, out: &mut Pixels) -> Result<()> {
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
    fn write_chunks(&self, store: &LevelStore, region: &Region, block: &Pixels) -> Result<()> {
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

    fn read_chunks(&self, store: &LevelStore, region: &Region, out: &mut Pixels) -> Result<()> {
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

    /// Writes directories and header, flushes, and gives the file its name.
    fn finish(&self) -> Result<()> {
        let Some(atomic) = lock(&self.atomic).take() else {
            let what = "an image that is finished already".to_owned();
            return Err(Error::NotThere { path: self.target.clone(), what });
        };
        self.check_complete()?;
        let first = match self.kind {
            Kind::ImageJ => self.finish_imagej()?,
            Kind::Ome | Kind::Tiff => self.write_directories(None)?,
        };
        let mut head = Vec::from(if self.numbers.big { *b"II+\0" } else { *b"II*\0" });
        if self.numbers.big {
            head.extend([8, 0, 0, 0]);
            head.extend(first.to_le_bytes());
        } else {
            head.extend((first as u32).to_le_bytes());
        }
        write_file_at(&self.file, &head, 0).map_err(self.io("write"))?;
        atomic.commit_unstamped()
    }

    /// ImageJ's own first directory, and one for each other plane where 32 bits reach them: ImageJ
    /// does without those, other readers do not.
    fn finish_imagej(&self) -> Result<u64> {
        let (bytes, next) = self.imagej_directory();
        write_file_at(&self.file, &bytes, 8).map_err(self.io("write"))?;
        let planes = self.images[0].levels[0].planes();
        let end = self.end.load(Ordering::Relaxed) + 300 * planes;
        if planes > 1 && end <= LARGEST_CLASSIC {
            self.write_directories(Some(8 + next as u64))?;
        }
        Ok(8)
    }

    fn check_complete(&self) -> Result<()> {
        for image in &self.images {
            for (l, store) in image.levels.iter().enumerate() {
                let Some(table) = store.table() else { continue };
                let absent = table.iter().filter(|(_, size)| *size == 0).count();
                if absent > 0 {
                    let what = format!(
                        "{absent} of {} chunks of level {l} were never written",
                        table.len()
                    );
                    return Err(Error::Incomplete { path: self.target.clone(), what });
                }
            }
        }
        Ok(())
    }

    /// Writes a directory for each plane of each image, each after those of its smaller levels, and
    /// chains them; returns where the first one is.
    ///
    /// `link` is the pointer of a directory that stands already, to which the others are chained.
    fn write_directories(&self, link: Option<u64>) -> Result<u64> {
        let mut base = self.end.load(Ordering::Relaxed).next_multiple_of(2);
        let (mut out, mut first) = (Vec::new(), None);
        // The pointer to patch: in `out`, or in the file for the directory that stands already.
        let mut pointer: Option<usize> = None;
        for (index, image) in self.images.iter().enumerate() {
            for (number, plane) in planes(image, self.kind).enumerate() {
                if number == 0 && link.is_some() {
                    continue;
                }
                let mut subs = Vec::new();
                for store in &image.levels[1..] {
                    let entries = directory::of_plane(store, plane, true);
                    subs.push(directory::append(&mut out, base, self.numbers, &entries).0);
                }
                let mut entries = directory::of_plane(&image.levels[0], plane, false);
                if !subs.is_empty() {
                    entries.insert(tag::SUB_IFDS, Value::Long(subs));
                }
                if number == 0 {
                    self.describe(&mut entries, index);
                }
                let (offset, next) = directory::append(&mut out, base, self.numbers, &entries);
                let room = self.numbers.offset_size();
                if !self.numbers.big && base + out.len() as u64 > u64::from(u32::MAX) {
                    let what = "directories beyond 4 GiB of a classic TIFF".to_owned();
                    return Err(Error::unsupported(&self.target, what, "write --to ome-zarr"));
                }
                match pointer {
                    Some(at) => out[at..at + room].copy_from_slice(&offset.to_le_bytes()[..room]),
                    None => {
                        if let Some(link) = link {
                            let bytes = &offset.to_le_bytes()[..room];
                            write_file_at(&self.file, bytes, link).map_err(self.io("write"))?;
                        }
                        first = Some(offset);
                    }
                }
                pointer = Some(next);
                if out.len() > DIRECTORY_BUFFER {
                    // All but the last directory, whose pointer is still open.
                    let done = (offset - base) as usize;
                    write_file_at(&self.file, &out[..done], base).map_err(self.io("write"))?;
                    out.drain(..done);
                    base += done as u64;
                    pointer = Some(next - done);
                }
            }
        }
        write_file_at(&self.file, &out, base).map_err(self.io("write"))?;
        Ok(first.unwrap_or(0))
    }
}

/// The planes of an image in the order of its directories.
fn planes(image: &ImageStore, kind: Kind) -> impl Iterator<Item = [u64; 3]> {
    let [t, c, z, _, _] = image.meta.shape;
    (0..t * c * z).map(move |n| match kind {
        Kind::ImageJ => [n / (c * z), n % c, n / c % z],
        Kind::Ome | Kind::Tiff => [n / (c * z), n / z % c, n % z],
    })
}

/// tifffile's description, with what the tags cannot hold.
fn shaped_text(meta: &ImageMeta) -> String {
    let shaped = Shaped {
        shape: meta.axes.pick(&meta.shape),
        axes: Some(meta.axes.to_string().to_uppercase()),
        truncated: false,
        hooke: Some(Sizes {
            voxel_size_um: meta.voxel_size_um.map(|s| s.value),
            origin_um: meta.origin_um.map(|o| o.value),
            frame_interval_s: meta.frame_interval_s,
            channels: meta.channels.clone(),
            significant_bits: Some(meta.significant_bits),
            labels: meta.labels,
        }),
    };
    serde_json::to_string(&shaped).expect("numbers and texts always serialise")
}
