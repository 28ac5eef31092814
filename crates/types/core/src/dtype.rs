//! Sample types, and the one dispatch from a run-time type to a typed function.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The sample type of an image; numpy's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Dtype {
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
}

impl Dtype {
    /// Every sample type.
    pub const ALL: [Dtype; 10] = [
        Dtype::Uint8,
        Dtype::Uint16,
        Dtype::Uint32,
        Dtype::Uint64,
        Dtype::Int8,
        Dtype::Int16,
        Dtype::Int32,
        Dtype::Int64,
        Dtype::Float32,
        Dtype::Float64,
    ];

    /// numpy's name, `uint16`.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::Uint8 => "uint8",
            Dtype::Uint16 => "uint16",
            Dtype::Uint32 => "uint32",
            Dtype::Uint64 => "uint64",
            Dtype::Int8 => "int8",
            Dtype::Int16 => "int16",
            Dtype::Int32 => "int32",
            Dtype::Int64 => "int64",
            Dtype::Float32 => "float32",
            Dtype::Float64 => "float64",
        }
    }

    /// Reads numpy's name or the short form (`u16`, `f32`).
    pub fn parse(name: &str) -> Option<Dtype> {
        let short = |d: Dtype| {
            let n = d.name();
            format!("{}{}", &n[..1], n.trim_start_matches(|c: char| c.is_ascii_alphabetic()))
        };
        Dtype::ALL.into_iter().find(|d| d.name() == name || short(*d) == name)
    }

    /// Bytes per sample.
    pub fn size(self) -> usize {
        match self {
            Dtype::Uint8 | Dtype::Int8 => 1,
            Dtype::Uint16 | Dtype::Int16 => 2,
            Dtype::Uint32 | Dtype::Int32 | Dtype::Float32 => 4,
            Dtype::Uint64 | Dtype::Int64 | Dtype::Float64 => 8,
        }
    }

    /// Whether samples are floating point.
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::Float32 | Dtype::Float64)
    }

    /// Whether samples are signed integers.
    pub fn is_signed(self) -> bool {
        matches!(self, Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::Int64)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A type that can be a sample of an image.
///
/// Conversions say what they lose: `to_f64` is exact up to 2^53, `from_f64` rounds half to even
/// and saturates at the type's limits (NaN becomes 0 for integers).
pub trait Sample:
    Copy + Default + PartialOrd + PartialEq + Send + Sync + fmt::Debug + 'static
{
    /// The run-time name of this type.
    const DTYPE: Dtype;
    /// The value as f64; 64-bit integers above 2^53 are rounded.
    fn to_f64(self) -> f64;
    /// The value as f32; integers above 2^24 are rounded.
    fn to_f32(self) -> f32;
    /// The value as an integer, `None` for floating-point types.
    fn to_i128(self) -> Option<i128>;
    /// The nearest value of this type, ties to even, saturating; NaN becomes 0 for integers.
    fn from_f64(value: f64) -> Self;
    /// Whether this value is NaN.
    fn is_nan(self) -> bool;
    /// Appends the little-endian bytes.
    fn extend_le(values: &[Self], out: &mut Vec<u8>);
    /// Reads little-endian bytes; `bytes` must hold exactly `out.len()` samples.
    fn read_le(bytes: &[u8], out: &mut [Self]);
    /// Reads big-endian bytes; `bytes` must hold exactly `out.len()` samples.
    fn read_be(bytes: &[u8], out: &mut [Self]);
}

macro_rules! sample {
    ($type:ty, $dtype:ident, $from:expr, $nan:expr, $integer:expr) => {
        impl Sample for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline]
            fn to_i128(self) -> Option<i128> {
                let integer: fn($type) -> Option<i128> = $integer;
                integer(self)
            }
            #[inline]
            fn from_f64(value: f64) -> Self {
                let from: fn(f64) -> $type = $from;
                from(value)
            }
            #[inline]
            fn is_nan(self) -> bool {
                let nan: fn($type) -> bool = $nan;
                nan(self)
            }
            fn extend_le(values: &[Self], out: &mut Vec<u8>) {
                out.reserve(size_of_val(values));
                for value in values {
                    out.extend_from_slice(&value.to_le_bytes());
                }
            }
            fn read_le(bytes: &[u8], out: &mut [Self]) {
                assert_eq!(bytes.len(), size_of_val(out), "bytes hold exactly the samples");
                for (value, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *value = <$type>::from_le_bytes(*bytes);
                }
            }
            fn read_be(bytes: &[u8], out: &mut [Self]) {
                assert_eq!(bytes.len(), size_of_val(out), "bytes hold exactly the samples");
                for (value, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *value = <$type>::from_be_bytes(*bytes);
                }
            }
        }
    };
}

