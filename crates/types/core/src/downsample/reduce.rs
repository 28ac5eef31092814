//! Sums and means of each sample type.

use crate::dtype::Dtype;
use crate::pixels::Typed;

/// A sample type that pyramids can be made of.
pub trait Reduce: Typed {
    #[doc(hidden)]
    type Sum: Copy;
    #[doc(hidden)]
    fn widen(self) -> Self::Sum;
    #[doc(hidden)]
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// The sum of two neighbours, in a form that vectorises.
    #[doc(hidden)]
    fn pair(pair: &[Self; 2]) -> Self::Sum;
    /// The mean of `n` samples from their sum.
    #[doc(hidden)]
    fn mean(sum: Self::Sum, n: usize) -> Self;
    /// The same for many sums of equally many samples.
    #[doc(hidden)]
    fn means(sums: &[Self::Sum], n: usize, out: &mut [Self]);
    /// The larger of two samples, ignoring NaN.
    #[doc(hidden)]
    fn larger(self, other: Self) -> Self;
}

macro_rules! reduce_integer {
    ($($type:ty, $sum:ty, $pair:expr);*) => {
        $(impl Reduce for $type {
            type Sum = $sum;
            #[inline]
            fn widen(self) -> $sum {
                self as $sum
            }
            #[inline]
            fn add(a: $sum, b: $sum) -> $sum {
                a + b
            }
            #[inline]
            fn pair(pair: &[$type; 2]) -> $sum {
                let of: fn(&[$type; 2]) -> $sum = $pair;
                of(pair)
            }
            #[inline]
            fn mean(sum: $sum, n: usize) -> $type {
                let n = n as $sum;
                let (floor, rest) = (sum.div_euclid(n), sum.rem_euclid(n));
                let up = 2 * rest > n || (2 * rest == n && floor & 1 == 1);
                (floor + up as $sum) as $type
            }
            #[inline]
            fn means(sums: &[$sum], n: usize, out: &mut [$type]) {
                // Adding half, less one where the floor is even, rounds ties to even.
                macro_rules! shift {
                    ($k:literal) => {
                        for (o, s) in out.iter_mut().zip(sums) {
                            *o = ((s + ((1 << ($k - 1)) - 1) + ((s >> $k) & 1)) >> $k) as $type;
                        }
                    };
                }
                match n {
                    2 => shift!(1),
                    4 => shift!(2),
                    8 => shift!(3),
                    _ => {
                        for (o, s) in out.iter_mut().zip(sums) {
                            *o = Self::mean(*s, n);
                        }
                    }
                }
            }
            #[inline]
            fn larger(self, other: $type) -> $type {
                self.max(other)
            }
        })*
    };
}

// Sums of `largest_window` samples fit. Two neighbours are taken as one number of twice the width
// and its halves are added: on any byte order the sum is the same.
reduce_integer!(
    u8, u32, |[a, b]| {
        let both = u16::from(*a) | (u16::from(*b) << 8);
        u32::from((both & 0xFF) + (both >> 8))
    };
    i8, i32, |[a, b]| i32::from(*a) + i32::from(*b);
    u16, u32, |[a, b]| {
        let both = u32::from(*a) | (u32::from(*b) << 16);
        (both & 0xFFFF) + (both >> 16)
    };
    i16, i32, |[a, b]| i32::from(*a) + i32::from(*b);
    u32, i64, |[a, b]| i64::from(*a) + i64::from(*b);
    i32, i64, |[a, b]| i64::from(*a) + i64::from(*b);
    u64, i128, |[a, b]| i128::from(*a) + i128::from(*b);
    i64, i128, |[a, b]| i128::from(*a) + i128::from(*b)
);

macro_rules! reduce_float {
    ($($type:ty),*) => {
        $(impl Reduce for $type {
            type Sum = f64;
            #[inline]
            fn widen(self) -> f64 {
                self as f64
            }
            #[inline]
            fn add(a: f64, b: f64) -> f64 {
                a + b
            }
            #[inline]
            fn pair([a, b]: &[$type; 2]) -> f64 {
                *a as f64 + *b as f64
            }
            #[inline]
            fn mean(sum: f64, n: usize) -> $type {
                (sum / n as f64) as $type
            }
            #[inline]
            fn means(sums: &[f64], n: usize, out: &mut [$type]) {
                if n.is_power_of_two() {
                    // Exact, and a multiplication vectorises where a division does not.
                    let scale = 1.0 / n as f64;
                    for (o, s) in out.iter_mut().zip(sums) {
                        *o = (s * scale) as $type;
                    }
                } else {
                    for (o, s) in out.iter_mut().zip(sums) {
                        *o = Self::mean(*s, n);
                    }
                }
            }
            #[inline]
            fn larger(self, other: $type) -> $type {
                self.max(other)
            }
        })*
    };
}

reduce_float!(f32, f64);

/// The largest window, in voxels, of one step for a sample type.
pub fn largest_window(dtype: Dtype) -> u64 {
    match dtype {
        Dtype::Uint8 | Dtype::Int8 | Dtype::Uint16 | Dtype::Int16 => 1 << 15,
        _ => 1 << 31,
    }
}
