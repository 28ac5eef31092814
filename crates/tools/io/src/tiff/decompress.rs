//! One chunk: compressed bytes to decoded bytes, exactly as many as the page promises.

use flate2::{Decompress, FlushDecompress, Status};

use super::layout::{Codec, Layout};

/// Decodes the bytes of a chunk into `out`, whose length is that of `rows` whole rows.
///
/// Samples come out in the byte order of the file. A last strip may be padded to the length of the
/// others, as some writers do.
///
/// # Errors
/// A clause for the message when the bytes do not decode, or give fewer or more than promised.
pub fn decompress(
    layout: &Layout,
    rows: u64,
    jpeg_tables: Option<&[u8]>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let wanted = out.len();
    if !matches!(layout.codec, Codec::None | Codec::Jpeg | Codec::Jpeg2000) {
        let whole = layout.row_bytes() * layout.chunk[0];
        let whole = whole.min(layout.codec.most_decoded(input.len() as u64));
        out.resize(wanted.max(whole as usize), 0);
    }
    let decoded = fill(layout, rows, jpeg_tables, input, out);
    let decoded = decoded.and_then(|n| if n < wanted { Err(short(n, wanted)) } else { Ok(()) });
    out.truncate(wanted);
    decoded
}

/// Decodes into `out` and says how many bytes were written; more than `out` holds is an error.
fn fill(
    layout: &Layout,
    rows: u64,
    jpeg_tables: Option<&[u8]>,
    input: &[u8],
    out: &mut [u8],
) -> Result<usize, String> {
    match layout.codec {
        Codec::None => {
            let n = input.len().min(out.len());
            out[..n].copy_from_slice(&input[..n]);
            Ok(n)
        }
        Codec::Lzw => lzw(input, out),
        Codec::Deflate => deflate(input, out),
        Codec::Zstd => zstd_frame(input, out),
        Codec::PackBits => packbits(input, out),
        Codec::Jpeg => {
            super::jpeg::decode(layout, rows, jpeg_tables, input, out).map(|()| out.len())
        }
        Codec::Jpeg2000 => super::jpeg::decode_2000(layout, rows, input, out).map(|()| out.len()),
    }
}

fn short(found: usize, wanted: usize) -> String {
    format!("decodes to {found} bytes, {wanted} were promised")
}

fn long(wanted: usize) -> String {
    format!("decodes to more than the {wanted} bytes that were promised")
}

fn lzw(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let (mut read, mut written) = (0, 0);
    while written < out.len() {
        let step = decoder.decode_bytes(&input[read..], &mut out[written..]);
        read += step.consumed_in;
        written += step.consumed_out;
        match step.status {
            Ok(weezl::LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(format!("LZW: {error}")),
        }
    }
    if written < out.len() {
        return Ok(written);
    }
    let more = decoder.decode_bytes(&input[read..], &mut [0]);
    if more.consumed_out > 0 { Err(long(out.len())) } else { Ok(written) }
}

fn deflate(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut stream = Decompress::new(true);
    let failed = |e| format!("deflate: {e}");
    // Not `Finish`: that would forbid to go on when the output is full.
    let status = stream.decompress(input, out, FlushDecompress::None).map_err(failed)?;
    let written = stream.total_out() as usize;
    if written == out.len() && status != Status::StreamEnd {
        // The end mark may still be unread, or there is more than was promised.
        let rest = &input[(stream.total_in() as usize).min(input.len())..];
        stream.decompress(rest, &mut [0], FlushDecompress::None).map_err(failed)?;
        if stream.total_out() as usize > written {
            return Err(long(out.len()));
        }
    }
    Ok(written)
}

fn zstd_frame(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    zstd::bulk::decompress_to_buffer(input, out).map_err(|e| format!("zstd: {e}"))
}

fn packbits(input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let (mut read, mut written) = (0, 0);
    let wanted = out.len();
    while written < wanted {
        let Some(&head) = input.get(read) else { return Ok(written) };
        let head = head as i8;
        read += 1;
        if head == -128 {
            continue;
        }
        let count = 1 + usize::from(head.unsigned_abs());
        let target = out.get_mut(written..written + count).ok_or_else(|| long(wanted))?;
        if head >= 0 {
            let literal = input.get(read..read + count).ok_or_else(|| short(written, wanted))?;
            target.copy_from_slice(literal);
            read += count;
        } else {
            target.fill(*input.get(read).ok_or_else(|| short(written, wanted))?);
            read += 1;
        }
        written += count;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn packbits_of_the_specification_unpack() {
        // The example of TIFF 6.0, section 9.
        let packed = [
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7,
            0xAA,
        ];
        let mut out = [0; 24];
        packbits(&packed, &mut out).unwrap();
        assert_eq!(out[..8], [0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA]);
        assert_eq!(out[14..], [0xAA; 10]);
        assert!(packbits(&packed, &mut [0; 23]).is_err());
        assert_eq!(packbits(&packed, &mut [0; 25]), Ok(24));
    }

    #[test]
    fn more_bytes_than_promised_are_refused_and_fewer_are_seen() {
        let bytes: Vec<u8> = (0..5000u32).map(|i| (i / 7) as u8).collect();
        let mut z = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        std::io::Write::write_all(&mut z, &bytes).unwrap();
        let deflated = z.finish().unwrap();
        let zstded = zstd::bulk::compress(&bytes, 3).unwrap();
        let lzwed = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
            .encode(&bytes)
            .unwrap();
        type Decode = fn(&[u8], &mut [u8]) -> Result<usize, String>;
        let cases: [(&str, &[u8], Decode); 3] =
            [("deflate", &deflated, deflate), ("zstd", &zstded, zstd_frame), ("lzw", &lzwed, lzw)];
        for (name, packed, decode) in cases {
            let mut out = vec![0; bytes.len()];
            assert_eq!(decode(packed, &mut out), Ok(bytes.len()));
            assert_eq!(out, bytes);
            let one_short = decode(packed, &mut vec![0; bytes.len() - 1]);
            assert!(one_short.is_err(), "{name}: {one_short:?}");
            assert_eq!(decode(packed, &mut vec![0; bytes.len() + 1]), Ok(bytes.len()));
            let half = decode(&packed[..packed.len() / 2], &mut out);
            assert!(half.is_err() || half < Ok(bytes.len()));
        }
    }
}
