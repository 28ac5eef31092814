//! What a page's tags say about its pixels, checked before anything is believed.

use std::sync::Arc;

use hooke_core::Dtype;

use super::file::TiffFile;
use super::ifd::{Entry, Ifd};
use super::layout::{Codec, Layout, Predictor, Stored};
use super::tag;
use crate::{Error, Result};

/// Levels of a pyramid beyond this are a damaged tag.
const MOST_LEVELS: u64 = 32;

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
