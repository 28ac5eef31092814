//! A picture as a data set.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooke_core::image::SourceError;
use hooke_core::{
    Channel, Dataset, Dtype, ImageMeta, ImageSource, Level, Origin, Pixels, Problem, ReadStatus,
    Region,
};
use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use crate::chunked::{Chunks, ReadFrom};
use crate::stored_axes::StoredAxes;
use crate::{Error, OpenOptions, Result};

/// No byte of deflate becomes more than this many.
const MOST_PER_BYTE: u64 = 1032;
/// What the decoder may take beside the pixels.
const DECODER_BYTES: usize = 64 << 20;

/// An opened PNG file: one image.
pub struct PngDataset {
    images: [Arc<dyn ImageSource>; 1],
}

struct PngImage {
    path: PathBuf,
    meta: ImageMeta,
    levels: [Level; 1],
    chunks: Chunks,
}

/// Opens a PNG file. Only the header is read; colours and transparency become channels.
///
/// # Errors
/// [`Error::Corrupt`] for a damaged header, or a size that the file cannot bear out;
/// [`Error::Unsupported`] for colours from a palette.
pub fn open(path: &Path, how: &OpenOptions) -> Result<PngDataset> {
    let reader = reader(path)?;
    let info = reader.info();
    let (height, width) = (u64::from(info.height), u64::from(info.width));
    let names: &[&str] = match info.color_type {
        ColorType::Grayscale => &[],
        ColorType::GrayscaleAlpha => &["grey", "alpha"],
        ColorType::Rgb => &["red", "green", "blue"],
        ColorType::Rgba => &["red", "green", "blue", "alpha"],
        ColorType::Indexed => {
            let hint = "save it as grey or RGB";
            return Err(Error::unsupported(path, "a PNG with a palette of colours", hint));
        }
    };
    let bits = info.bit_depth as u8;
    let dtype = if info.bit_depth == BitDepth::Sixteen { Dtype::Uint16 } else { Dtype::Uint8 };
    let samples = names.len().max(1) as u64;
    let found = std::fs::metadata(path).map_err(|e| Error::io(path, "inspect", e))?.len();
    let bytes = height * (width * samples * u64::from(bits)).div_ceil(8);
    if bytes / MOST_PER_BYTE > found {
        let what = format!("{width} x {height} pixels cannot lie in {found} bytes");
        return Err(Error::corrupt(path, what));
    }
    let letters = if names.is_empty() { "yx" } else { "yxc" };
    if how.axes.as_deref().is_some_and(|a| a != letters && a != "cyx") {
        let what = "other axes than y, x and c in a PNG";
        return Err(Error::unsupported(path, what, "leave --axes out"));
    }
    let (axes, _) = StoredAxes::resolve(path, letters.len(), None, Some(letters))?;
    let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let shape = axes.spread(&[height, width, samples][..letters.len()], 1);
    let mut meta = ImageMeta::new(name, axes.axes(), shape, dtype);
    meta.axes_from = Origin::File;
    meta.significant_bits = u32::from(bits);
    if bits < 8 {
        meta.stored_dtype = format!("uint{bits}");
    }
    let channel = |name: &&str| Channel { name: Some((*name).to_owned()), ..Channel::default() };
    meta.channels = names.iter().map(channel).collect();
    let level =
        Level { shape, factors: [1.0; 3], chunk: shape, shard: None, codec: "deflate".to_owned() };
    let chunks = Chunks::new(how.cache.clone(), how.rescue);
    let image = PngImage { path: path.to_owned(), meta, levels: [level], chunks };
    Ok(PngDataset { images: [Arc::new(image)] })
}

fn reader(path: &Path) -> Result<Reader<BufReader<File>>> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let limits = Limits { bytes: DECODER_BYTES };
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.read_info().map_err(|e| failed(path, e))
}

fn failed(path: &Path, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::io(path, "read", e)
        }
        other => Error::corrupt(path, other.to_string()),
    }
}

impl PngImage {
    /// Unpacks the whole picture: colours beside each other become planes.
    fn decode(&self) -> Result<Pixels> {
        let mut reader = reader(&self.path)?;
        let shape = self.meta.shape;
        let [samples, height, width] = [1, 3, 4].map(|d| shape[d] as usize);
        let bits = self.meta.significant_bits as usize;
        let row = (width * samples * bits).div_ceil(8);
        if reader.output_buffer_size() != row.checked_mul(height) {
            return Err(Error::corrupt(&self.path, "it changed while it was read"));
        }
        let mut rows = vec![0; row * height];
        reader.next_frame(&mut rows).map_err(|e| failed(&self.path, e))?;
        if bits == 16 {
            let pick = |c: usize| rows.as_chunks::<2>().0.iter().skip(c).step_by(samples).copied();
            let planes = (0..samples).flat_map(pick).map(u16::from_be_bytes).collect();
            return Ok(Pixels::from_vec(shape, planes));
        }
        if bits == 8 {
            let pick = |c: usize| rows.iter().skip(c).step_by(samples).copied();
            return Ok(Pixels::from_vec(shape, (0..samples).flat_map(pick).collect::<Vec<u8>>()));
        }
        // Less than a byte is grey only; the first pixel has the highest bits.
        let mut plane = Vec::with_capacity(width * height);
        for bytes in rows.chunks_exact(row) {
            let pixel = |x: usize| bytes[x * bits / 8] >> (8 - bits - x * bits % 8);
            plane.extend((0..width).map(|x| pixel(x) & ((1 << bits) - 1)));
        }
        Ok(Pixels::from_vec(shape, plane))
    }
}

impl Dataset for PngDataset {
    fn format(&self) -> &'static str {
        "png"
    }
    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }
    fn problems(&self) -> &[Problem] {
        &[]
    }
}

impl ImageSource for PngImage {
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
        let (path, dtype) = (self.path.as_path(), self.meta.dtype);
        let from = ReadFrom { path, dtype, levels: &self.levels, level };
        Ok(self.chunks.read(&from, region, out, |_| self.decode())?)
    }
}
