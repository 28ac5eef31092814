//! What a page's tags say about its pixels: size, sample type, chunks, codec.

use std::sync::Arc;

use hooke_core::Dtype;

use super::file::TiffFile;
use super::ifd::{Entry, Ifd, Numbers};
use super::tag;
use crate::{Error, Result};

/// The largest decoded chunk that needs no justification by the number of compressed bytes.
const SMALL_CHUNK: u64 = 64 << 20;
/// Levels of a pyramid beyond this are a damaged tag.
const MOST_LEVELS: u64 = 32;

/// How chunks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Raw samples.
    None,
    /// Lempel-Ziv-Welch, TIFF 6.0 section 13.
    Lzw,
    /// zlib streams.
    Deflate,
    /// Zstandard frames.
    Zstd,
    /// Run lengths, TIFF 6.0 section 9.
    PackBits,
    /// JPEG (TIFF technical note 2).
    Jpeg,
    /// JPEG 2000 code streams.
    Jpeg2000,
}

impl Codec {
    /// The name in `hooke info`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Lzw => "lzw",
            Codec::Deflate => "deflate",
            Codec::Zstd => "zstd",
            Codec::PackBits => "packbits",
            Codec::Jpeg => "jpeg",
            Codec::Jpeg2000 => "jpeg2000",
        }
    }

    /// The number in the Compression tag.
    pub fn number(self) -> u16 {
        match self {
            Codec::None => 1,
            Codec::Lzw => 5,
            Codec::Jpeg => 7,
            Codec::Deflate => 8,
            Codec::PackBits => 32773,
            Codec::Jpeg2000 => 34712,
            Codec::Zstd => 50000,
        }
    }

    fn from_number(number: u64) -> Option<Codec> {
        Some(match number {
            1 => Codec::None,
            5 => Codec::Lzw,
            7 => Codec::Jpeg,
            8 | 32946 => Codec::Deflate,
            32773 => Codec::PackBits,
            // Aperio writes 33005 for the same code streams.
            34712 | 33005 => Codec::Jpeg2000,
            50000 => Codec::Zstd,
            _ => return None,
        })
    }

    /// The most bytes that `compressed` bytes can honestly become.
    ///
    /// Small chunks are always allowed, so that memory stays bounded without a judgement on them.
    pub fn most_decoded(self, compressed: u64) -> u64 {
        let ratio = match self {
            Codec::None => 1,
            Codec::PackBits => 64,
            Codec::Deflate => 1032,
            // A 12-bit code stands for at most 4096 bytes.
            Codec::Lzw => 2731,
            // A block of 128 KiB takes at least four bytes.
            Codec::Zstd => 1 << 15,
            // Not bounded by the formats; blank tiles beyond this do not come from a microscope.
            Codec::Jpeg | Codec::Jpeg2000 => 1 << 15,
        };
        compressed.saturating_mul(ratio).max(SMALL_CHUNK)
    }
}

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// As the type it is read as.
    Native,
    /// IEEE half precision, read as float32.
    Half,
    /// So many bits each, packed most significant bit first, rows padded to bytes.
    Packed(u8),
}

/// How the differences of neighbours are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predictor {
    /// No differences.
    None,
    /// Differences of whole samples along a row.
    Horizontal,
    /// Differences of the bytes of floating samples, sorted by significance.
    Float,
}

/// The pixels of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Columns.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// Samples per pixel.
    pub samples: u64,
    /// Each sample has its own chunks.
    pub planar: bool,
    /// Rows and columns of a chunk; a strip has all columns.
    pub chunk: [u64; 2],
    /// Chunks are tiles: padded at the right and lower edge.
    pub tiled: bool,
    /// Type as read.
    pub dtype: Dtype,
    /// Type as stored.
    pub stored: Stored,
    /// Compression of a chunk.
    pub codec: Codec,
    /// Differences within a chunk.
    pub predictor: Predictor,
    /// PhotometricInterpretation.
    pub photometric: u64,
    /// Bits of each byte are stored in the other order.
    pub reversed_bits: bool,
    /// Byte order of samples.
    pub numbers: Numbers,
}

