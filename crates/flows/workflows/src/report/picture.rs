//! RGB pictures as PNG.

/// A PNG of an RGB picture (`height x width x 3`, row-major) as bytes.
///
/// # Errors
/// When the number of bytes is not `width * height * 3`, or a side is zero.
pub fn png_bytes(rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

/// The same as a `data:` URI for a page.
///
/// # Errors
/// As [`png_bytes`].
pub fn png_data_uri(rgb: &[u8], width: usize, height: usize) -> Result<String, png::EncodingError> {
    Ok(format!("data:image/png;base64,{}", base64(&png_bytes(rgb, width, height)?)))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0u32, |w, b| (w << 8) | u32::from(*b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i)) as usize & 63] as char;
            text.push(if i <= group.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_standard_vectors() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_picture_of_the_wrong_size_is_refused() {
        assert!(png_bytes(&[0; 11], 2, 2).is_err());
        assert!(png_bytes(&[0; 12], 2, 2).is_ok());
    }
}
