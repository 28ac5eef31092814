//! Differences of neighbours along a row, undone and made (TIFF 6.0 section 14, technical note 3).

use super::ifd::Numbers;

/// Sums up differences in place, each sample with the one `step` before it.
macro_rules! sum_row {
    ($row:expr, $step:expr, $type:ty, $read:ident, $write:ident) => {{
        let values = $row.as_chunks_mut().0;
        for i in $step..values.len() {
            let sum = <$type>::$read(values[i]).wrapping_add(<$type>::$read(values[i - $step]));
            values[i] = sum.$write();
        }
    }};
}

/// Makes differences in place, from the end so that the samples before are still whole.
macro_rules! difference_row {
    ($row:expr, $type:ty) => {{
        let values = $row.as_chunks_mut().0;
        for i in (1..values.len()).rev() {
            let before = <$type>::from_le_bytes(values[i - 1]);
            values[i] = <$type>::from_le_bytes(values[i]).wrapping_sub(before).to_le_bytes();
        }
    }};
}

/// Undoes horizontal differences in place, row by row.
///
/// `bytes` holds rows of `row_bytes`; `size` is the bytes of a sample, `step` the samples of a
/// pixel. Sums wrap, as the format demands; floating samples are summed as whole numbers.
pub fn undo_horizontal(
    bytes: &mut [u8],
    row_bytes: usize,
    size: usize,
    step: usize,
    numbers: Numbers,
) {
    for row in bytes.chunks_exact_mut(row_bytes) {
        match (size, numbers.big_endian) {
            (1, _) => sum_row!(row, step, u8, from_le_bytes, to_le_bytes),
            (2, false) => sum_row!(row, step, u16, from_le_bytes, to_le_bytes),
            (2, true) => sum_row!(row, step, u16, from_be_bytes, to_be_bytes),
            (4, false) => sum_row!(row, step, u32, from_le_bytes, to_le_bytes),
            (4, true) => sum_row!(row, step, u32, from_be_bytes, to_be_bytes),
            (_, false) => sum_row!(row, step, u64, from_le_bytes, to_le_bytes),
            (_, true) => sum_row!(row, step, u64, from_be_bytes, to_be_bytes),
        }
    }
}

/// Makes horizontal differences of little-endian samples in place, one sample per pixel.
pub fn make_horizontal(bytes: &mut [u8], row_bytes: usize, size: usize) {
    for row in bytes.chunks_exact_mut(row_bytes) {
        match size {
            1 => difference_row!(row, u8),
            2 => difference_row!(row, u16),
            4 => difference_row!(row, u32),
            _ => difference_row!(row, u64),
        }
    }
}

/// Undoes the floating-point predictor in place: sums bytes along the row, then gathers the bytes
/// of each sample, which are stored most significant plane first whatever the file's byte order.
///
/// `scratch` is overwritten. Samples come out in the byte order of `numbers`.
pub fn undo_float(
    bytes: &mut [u8],
    row_bytes: usize,
    size: usize,
    step: usize,
    numbers: Numbers,
    scratch: &mut Vec<u8>,
) {
    let samples = row_bytes / size;
    for row in bytes.chunks_exact_mut(row_bytes) {
        for i in step..row.len() {
            row[i] = row[i].wrapping_add(row[i - step]);
        }
        scratch.clear();
        scratch.extend_from_slice(row);
        for (i, sample) in row.chunks_exact_mut(size).enumerate() {
            for (b, byte) in sample.iter_mut().enumerate() {
                let plane = if numbers.big_endian { b } else { size - 1 - b };
                *byte = scratch[plane * samples + i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Numbers = Numbers { big: false, big_endian: false };

    #[test]
    fn sums_wrap_and_restart_on_each_row() {
        let mut bytes = vec![250, 10, 1, 2];
        undo_horizontal(&mut bytes, 2, 1, 1, LITTLE);
        assert_eq!(bytes, [250, 4, 1, 3]);
    }

    #[test]
    fn interleaved_samples_are_summed_each_with_its_own() {
        let mut bytes = vec![1, 2, 3, 10, 20, 30];
        undo_horizontal(&mut bytes, 6, 1, 3, LITTLE);
        assert_eq!(bytes, [1, 2, 3, 11, 22, 33]);
    }

    #[test]
    fn making_then_undoing_gives_the_same_bytes() {
        let original: Vec<u8> = (0..96u32).map(|i| (i * i % 251) as u8).collect();
        for size in [1, 2, 4, 8] {
            let mut bytes = original.clone();
            make_horizontal(&mut bytes, 32, size);
            assert_ne!(bytes, original);
            undo_horizontal(&mut bytes, 32, size, 1, LITTLE);
            assert_eq!(bytes, original);
        }
    }
}