impl Layout {
    /// Bits of one stored sample.
    pub fn bits(&self) -> u64 {
        match self.stored {
            Stored::Native => 8 * self.dtype.size() as u64,
            Stored::Half => 16,
            Stored::Packed(bits) => u64::from(bits),
        }
    }

    /// numpy's name of the stored type, `bool` or `uint12` where numpy has none.
    pub fn stored_name(&self) -> String {
        match self.stored {
            Stored::Native => self.dtype.name().to_owned(),
            Stored::Half => "float16".to_owned(),
            Stored::Packed(1) => "bool".to_owned(),
            Stored::Packed(bits) => format!("uint{bits}"),
        }
    }

    /// Samples that lie side by side in a chunk.
    pub fn interleaved(&self) -> u64 {
        if self.planar { 1 } else { self.samples }
    }

    /// Chunks along y and x.
    pub fn chunks(&self) -> [u64; 2] {
        [self.height.div_ceil(self.chunk[0]), self.width.div_ceil(self.chunk[1])]
    }

    /// Number of chunks of a page.
    pub fn chunk_count(&self) -> u64 {
        let [down, across] = self.chunks();
        down * across * if self.planar { self.samples } else { 1 }
    }

    /// Rows that a chunk holds which starts at row `y`.
    pub fn rows_at(&self, y: u64) -> u64 {
        if self.tiled { self.chunk[0] } else { self.chunk[0].min(self.height - y) }
    }

    /// Bytes of one decoded chunk row; checked at parsing not to overflow.
    pub fn row_bytes(&self) -> u64 {
        (self.chunk[1] * self.interleaved() * self.bits()).div_ceil(8)
    }

    /// Whether pages of both layouts can be planes of one image.
    pub fn same_planes(&self, other: &Layout) -> bool {
        (self.width, self.height, self.samples) == (other.width, other.height, other.samples)
            && (self.dtype, self.stored) == (other.dtype, other.stored)
    }

    /// One sentence for messages: `512 x 256 pixels, 1 sample of uint16`.
    pub fn describe(&self) -> String {
        let (w, h, s) = (self.width, self.height, self.samples);
        format!("{w} x {h} pixels, {s} sample(s) of {}", self.stored_name())
    }
}

/// A page: its pixels, and where their chunks are.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where its directory begins.
    pub offset: u64,
    /// What its pixels are.
    pub layout: Layout,
    /// Where the chunks begin.
    pub offsets: Entry,
    /// How long they are; absent in some uncompressed files.
    pub counts: Option<Entry>,
    /// Tables that all JPEG chunks share.
    pub jpeg_tables: Option<Arc<[u8]>>,
    /// Directories of smaller versions.
    pub sub_ifds: Vec<u64>,
    /// The page says that it is a smaller version of another.
    pub reduced: bool,
}

