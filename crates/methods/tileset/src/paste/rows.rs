//! One row of a tile laid on one row of the mosaic.

use hooke_core::Sample;

/// The last value that is not 0 stands. NaN is not 0.
pub(crate) fn last_transparent<T: Sample>(row: &[T], out: &mut [T]) {
    let zero = T::default();
    merge(row, out, |value, below| if value != zero { value } else { below });
}

/// The largest value that is not 0 stands; `out` is 0 where there was none. NaN gives way.
pub(crate) fn max_transparent<T: Sample>(row: &[T], out: &mut [T]) {
    let zero = T::default();
    merge(row, out, |value, below| {
        let larger = value > below || below == zero || below.is_nan();
        if value != zero && !value.is_nan() && larger { value } else { below }
    });
}

/// Picks one of two values per pixel, sixteen pixels at a time: written as a store per pixel, the
/// compiler would branch on each.
#[inline(always)]
fn merge<T: Copy>(row: &[T], out: &mut [T], pick: impl Fn(T, T) -> T) {
    let (above, rest) = row.as_chunks::<16>();
    let (below, below_rest) = out.as_chunks_mut::<16>();
    for (below, above) in below.iter_mut().zip(above) {
        *below = std::array::from_fn(|i| pick(above[i], below[i]));
    }
    for (below, above) in below_rest.iter_mut().zip(rest) {
        *below = pick(*above, *below);
    }
}

/// The largest value stands; `seen` counts the tiles so far. NaN gives way.
pub(crate) fn max_opaque<T: Sample>(row: &[T], out: &mut [T], seen: &mut [u32]) {
    for ((out, value), seen) in out.iter_mut().zip(row).zip(seen) {
        if *seen == 0 || *value > *out || out.is_nan() {
            *out = *value;
        }
        *seen += 1;
    }
}

/// Adds to the sums; where this is the first value it stands as it is, exact for any type.
pub(crate) fn add<T: Sample>(row: &[T], out: &mut [T], sums: &mut [f64], seen: &mut [u32]) {
    for (((out, value), sum), seen) in out.iter_mut().zip(row).zip(sums).zip(seen) {
        if *seen == 0 {
            *out = *value;
        }
        *sum += value.to_f64();
        *seen += 1;
    }
}
