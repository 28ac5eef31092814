//! Samples as unsigned integers of the same order.

use hooke_core::{Dtype, Sample};

/// Bits of a sample's key.
pub(crate) fn key_bits(dtype: Dtype) -> u32 {
    8 * dtype.size() as u32
}

/// The sample as an unsigned integer: a larger sample has a larger key. Not for NaN.
#[inline]
pub(crate) fn key<T: Sample>(value: T) -> u64 {
    match T::DTYPE {
        Dtype::Float32 => u64::from(order_32((value.to_f32() + 0.0).to_bits())),
        Dtype::Float64 => order_64((value.to_f64() + 0.0).to_bits()),
        dtype => {
            let whole = value.to_i128().unwrap_or_default() as u64;
            let sign = if dtype.is_signed() { 1u64 << (key_bits(dtype) - 1) } else { 0 };
            let mask = u64::MAX >> (64 - key_bits(dtype));
            (whole & mask) ^ sign
        }
    }
}

/// The value of a key, as f64; 64-bit integers above 2^53 are rounded.
pub(crate) fn value_of(key: u64, dtype: Dtype) -> f64 {
    match dtype {
        Dtype::Float32 => f64::from(f32::from_bits(order_32_back(key as u32))),
        Dtype::Float64 => f64::from_bits(order_64_back(key)),
        _ if dtype.is_signed() => (i128::from(key) - (1i128 << (key_bits(dtype) - 1))) as f64,
        _ => key as f64,
    }
}

// A negative float's bits count downwards: invert them all; of others set the sign bit.
fn order_32(bits: u32) -> u32 {
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn order_64(bits: u64) -> u64 {
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn order_32_back(key: u32) -> u32 {
    if key >> 31 == 1 { key & !(1 << 31) } else { !key }
}

fn order_64_back(key: u64) -> u64 {
    if key >> 63 == 1 { key & !(1 << 63) } else { !key }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Sample>(ascending: &[T]) {
        let keys: Vec<u64> = ascending.iter().map(|v| key(*v)).collect();
        assert!(keys.windows(2).all(|k| k[0] < k[1]), "{ascending:?}");
        for (key, value) in keys.into_iter().zip(ascending) {
            assert_eq!(value_of(key, T::DTYPE), value.to_f64());
        }
    }

    #[test]
    fn keys_order_as_values_do() {
        check(&[0u8, 1, 255]);
        check(&[i8::MIN, -1, 0, 1, i8::MAX]);
        check(&[i16::MIN, -300, 0, 5]);
        check(&[0u64, 1 << 40, u64::MAX]);
        check(&[i64::MIN, -1, 0, i64::MAX]);
        check(&[f32::NEG_INFINITY, -2.5, -1e-40, 0.0, 1e-40, 3.0, f32::INFINITY]);
        check(&[-1e300, -1.0, 0.0, 1e-310, 2.0]);
        assert_eq!(key(-0.0f32), key(0.0f32));
    }
}
