//! The pixels of a page: size, sample type, chunks, codec.

use hooke_core::Dtype;

use super::ifd::Numbers;

/// The largest decoded chunk that needs no justification by the number of compressed bytes.
const SMALL_CHUNK: u64 = 64 << 20;

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

    /// The codec of a Compression tag; `None` for those that are not read.
    pub fn from_number(number: u64) -> Option<Codec> {
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

/// The factor between the lengths of two levels: a whole one where there is one that explains them.
pub fn factor(full: u64, part: u64) -> f64 {
    let ratio = full as f64 / part as f64;
    let explains = |f: &f64| {
        let f = (*f as u64).max(1);
        full.div_ceil(f) == part || full / f == part
    };
    [ratio.floor(), ratio.ceil()].into_iter().find(explains).unwrap_or(ratio).max(1.0)
}
