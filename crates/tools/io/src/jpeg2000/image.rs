//! A JPEG 2000 file as a data set of one image.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use hooke_core::image::SourceError;
use hooke_core::{
    Axis, Dataset, Dtype, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus,
    Region,
};
use jpeg2k::{DecodeArea, DecodeParameters, Image};

use super::boxes;
use super::header::{CodeStream, Flaw};
use super::parts::Source;
use crate::chunked::{Chunks, ReadFrom};
use crate::positional::{FileBytes, ReadAt};
use crate::stored_axes::StoredAxes;
use crate::strided::dense_strides;
use crate::{Error, OpenOptions, Result};

/// The main header is looked for in this many bytes.
const HEAD: u64 = 1 << 20;
/// Samples that are unpacked at once, of four bytes each.
const SAMPLES_AT_ONCE: u64 = 16 << 20;
/// The shortest side of what is unpacked at once.
const SHORTEST: u64 = 64;
/// Tiles are unpacked several at once as long as that has no longer sides than this.
const USUAL: u64 = 256;

/// An opened JPEG 2000 file: one image.
pub struct Jpeg2000Dataset {
    images: [Arc<dyn ImageSource>; 1],
    problems: Vec<Problem>,
}

struct Jpeg2000Image {
    source: Source,
    /// The axes of rows, columns and components.
    stored: [Axis; 3],
    meta: ImageMeta,
    levels: Vec<Level>,
    chunks: Chunks,
}

/// Opens a JPEG 2000 file. Only headers are read.
///
/// Stored dimensions are rows, columns and components: `yx`, or `yxc` where there are several
/// components, unless [`OpenOptions::axes`] tells otherwise (`xyz`). Levels are the resolutions of the
/// code stream, where rows and columns are axes of space.
///
/// # Errors
/// [`Error::Unsupported`] for palettes and for components that differ in size or type;
/// [`Error::Corrupt`] and [`Error::Truncated`] for headers that the file cannot bear out.
pub fn open(path: &Path, how: &OpenOptions) -> Result<Jpeg2000Dataset> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let file = FileBytes::new(file).map_err(|e| Error::io(path, "inspect", e))?;
    let (begin, length) = boxes::find(path, &file, how.rescue)?;
    let mut head = vec![0; length.min(HEAD) as usize];
    file.read_at(&mut head, begin).map_err(|e| Error::io(path, "read the header", e))?;
    let failed = |flaw| match flaw {
        Flaw::Corrupt(what) => Error::corrupt(path, what),
        Flaw::Unsupported(what, hint) => Error::unsupported(path, what, hint),
    };
    let stream = CodeStream::parse(&head).map_err(failed)?;
    stream.check(length).map_err(failed)?;

    let given = how.axes.as_deref();
    let flat = stream.components == 1 && given.is_none_or(|a| a.chars().count() != 3);
    let (dimensions, usual) = if flat { (2, "yx") } else { (3, "yxc") };
    let (axes, from) = StoredAxes::resolve(path, dimensions, given, Some(usual))?;
    let order = axes.order();
    // A picture of one component has length 1 along any axis that is left.
    let left = Axis::ALL.into_iter().find(|a| !order.contains(a)).expect("two of five are taken");
    let stored = [order[0], order[1], order.get(2).copied().unwrap_or(left)];

    let levels = levels_of(&stream, stored);
    let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let dtype = dtype_of(&stream);
    let mut meta = ImageMeta::new(name, axes.axes(), levels[0].shape, dtype);
    meta.axes_from = if from == Origin::Assumed { Origin::File } else { from };
    meta.significant_bits = stream.bits;
    if stream.bits as usize != 8 * dtype.size() {
        let kind = if stream.signed { "int" } else { "uint" };
        meta.stored_dtype = format!("{kind}{}", stream.bits);
    }
    let mut problems = Vec::new();
    if !stream.reversible {
        let what = "compressed with loss: values are near those recorded, not equal to them";
        problems.push(Problem::warning("lossy", what));
    }
    let source = Source {
        path: path.to_owned(),
        file,
        begin,
        length,
        stream,
        rescue: how.rescue,
        parts: OnceLock::new(),
    };
    let chunks = Chunks::new(how.cache.clone(), how.rescue);
    let image = Jpeg2000Image { source, stored, meta, levels, chunks };
    Ok(Jpeg2000Dataset { images: [Arc::new(image)], problems })
}

fn dtype_of(stream: &CodeStream) -> Dtype {
    match (stream.bits, stream.signed) {
        (..=8, false) => Dtype::Uint8,
        (..=8, true) => Dtype::Int8,
        (..=16, false) => Dtype::Uint16,
        (..=16, true) => Dtype::Int16,
        (_, false) => Dtype::Uint32,
        (_, true) => Dtype::Int32,
    }
}