impl Page {
    /// Reads what the tags say, and checks that it can be true; the chunk tables stay in the file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for missing or absurd tags, [`Error::Unsupported`] for codecs and sample
    /// types that Hooke does not read, by name.
    pub fn parse(file: &TiffFile, ifd: &Ifd) -> Result<Page> {
        let layout = parse_layout(file, ifd)?;
        let (offsets, counts) = if layout.tiled {
            (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        let bad = |what: String| file.corrupt(format!("page at byte {}: {what}", ifd.offset));
        // Some old writers keep tiles under the tags of strips.
        let entry = |tag: u16| {
            let other = if layout.tiled { tag - 51 } else { tag };
            ifd.entry(tag).or_else(|| ifd.entry(other)).copied()
        };
        let need = layout.chunk_count();
        let offsets = entry(offsets).ok_or_else(|| bad(format!("no tag {offsets}")))?;
        let counts = match layout.tiled {
            true => ifd.entry(counts).or_else(|| ifd.entry(tag::STRIP_BYTE_COUNTS)).copied(),
            false => ifd.entry(counts).copied(),
        };
        for table in [Some(&offsets), counts.as_ref()].into_iter().flatten() {
            let fits = table.size().is_some_and(|s| s <= file.size());
            if table.count < need || !fits {
                let (tag, n) = (table.tag, table.count);
                return Err(bad(format!("tag {tag} has {n} values, {need} chunks are needed")));
            }
        }
        if counts.is_none() && layout.codec != Codec::None {
            return Err(bad("compressed chunks without their lengths".to_owned()));
        }
        let sub_ifds = match ifd.entry(tag::SUB_IFDS) {
            Some(entry) => file.uints(entry, 0, entry.count.min(MOST_LEVELS))?,
            None => Vec::new(),
        };
        let jpeg_tables = match layout.codec {
            Codec::Jpeg => file.raw(ifd, tag::JPEG_TABLES)?.map(Arc::from),
            _ => None,
        };
        let reduced = file.uint(ifd, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0) & 1 == 1;
        Ok(Page { offset: ifd.offset, layout, offsets, counts, jpeg_tables, sub_ifds, reduced })
    }
}

fn parse_layout(file: &TiffFile, ifd: &Ifd) -> Result<Layout> {
    let page = format!("page at byte {}", ifd.offset);
    let bad = |what: String| file.corrupt(format!("{page}: {what}"));
    let uint = |tag| file.uint(ifd, tag);
    let size = |tag: u16| -> Result<u64> {
        let value = uint(tag)?.ok_or_else(|| bad(format!("no tag {tag}")))?;
        if (1..=i32::MAX as u64).contains(&value) {
            Ok(value)
        } else {
            Err(bad(format!("tag {tag} is {value}")))
        }
    };
    let (width, height) = (size(tag::IMAGE_WIDTH)?, size(tag::IMAGE_LENGTH)?);
    let samples = uint(tag::SAMPLES_PER_PIXEL)?.unwrap_or(1);
    if !(1..=65_535).contains(&samples) {
        return Err(bad(format!("{samples} samples per pixel")));
    }
    let (dtype, stored) = parse_sample(file, ifd, &page)?;
    let number = uint(tag::COMPRESSION)?.unwrap_or(1);
    let codec = Codec::from_number(number).ok_or_else(|| {
        let what = format!("{page}: compression {}", codec_name(number));
        Error::unsupported(file.path(), what, "save the file with LZW, deflate or zstd")
    })?;
    let tiled = ifd.entry(tag::TILE_WIDTH).is_some();
    let chunk = if tiled {
        [size(tag::TILE_LENGTH)?, size(tag::TILE_WIDTH)?]
    } else {
        let rows = uint(tag::ROWS_PER_STRIP)?.unwrap_or(height).clamp(1, height);
        [rows, width]
    };
    let layout = Layout {
        width,
        height,
        samples,
        planar: samples > 1 && uint(tag::PLANAR_CONFIGURATION)? == Some(2),
        chunk,
        tiled,
        dtype,
        stored,
        codec,
        predictor: parse_predictor(file, ifd, &page, dtype, stored)?,
        photometric: uint(tag::PHOTOMETRIC)?.unwrap_or(1),
        reversed_bits: uint(tag::FILL_ORDER)? == Some(2),
        numbers: file.numbers(),
    };
    check_layout(file, &page, &layout)?;
    Ok(layout)
}

fn parse_sample(file: &TiffFile, ifd: &Ifd, page: &str) -> Result<(Dtype, Stored)> {
    let same = |tag: u16, default: u64| -> Result<u64> {
        let Some(entry) = ifd.entry(tag).filter(|e| e.count > 0) else { return Ok(default) };
        let values = file.uints(entry, 0, entry.count)?;
        if values.iter().all(|v| *v == values[0]) {
            return Ok(values[0]);
        }
        let what = format!("{page}: samples of different types ({values:?})");
        Err(Error::unsupported(file.path(), what, ""))
    };
    let (bits, format) = (same(tag::BITS_PER_SAMPLE, 1)?, same(tag::SAMPLE_FORMAT, 1)?);
    Ok(match (format, bits) {
        (1 | 4, 8) => (Dtype::Uint8, Stored::Native),
        (1 | 4, 16) => (Dtype::Uint16, Stored::Native),
        (1 | 4, 32) => (Dtype::Uint32, Stored::Native),
        (1 | 4, 64) => (Dtype::Uint64, Stored::Native),
        (1 | 4, 1..=7) => (Dtype::Uint8, Stored::Packed(bits as u8)),
        (1 | 4, 9..=15) => (Dtype::Uint16, Stored::Packed(bits as u8)),
        (1 | 4, 17..=31) => (Dtype::Uint32, Stored::Packed(bits as u8)),
        (2, 8) => (Dtype::Int8, Stored::Native),
        (2, 16) => (Dtype::Int16, Stored::Native),
        (2, 32) => (Dtype::Int32, Stored::Native),
        (2, 64) => (Dtype::Int64, Stored::Native),
        (3, 16) => (Dtype::Float32, Stored::Half),
        (3, 32) => (Dtype::Float32, Stored::Native),
        (3, 64) => (Dtype::Float64, Stored::Native),
        _ => {
            let what = format!("{page}: samples of {bits} bits in sample format {format}");
            return Err(Error::unsupported(file.path(), what, ""));
        }
    })
}

fn parse_predictor(
    file: &TiffFile,
    ifd: &Ifd,
    page: &str,
    dtype: Dtype,
    stored: Stored,
) -> Result<Predictor> {
    let packed = matches!(stored, Stored::Packed(_));
    match file.uint(ifd, tag::PREDICTOR)?.unwrap_or(1) {
        0 | 1 => Ok(Predictor::None),
        2 if !packed => Ok(Predictor::Horizontal),
        3 if dtype.is_float() => Ok(Predictor::Float),
        other => {
            let what = format!("{page}: predictor {other} of {dtype} samples");
            Err(Error::unsupported(file.path(), what, ""))
        }
    }
}

fn check_layout(file: &TiffFile, page: &str, layout: &Layout) -> Result<()> {
    let bad = |what: &str| Err(file.corrupt(format!("{page}: {what}")));
    let refuse = |what: &str| Err(Error::unsupported(file.path(), format!("{page}: {what}"), ""));
    let [rows, columns] = layout.chunk;
    let chunk_bits = columns
        .checked_mul(layout.interleaved())
        .and_then(|n| n.checked_mul(layout.bits()))
        .and_then(|n| n.checked_mul(rows));
    let page_values = layout.width.checked_mul(layout.height).and_then(|n| {
        // Room for the sum over chunks, which pads the edges.
        n.checked_mul(layout.samples)?.checked_mul(1024)
    });
    if chunk_bits.is_none() || page_values.is_none() {
        return bad("more pixels than can be counted");
    }
    if layout.codec == Codec::Jpeg && (layout.bits() != 8 || layout.dtype != Dtype::Uint8) {
        return refuse("JPEG with other than 8 bits");
    }
    let transform = matches!(layout.codec, Codec::Jpeg | Codec::Jpeg2000);
    if transform && layout.predictor != Predictor::None {
        return bad("a predictor on top of JPEG");
    }
    if layout.codec == Codec::Jpeg2000
        && (layout.dtype.is_float() || layout.bits() > 31 || layout.stored != Stored::Native)
    {
        return refuse("JPEG 2000 with samples other than 8 or 16 bit integers");
    }
    if layout.photometric == 6 && layout.codec != Codec::Jpeg {
        return refuse("YCbCr colours outside JPEG");
    }
    Ok(())
}

fn codec_name(number: u64) -> String {
    let name = match number {
        2..=4 => "CCITT fax",
        6 => "old JPEG",
        32809 => "ThunderScan",
        33003 => "Aperio JPEG 2000 YCbCr",
        34676 | 34677 => "SGI log",
        34887 => "LERC",
        34892 => "lossy DNG JPEG",
        34925 => "LZMA",
        34933 => "PNG",
        34934 | 22610 => "JPEG XR",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        _ => return number.to_string(),
    };
    format!("{number} ({name})")
}
