//! One row of a tile laid on one row of the mosaic.

use hooke_core::Sample;

/// The last value stands, zeros too.
pub(crate) fn last_opaque<T: Sample>(row: &[T], out: &mut [T]) {
    out.copy_from_slice(row);
}

/// The last value that is not 0 stands. NaN is not 0.
pub(crate) fn last_transparent<T: Sample>(row: &[T], out: &mut [T]) {
    let zero = T::default();
    for (out, value) in out.iter_mut().zip(row) {
        *out = if *value != zero { *value } else { *out };
    }
}

/// The largest value that is not 0 stands; `out` is 0 where there was none. NaN gives way.
pub(crate) fn max_transparent<T: Sample>(row: &[T], out: &mut [T]) {
    let zero = T::default();
    for (out, value) in out.iter_mut().zip(row) {
        let larger = *value > *out || *out == zero || out.is_nan();
        *out = if *value != zero && !value.is_nan() && larger { *value } else { *out };
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