/// The resolutions as levels; only the whole where they shrink along time or channels.
fn levels_of(stream: &CodeStream, stored: [Axis; 3]) -> Vec<Level> {
    let spread = |lengths: [u64; 3]| {
        let mut full = [1; 5];
        stored.iter().zip(lengths).for_each(|(axis, n)| full[axis.index()] = n);
        full
    };
    let along = stored[..2].iter().map(|a| a.space_index()).collect::<Option<Vec<usize>>>();
    let count = if along.is_some() { stream.resolutions } else { 1 };
    let [rows, columns] = chunk_of(stream);
    let kind = if stream.high_throughput { "htj2k" } else { "jpeg2000" };
    let codec = if stream.reversible { kind.to_owned() } else { format!("{kind}-lossy") };
    let level = |n: u32| {
        let [height, width] = stream.size(n);
        let mut factors = [1.0; 3];
        for d in along.iter().flatten() {
            factors[*d] = f64::from(n).exp2();
        }
        Level {
            shape: spread([height, width, stream.components]),
            factors,
            chunk: spread([rows.min(height), columns.min(width), stream.components]),
            shard: None,
            codec: codec.clone(),
        }
    };
    // A narrow picture may shrink to nothing.
    (0..count).take_while(|n| *n == 0 || !stream.size(*n).contains(&0)).map(level).collect()
}

/// Rows and columns that are unpacked at once: a tile, several small ones, or part of a large one.
fn chunk_of(stream: &CodeStream) -> [u64; 2] {
    let whole = stream.size(0);
    let mut chunk = [0, 1].map(|d| {
        let mut side = stream.tile[d];
        while side * 2 <= USUAL {
            side *= 2;
        }
        side.min(whole[d])
    });
    while chunk[0] * chunk[1] * stream.components > SAMPLES_AT_ONCE {
        let longer = usize::from(chunk[1] >= chunk[0]);
        if chunk[longer] <= SHORTEST {
            break;
        }
        chunk[longer] = chunk[longer].div_ceil(2).next_power_of_two();
    }
    chunk
}

impl Jpeg2000Image {
    /// Unpacks one box of the chunk grid of a level.
    fn decode(&self, level: usize, place: &Region) -> Result<Pixels> {
        let stream = &self.source.stream;
        let at = |d: usize| self.stored[d].index();
        let span = [0, 1].map(|d| {
            // The first pixel of a level lies at the first even multiple within the picture.
            let first = stream.start[d].div_ceil(1 << level);
            let low = ((first + place.start[at(d)]) << level).max(stream.start[d]);
            let high = (first + place.start[at(d)] + place.shape[at(d)]) << level;
            low..high.min(stream.end[d])
        });
        let tile = |d: usize, n: u64| (n - stream.tile_start[d]) / stream.tile[d];
        let tiles = [0, 1].map(|d| tile(d, span[d].start)..tile(d, span[d].end - 1) + 1);
        let bytes = self.source.of_tiles(tiles)?;
        // The header was checked to lie below 2^31.
        let [y, x] = [0, 1].map(|d| (span[d].start as u32, span[d].end as u32));
        let area = DecodeArea::new(x.0, y.0, x.1, y.1);
        let parameters =
            DecodeParameters::new().strict(true).reduce(level as u32).decode_area(Some(area));
        let place_text =
            || format!("level {level}, rows {} to {}, columns {} to {}", y.0, y.1, x.0, x.1);
        let corrupt = |what: &str| {
            Error::corrupt(&self.source.path, format!("the code stream {what} ({})", place_text()))
        };
        let image =
            Image::from_bytes_with(&bytes, parameters).map_err(|_| corrupt("does not decode"))?;
        drop(bytes);
        self.arrange(&image, place).ok_or_else(|| corrupt("is not as its header says"))
    }

    /// Puts components where they belong; `None` when they are not those that were promised.
    fn arrange(&self, image: &Image, place: &Region) -> Option<Pixels> {
        let size = self.meta.dtype.size();
        let strides = dense_strides(&place.shape)?;
        let [rows, columns, planes] = self.stored.map(|a| place.shape[a.index()] as usize);
        let [down, right, deep] = self.stored.map(|a| strides[a.index()] as usize * size);
        let components = image.components();
        if components.len() != planes {
            return None;
        }
        let mut bytes = vec![0; rows * columns * planes * size];
        for (n, component) in components.iter().enumerate() {
            let as_promised = component.width() as usize == columns
                && component.height() as usize == rows
                && component.precision() == self.source.stream.bits;
            if !as_promised {
                return None;
            }
            for (y, row) in component.data().chunks_exact(columns).enumerate() {
                for (x, value) in row.iter().enumerate() {
                    let to = n * deep + y * down + x * right;
                    bytes[to..to + size].copy_from_slice(&value.to_le_bytes()[..size]);
                }
            }
        }
        Pixels::from_le_bytes(self.meta.dtype, place.shape, &bytes)
    }
}

impl Dataset for Jpeg2000Dataset {
    fn format(&self) -> &'static str {
        "jpeg2000"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ImageSource for Jpeg2000Image {
    fn meta(&self) -> &ImageMeta {
        &self.meta
    }
    fn levels(&self) -> &[Level] {
        &self.levels
    }
    fn read(
        &self,
        level: usize,
        region: &Region,
        out: &mut Pixels,
    ) -> Result<ReadStatus, SourceError> {
        let (path, dtype) = (self.source.path.as_path(), self.meta.dtype);
        let from = ReadFrom { path, dtype, levels: &self.levels, level };
        let decode = |place: &Region| self.decode(level, place);
        Ok(self.chunks.read(&from, region, out, decode)?)
    }
}
