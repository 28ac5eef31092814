//! JPEG and JPEG 2000 chunks. Sizes in their headers are compared with the page before decoding.

use jpeg2k::{DecodeParameters, Image};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::layout::Layout;

/// Decodes a JPEG chunk; YCbCr pages come out as RGB, all others as stored.
///
/// # Errors
/// A clause for the message when the chunk does not decode or is not of the page's size.
pub fn decode(
    layout: &Layout,
    rows: u64,
    tables: Option<&[u8]>,
    input: &[u8],
    out: &mut [u8],
) -> Result<(), String> {
    let joined = join_tables(tables, input);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(layout.chunk[1] as usize)
        .set_max_height(layout.chunk[0] as usize);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(joined.as_ref()), options);
    let failed = |e| format!("JPEG: {e}");
    decoder.decode_headers().map_err(failed)?;
    let (found, stored) = (decoder.info(), decoder.input_colorspace());
    let (Some(found), Some(stored)) = (found, stored) else { return Err("JPEG: no header".into()) };
    let samples = layout.interleaved();
    let size = (u64::from(found.width), u64::from(found.height), u64::from(found.components));
    if size.0 != layout.chunk[1] || size.1 < rows || size.2 != samples {
        return Err(format!(
            "JPEG of {size:?} where {:?} was promised",
            (layout.chunk[1], rows, samples)
        ));
    }
    let wanted = if layout.photometric == 6 && stored == ColorSpace::YCbCr {
        ColorSpace::RGB
    } else {
        stored
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let pixels = decoder.decode().map_err(failed)?;
    let enough = pixels.get(..out.len()).ok_or("JPEG: too few samples")?;
    out.copy_from_slice(enough);
    Ok(())
}

/// The shared tables, without their end mark, before the chunk, without its start mark.
fn join_tables<'a>(tables: Option<&[u8]>, input: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
    match tables.and_then(|t| t.strip_suffix(&[0xFF, 0xD9])) {
        Some(tables) if input.starts_with(&[0xFF, 0xD8]) => [tables, &input[2..]].concat().into(),
        _ => input.into(),
    }
}

/// Decodes a JPEG 2000 chunk, exact for reversible code streams.
///
/// # Errors
/// A clause for the message when the chunk does not decode or is not of the page's size.
pub fn decode_2000(layout: &Layout, rows: u64, input: &[u8], out: &mut [u8]) -> Result<(), String> {
    let samples = layout.interleaved() as usize;
    let promised = (layout.chunk[1], rows, samples as u64);
    let found = code_stream_size(input).ok_or("JPEG 2000: no code stream")?;
    if (found.0, found.2) != (promised.0, promised.2) || found.1 < rows || found.1 > layout.chunk[0]
    {
        return Err(format!("JPEG 2000 of {found:?} where {promised:?} was promised"));
    }
    let image = Image::from_bytes_with(input, DecodeParameters::new().strict(true))
        .map_err(|e| format!("JPEG 2000: {e}"))?;
    if image.components().len() != samples {
        return Err(format!("JPEG 2000: {} components", image.components().len()));
    }
    let size = layout.dtype.size();
    let voxels = (promised.0 * rows) as usize;
    for (s, component) in image.components().iter().enumerate() {
        let bits = 8 * size as u32;
        if u64::from(component.width()) != promised.0 || component.precision() > bits {
            return Err("JPEG 2000: a component is subsampled or too deep".to_owned());
        }
        let data = component.data().get(..voxels).ok_or("JPEG 2000: too few samples")?;
        for (pixel, value) in out.chunks_exact_mut(samples * size).zip(data) {
            let target = &mut pixel[s * size..(s + 1) * size];
            let bytes = value.to_be_bytes();
            target.copy_from_slice(&bytes[4 - size..]);
            if !layout.numbers.big_endian {
                target.reverse();
            }
        }
    }
    Ok(())
}

/// Width, height and components from the SIZ marker (ISO 15444-1 A.5.1).
fn code_stream_size(input: &[u8]) -> Option<(u64, u64, u64)> {
    let start = input.windows(4).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])? + 4;
    let number = |at: usize, size: usize| {
        let bytes = input.get(start + at..start + at + size)?;
        Some(bytes.iter().fold(0, |n, b| (n << 8) | u64::from(*b)))
    };
    let width = number(4, 4)?.checked_sub(number(12, 4)?)?;
    let height = number(8, 4)?.checked_sub(number(16, 4)?)?;
    Some((width, height, number(36, 2)?))
}
