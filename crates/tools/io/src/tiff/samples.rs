//! Decoded bytes to typed samples.

use hooke_core::Sample;

use super::layout::{Layout, Stored};

/// Reads samples `first..first + out.len()` (in steps of `step`) of one decoded row.
///
/// `row` holds whole pixels from the first column of the chunk; `first` and `step` count samples.
///
/// # Panics
/// When the row is too short; callers hold whole rows.
pub fn read_row<T: Sample>(layout: &Layout, row: &[u8], first: usize, step: usize, out: &mut [T]) {
    match layout.stored {
        Stored::Native if step == 1 => {
            let size = size_of::<T>();
            read_order(layout, &row[first * size..(first + out.len()) * size], out);
        }
        Stored::Native => {
            let size = size_of::<T>();
            for (i, value) in out.iter_mut().enumerate() {
                let at = (first + i * step) * size;
                read_order(layout, &row[at..at + size], std::slice::from_mut(value));
            }
        }
        Stored::Half => {
            for (i, value) in out.iter_mut().enumerate() {
                let at = (first + i * step) * 2;
                let bits = layout.numbers.uint(&row[at..at + 2]) as u16;
                *value = T::from_f64(f64::from(half_to_f32(bits)));
            }
        }
        Stored::Packed(bits) => {
            for (i, value) in out.iter_mut().enumerate() {
                let sample = packed(row, (first + i * step) as u64, u64::from(bits));
                *value = T::from_f64(f64::from(sample));
            }
        }
    }
}

fn read_order<T: Sample>(layout: &Layout, bytes: &[u8], out: &mut [T]) {
    if layout.numbers.big_endian { T::read_be(bytes, out) } else { T::read_le(bytes, out) }
}

/// The `index`-th sample of `bits` bits, most significant bit first.
fn packed(row: &[u8], index: u64, bits: u64) -> u32 {
    let start = index * bits;
    let (first, last) = (start / 8, (start + bits - 1) / 8);
    let bytes = &row[first as usize..=last as usize];
    let joined = bytes.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
    let spare = 8 * (last + 1) - (start + bits);
    ((joined >> spare) & ((1 << bits) - 1)) as u32
}

/// IEEE 754 binary16 to binary32, exact.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_bits_lie_across_bytes() {
        let row = [0x12, 0x3A, 0xBC, 0xFF, 0xF0];
        assert_eq!([0, 1, 2].map(|i| packed(&row, i, 12)), [0x123, 0xABC, 0xFFF]);
        assert_eq!([0, 1, 2, 3].map(|i| packed(&[0b1010_0000], i, 1)), [1, 0, 1, 0]);
    }

    #[test]
    fn halves_widen_exactly() {
        assert_eq!(half_to_f32(0x3C00), 1.0);
        assert_eq!(half_to_f32(0xC000), -2.0);
        assert_eq!(half_to_f32(0x7BFF), 65504.0);
        assert_eq!(half_to_f32(0x0001), 2f32.powi(-24));
        assert_eq!(half_to_f32(0x3555), 0.333_251_95);
        assert!(half_to_f32(0x7E00).is_nan());
    }
}