sample!(u8, Uint8, |v| v.round_ties_even() as u8, |_| false, |v| Some(i128::from(v)));
sample!(u16, Uint16, |v| v.round_ties_even() as u16, |_| false, |v| Some(i128::from(v)));
sample!(u32, Uint32, |v| v.round_ties_even() as u32, |_| false, |v| Some(i128::from(v)));
sample!(u64, Uint64, |v| v.round_ties_even() as u64, |_| false, |v| Some(i128::from(v)));
sample!(i8, Int8, |v| v.round_ties_even() as i8, |_| false, |v| Some(i128::from(v)));
sample!(i16, Int16, |v| v.round_ties_even() as i16, |_| false, |v| Some(i128::from(v)));
sample!(i32, Int32, |v| v.round_ties_even() as i32, |_| false, |v| Some(i128::from(v)));
sample!(i64, Int64, |v| v.round_ties_even() as i64, |_| false, |v| Some(i128::from(v)));
sample!(f32, Float32, |v| v as f32, |v| v.is_nan(), |_| None);
sample!(f64, Float64, |v| v, |v| v.is_nan(), |_| None);

/// Runs an expression with a type alias bound to the Rust type of a [`Dtype`].
///
/// ```
/// use hooke_core::{dispatch, Dtype, Sample};
/// let bytes = dispatch!(Dtype::Uint16, T => size_of::<T>());
/// assert_eq!(bytes, 2);
/// ```
#[macro_export]
macro_rules! dispatch {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::Dtype::Uint8 => {
                type $T = u8;
                $body
            }
            $crate::Dtype::Uint16 => {
                type $T = u16;
                $body
            }
            $crate::Dtype::Uint32 => {
                type $T = u32;
                $body
            }
            $crate::Dtype::Uint64 => {
                type $T = u64;
                $body
            }
            $crate::Dtype::Int8 => {
                type $T = i8;
                $body
            }
            $crate::Dtype::Int16 => {
                type $T = i16;
                $body
            }
            $crate::Dtype::Int32 => {
                type $T = i32;
                $body
            }
            $crate::Dtype::Int64 => {
                type $T = i64;
                $body
            }
            $crate::Dtype::Float32 => {
                type $T = f32;
                $body
            }
            $crate::Dtype::Float64 => {
                type $T = f64;
                $body
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_and_numpy_names_read_alike() {
        assert_eq!(Dtype::parse("u16"), Some(Dtype::Uint16));
        assert_eq!(Dtype::parse("float32"), Some(Dtype::Float32));
        assert_eq!(Dtype::parse("f16"), None);
    }

    #[test]
    fn rounding_is_half_to_even_and_saturates() {
        assert_eq!(u16::from_f64(2.5), 2);
        assert_eq!(u16::from_f64(3.5), 4);
        assert_eq!(u8::from_f64(300.0), 255);
        assert_eq!(u8::from_f64(-3.0), 0);
        assert_eq!(i16::from_f64(f64::NAN), 0);
    }

    #[test]
    fn bytes_round_trip_in_both_orders() {
        let values = [1u16, 0x1234, 65535];
        let mut bytes = Vec::new();
        u16::extend_le(&values, &mut bytes);
        assert_eq!(bytes, [1, 0, 0x34, 0x12, 255, 255]);
        let mut back = [0u16; 3];
        u16::read_le(&bytes, &mut back);
        assert_eq!(back, values);
        u16::read_be(&bytes, &mut back);
        assert_eq!(back, [256, 0x3412, 65535]);
    }
}
